import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { join } from 'node:path';
import {
  EntropyCheckpoint,
  EntropyCheckpointCallback,
  type EntropyCheckpointOptions,
} from '../../src/index.js';
import { rejection } from '../support/errors.js';
import { FaultyStore } from '../support/faulty-store.js';
import { callbackWith, FIT } from '../support/confidences.js';
import {
  disposeModel,
  expectNoTensorsLeft,
  makeData,
  makeModel,
  useTempFolder,
} from '../support/fixtures.js';

const tempFolder = useTempFolder();
let log: jest.SpiedFunction<typeof console.log>;

beforeEach(() => {
  log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

const printed = (): string[] =>
  log.mock.calls.map(([line]) => {
    expect(line).toMatch(/^\[entropy-checkpoint\] [^\n]+$/);
    return String(line).slice('[entropy-checkpoint] '.length);
  });
const ends = (): string[] => printed().filter((line) => !line.startsWith('epoch '));

type Logs = Readonly<Record<string, number>>;

/** A custom training loop whose epochs have these logs. */
async function train(
  logs: readonly Logs[],
  options: EntropyCheckpointOptions,
  after: (checkpoint: EntropyCheckpoint) => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  await expectNoTensorsLeft(async () => {
    const model = makeModel();
    const checkpoint = new EntropyCheckpoint(model, undefined, {
      filepath: null,
      monitor: 'val_acc',
      verbose: 2,
      ...options,
    });
    for (const [epoch, values] of logs.entries()) await checkpoint.saveCheckpoint(epoch, values);
    await after(checkpoint);
    checkpoint.dispose();
    disposeModel(model);
  });
}

const accuracies = (...values: number[]): Logs[] => values.map((value) => ({ val_acc: value }));

describe('with `verbose: 2`, the line of an epoch', () => {
  it('has its number, its value, and how it compares with the best', async () => {
    await train(accuracies(0.5, 0.75, 0.625, 0.75, NaN), {});
    expect(printed().filter((line) => !line.includes('saved to'))).toEqual([
      'epoch 0: val_acc 0.50000, the best so far',
      'epoch 1: val_acc 0.75000, the best so far: 0.25 better than epoch 0',
      'epoch 2: val_acc 0.62500, 0.125 worse than the best, epoch 1',
      'epoch 3: val_acc 0.75000, equal to the best, epoch 1',
      'epoch 4: val_acc NaN, not selected',
    ]);
  });

  it('calls a smaller loss better', async () => {
    const logs = [2, 1.5, 1.75].map((value) => ({ val_loss: value }));
    await train(logs, { monitor: 'val_loss' });
    expect(printed().filter((line) => !line.includes('saved to'))).toEqual([
      'epoch 0: val_loss 2.0000, the best so far',
      'epoch 1: val_loss 1.5000, the best so far: 0.5 better than epoch 0',
      'epoch 2: val_loss 1.7500, 0.25 worse than the best, epoch 1',
    ]);
  });

  it('says if an epoch is not selected though its value is better', async () => {
    await train(accuracies(0.9, 0.5, 0.55), { startFromEpoch: 1, minDelta: 0.1 });
    expect(printed().filter((line) => !line.includes('saved to'))).toEqual([
      'epoch 0: val_acc 0.90000, not selected',
      'epoch 1: val_acc 0.50000, the best so far',
      'epoch 2: val_acc 0.55000, 0.05 better than the best, epoch 1, which stays the best',
    ]);
  });

  it('is printed beside what `verbose: 1` prints', async () => {
    await train(accuracies(0.5, 0.25), { verbose: 1 }, (checkpoint) => checkpoint.loadCheckpoint());
    const atOne = printed();
    log.mockClear();
    await train(accuracies(0.5, 0.25), { verbose: 2 }, (checkpoint) => checkpoint.loadCheckpoint());
    expect(printed().filter((line) => atOne.includes(line))).toEqual(atOne);
    expect(printed()).toHaveLength(atOne.length + 2);
  });
});

describe('the line at the end of a training', () => {
  it('says which epoch is kept, why, by how much and where', async () => {
    const filepath = join(tempFolder(), 'run');
    await train(accuracies(0.5, 0.75, 0.625), { filepath, verbose: 1 }, (it) => it.loadCheckpoint());
    expect(ends()).toEqual([
      'Epoch 1 was kept: its val_acc of 0.75 was the highest of 3 epochs; the last epoch, 2, had 0.625. That is 12.5 ' +
        `points above the last epoch. It is stored in ${filepath}.`,
    ]);
  });

  it('names the accuracy if something else is monitored', async () => {
    const logs = [
      { val_loss: 1, val_acc: 0.5 },
      { val_loss: 2, val_acc: 0.75 },
    ];
    await train(logs, { monitor: 'val_loss' }, (checkpoint) => checkpoint.loadCheckpoint());
    expect(ends()).toEqual([
      'Epoch 0 was kept: its val_loss of 1 was the lowest of 2 epochs; the last epoch, 1, had 2. Its val_acc of 0.5 is ' +
        '25.0 points below the last epoch. It is in memory only.',
    ]);
  });

  it('leaves out the points for the last epoch, and where one has no accuracy', async () => {
    await train(accuracies(0.5, 0.75), {}, (checkpoint) => checkpoint.loadCheckpoint());
    const logs = [{ val_loss: 1, val_acc: 0.5 }, { val_loss: 2 }];
    await train(logs, { monitor: 'val_loss' }, (checkpoint) => checkpoint.loadCheckpoint());
    expect(ends()).toHaveLength(2);
    for (const line of ends()) expect(line).not.toContain('points');
  });

  it('comes once, and again after further epochs', async () => {
    await train(accuracies(0.5, 0.25), {}, async (checkpoint) => {
      expect(ends()).toEqual([]);
      for (let i = 0; i < 2; i++) await checkpoint.loadCheckpoint();
      await checkpoint.flush();
      expect(ends()).toHaveLength(1);
      await checkpoint.saveCheckpoint(2, { val_acc: 0.75 });
      await checkpoint.loadCheckpoint();
      expect(ends()).toEqual([expect.stringMatching(/^Epoch 0 was/), expect.stringMatching(/^Epoch 2 was/)]);
    });
  });

  async function fit(checkpoint: EntropyCheckpointCallback, others: tf.CustomCallback[] = []): Promise<void> {
    const model = makeModel();
    const { x, y } = makeData(24);
    try {
      await model.fit(x, y, { ...FIT, epochs: 2, callbacks: [checkpoint, ...others] });
    } finally {
      checkpoint.dispose();
      disposeModel(model);
      tf.dispose([x, y]);
    }
  }

  it('is the last one of `fit`, and one alone', async () => {
    await expectNoTensorsLeft(async () => {
      const filepath = join(tempFolder(), 'run');
      const checkpoint = new EntropyCheckpointCallback({ filepath, monitor: 'loss', verbose: 1 });
      await fit(checkpoint);
      expect(ends()).toEqual([expect.stringContaining(`It is stored in ${filepath}.`)]);
      expect(printed().at(-1)).toBe(ends()[0]);
    });
  });

  it('says that no epoch was kept', async () => {
    await expectNoTensorsLeft(async () => {
      await fit(new EntropyCheckpointCallback({ filepath: null, startFromEpoch: 9, verbose: 1 }));
      expect(printed()).toEqual(['No epoch was kept.']);
    });
  });

  it('is missing if nothing could be stored, if `fit` was disposed of, and with `verbose: 0`', async () => {
    await expectNoTensorsLeft(async () => {
      const store = new FaultyStore();
      store.fault = 'early';
      const failing = new EntropyCheckpointCallback({ filepath: store, verbose: 1 });
      expect((await rejection(fit(failing))).code).toBe('ENTROPY_STORE_FAILED');
      const disposed = new EntropyCheckpointCallback({ filepath: null, verbose: 1 });
      const disposes = callbackWith('onEpochBegin', () => {
        disposed.dispose();
      });
      await fit(disposed, [disposes]);
      await fit(new EntropyCheckpointCallback({ filepath: null }));
      expect(printed()).toEqual([]);
    });
  });
});
