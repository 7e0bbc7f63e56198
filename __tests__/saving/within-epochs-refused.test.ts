import { describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  EntropyCheckpointCallback,
  listCheckpoints,
  loadCheckpoint,
  MemoryStore,
  type EntropyCheckpointError,
} from '../../src/index.js';
import { countTensors } from '../state/fixtures/tensor-count.js';
import { modelBits } from '../state/fixtures/training.js';
import { rejection } from '../support/errors.js';
import { BATCHES, copyAfter, fitFrom, makeDataset, makeNet, outcomeOf } from './fixtures/interrupted.js';

const own = countTensors();
const options = { saveLast: { everyBatches: 2 } } as const;
const START = { initialEpoch: 0, initialBatch: 0 };

/** Stops a training after 4 batches of epoch 2, whose state is stored. */
async function stoppedWithin(isSized = true): Promise<MemoryStore> {
  const store = new MemoryStore();
  const model = own(makeNet(tf.train.adam(0.02)));
  const checkpoint = new EntropyCheckpointCallback({ ...options, filepath: store });
  let epoch = -1;
  const stop = new tf.CustomCallback({});
  stop.onEpochBegin = (begun) => {
    epoch = begun;
    return Promise.resolve();
  };
  stop.onBatchEnd = (batch) => {
    model.stopTraining = epoch === 2 && batch === 3;
    return Promise.resolve();
  };
  await fitFrom(model, makeDataset(isSized), START, [checkpoint, stop]);
  checkpoint.dispose();
  return store;
}

async function resumed(
  store: MemoryStore,
): Promise<{ model: tf.Sequential; checkpoint: EntropyCheckpointCallback }> {
  const model = own(makeNet(tf.train.adam(0.02)));
  const checkpoint = new EntropyCheckpointCallback({ ...options, filepath: store });
  expect(await checkpoint.resume(model)).toEqual({ initialEpoch: 2, initialBatch: 4 });
  return { model, checkpoint };
}

async function data(): Promise<{ x: tf.Tensor; y: tf.Tensor }> {
  const batches = await makeDataset(true).toArray();
  const result = {
    x: own(tf.concat(batches.map(({ xs }) => xs))),
    y: own(tf.concat(batches.map(({ ys }) => ys))),
  };
  tf.dispose(batches);
  return result;
}

test('`saveLast: { … }` is refused in `fit`, before a weight changes', async () => {
  const model = own(makeNet(tf.train.adam(0.02)));
  const { x, y } = await data();
  const checkpoint = new EntropyCheckpointCallback({ ...options, filepath: new MemoryStore() });
  const before = modelBits(model);
  const error = await rejection(model.fit(x, y, { callbacks: checkpoint, verbose: 0 }));
  expect(error.code).toBe('ENTROPY_INVALID_OPTION');
  expect(error.message).toMatch(
    /^\[entropy-checkpoint\] Use `saveLast: true` with `fit`, which can't begin within an/,
  );
  expect(modelBits(model)).toEqual(before);
  checkpoint.dispose();
});

describe('a training that was interrupted within an epoch', () => {
  type Refused = (model: tf.Sequential, checkpoint: EntropyCheckpointCallback) => Promise<unknown>;
  const base = { initialEpoch: 2, verbose: 0 as const };
  const calls: [string, Refused, RegExp][] = [
    [
      '`fit`',
      async (model, callbacks) => {
        const { x, y } = await data();
        return model.fit(x, y, { ...base, epochs: 3, callbacks });
      },
      /4 batches of epoch 2 are trained, and `fit` can't begin within an epoch/,
    ],
    [
      'later epochs in the same call, which would skip batches as well',
      (model, callbacks) => model.fitDataset(makeDataset(true).skip(4), { ...base, epochs: 4, callbacks }),
      /4 batches of epoch 2 are trained, and this call trains other epochs as well/,
    ],
    [
      'the whole epoch',
      (model, callbacks) => model.fitDataset(makeDataset(true), { ...base, epochs: 3, callbacks }),
      /4 batches of epoch 2 are trained, and this call trains 7 more/,
    ],
    [
      'another epoch',
      (model, callbacks) => model.fitDataset(makeDataset(true).skip(4), { verbose: 0, epochs: 3, callbacks }),
      /begin with `initialEpoch: 2`, got 0/,
    ],
  ];
  test.each(calls)('refuses %s, and can be continued rightly after that', async (_, call, message) => {
    const store = await stoppedWithin();
    const whole = own(makeNet(tf.train.adam(0.02)));
    const uninterrupted = new EntropyCheckpointCallback({ filepath: null });
    await fitFrom(whole, makeDataset(true), START, [uninterrupted]);
    const { model, checkpoint } = await resumed(store);
    const before = modelBits(model);

    const error: EntropyCheckpointError = await rejection(call(model, checkpoint));

    expect(error.code).toBe('ENTROPY_WRONG_INITIAL_EPOCH');
    expect(error.message).toMatch(message);
    expect(modelBits(model)).toEqual(before);
    await fitFrom(model, makeDataset(true), { initialEpoch: 2, initialBatch: 4 }, [checkpoint]);
    expect(await outcomeOf(model, checkpoint)).toEqual(await outcomeOf(whole, uninterrupted));
    checkpoint.dispose();
    uninterrupted.dispose();
  });

  test('does not select an epoch whose rest has other batches, where only its end tells', async () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const { model, checkpoint } = await resumed(await stoppedWithin(false));
    // `skip` is forgotten.
    await model.fitDataset(makeDataset(false), { ...base, epochs: 3, callbacks: checkpoint });
    expect(checkpoint.history.at(-1)).toMatchObject({ epoch: 2, value: null, isBest: false });
    expect(warn.mock.calls.join()).toMatch(
      /expected it to have 7 batches, got 4 before the interruption and 7 after it/,
    );
    warn.mockRestore();
    checkpoint.dispose();
  });

  test('logs what it did not log before as the mean of the rest, as `fit` does', async () => {
    const { model, checkpoint } = await resumed(await stoppedWithin());
    model.compile({
      optimizer: model.optimizer,
      loss: 'categoricalCrossentropy',
      metrics: ['accuracy', 'mse'],
    });
    let rest: tf.Logs = {};
    const before = new tf.CustomCallback({
      onEpochEnd: (_, logs) => {
        rest = { ...logs };
      },
    });
    const fitRest = { ...base, epochs: 3, callbacks: [before, checkpoint] };
    await model.fitDataset(makeDataset(true).skip(4), fitRest);
    const { acc, mse } = checkpoint.history.at(-1)!.logs;
    expect(mse).toBe(rest['mse']);
    expect(acc).not.toBe(rest['acc']);
    checkpoint.dispose();
  });

  test('is listed and loaded as what it is', async () => {
    const store = await stoppedWithin();
    const listed = await listCheckpoints(store);
    expect(listed.map(({ record, storedAs }) => [record.epoch, record.batches, storedAs])).toEqual([
      [expect.any(Number), undefined, ['best']],
      [2, 4, ['last']],
    ]);
    const { model, record } = await loadCheckpoint(store, { epoch: 'last' });
    own(model);
    expect(record).toMatchObject({ epoch: 2, batches: 4, value: null, isBest: false });
    expect((await rejection(loadCheckpoint(store, { epoch: 2 }))).code).toBe('ENTROPY_NO_CHECKPOINT');
    const best = await loadCheckpoint(store);
    own(best.model);
    expect(best.record.batches).toBeUndefined();
  });
});

test('with `verbose`, a state within an epoch is printed as one', async () => {
  const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  const model = own(makeNet(tf.train.adam(0.02)));
  const checkpoint = new EntropyCheckpointCallback({ ...options, filepath: new MemoryStore(), verbose: 1 });
  const flush = copyAfter(1, 3, checkpoint, ['', '']);
  flush.onBatchEnd = () => checkpoint.flush();
  await fitFrom(model, makeDataset(true), START, [checkpoint, flush]);
  expect(log.mock.calls.join('\n')).toMatch(/4 batches of epoch 1, saved to memory/);
  expect(log.mock.calls.join('\n')).not.toMatch(new RegExp(`${BATCHES} batches`));
  log.mockRestore();
  checkpoint.dispose();
});
