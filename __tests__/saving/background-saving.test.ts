import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint, EntropyCheckpointCallback, loadCheckpoint } from '../../src/index.js';
import { callbackThat, FIT, fitWithConfidences, setConfidence } from '../support/confidences.js';
import { rejection } from '../support/errors.js';
import {
  disposeModel,
  expectNoTensorsLeft,
  makeData,
  makeModel,
  useTempFolder,
  weightValues,
} from '../support/fixtures.js';
import { GatedStore } from '../support/gated-store.js';
import { pause } from '../support/pause.js';
import { storedEpochs } from '../support/stored-epochs.js';

const tempFolder = useTempFolder();
/** Each epoch is better than the one before it. */
const RISING = [6, 5, 4, 3, 2];

let warn: jest.SpiedFunction<typeof console.warn>;

beforeEach(() => {
  warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

const warnings = (): string[] => warn.mock.calls.map(([text]) => String(text));
const noted = (act: (epoch: number) => unknown): tf.CustomCallback => callbackThat('onEpochEnd', act);

describe('training', () => {
  test('goes on while an epoch is written, and waits for it at its end', async () => {
    const store = new GatedStore();
    store.shut();
    const stored: unknown[] = [];
    const note = noted(async (epoch) => {
      stored.push(await storedEpochs(store));
      if (epoch === 4)
        setTimeout(() => {
          store.letThrough();
        }, 20);
    });
    await fitWithConfidences(RISING, { filepath: store }, [note]);
    expect(stored).toEqual([{}, {}, {}, {}, {}]);
    expect(await storedEpochs(store)).toEqual({ best: 4 });
  });

  test('lets a newer best take the place of one that waits, and what is being written be finished', async () => {
    const store = new GatedStore();
    store.shut();
    const open = noted((epoch) => {
      if (epoch === 3) store.letThrough();
    });
    await fitWithConfidences([...RISING.slice(0, 4), 7], { filepath: store }, [open]);
    expect(store.begun).toHaveLength(2);
    expect(await storedEpochs(store)).toEqual({ best: 3 });
  });

  test('holds no more than the buffers of two snapshots, and none when it has ended', async () => {
    const store = new GatedStore();
    store.shut();
    const model = makeModel(tf.train.adam(0.1));
    const { x, y } = makeData(24);
    // What tfjs itself holds: logs, and those of the epochs before.
    const bare: number[] = [];
    await model.fit(x, y, { ...FIT, epochs: 1 });
    await model.fit(x, y, {
      ...FIT,
      epochs: 6,
      callbacks: callbackThat('onBatchEnd', () => bare.push(tf.memory().numDataBuffers)),
    });
    const extra: number[] = [];
    // Adam: for each weight two moments, and two scalars.
    const perSnapshot = model.weights.length * 3 + 2;
    const before = tf.memory().numDataBuffers;
    const checkpoint = new EntropyCheckpointCallback({ filepath: store, monitor: 'loss', saveLast: true });
    const count = callbackThat('onBatchEnd', () => {
      extra.push(tf.memory().numDataBuffers - bare[extra.length]!);
    });
    const note = noted((epoch) => {
      if (epoch === 5)
        setTimeout(() => {
          store.letThrough();
        }, 20);
    });
    await model.fit(x, y, { ...FIT, epochs: 6, callbacks: [checkpoint, note, count] });
    expect(checkpoint.history.filter(({ isBest }) => isBest).length).toBeGreaterThan(3);
    const runningMeans = 2;
    expect(Math.max(...extra)).toBe(2 * perSnapshot + runningMeans);
    expect(tf.memory().numDataBuffers).toBe(before);
  });

  test("with yieldEvery 'never' writes at its end alone, and what is best by then", async () => {
    const store = new GatedStore();
    const begun: number[] = [];
    const note = noted(() => begun.push(store.begun.length));
    await fitWithConfidences(RISING, { filepath: store, yieldEvery: 'never' }, [note]);
    expect(begun).toEqual([0, 0, 0, 0, 0]);
    expect(store.begun).toHaveLength(1);
    expect(await storedEpochs(store)).toEqual({ best: 4 });
  });

  test("with yieldEvery 'never' writes when `flush` is called", async () => {
    const store = new GatedStore();
    const flushed = noted(async (epoch) => {
      if (epoch === 1) await checkpoint.flush();
    });
    const model = makeModel(tf.train.sgd(0));
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: store, yieldEvery: 'never' });
    const set = callbackThat('onEpochBegin', (epoch) => {
      setConfidence(model, RISING[epoch]!);
    });
    const stored: unknown[] = [];
    const note = noted(async () => stored.push(await storedEpochs(store)));
    await model.fit(x, y, { ...FIT, epochs: 4, callbacks: [set, checkpoint, flushed, note] });
    expect(stored).toEqual([{}, { best: 1 }, { best: 1 }, { best: 1 }]);
    expect(await storedEpochs(store)).toEqual({ best: 3 });
  });

  test('that throws commits the best epoch so far, and the next training may begin at once', async () => {
    const folder = tempFolder();
    const model = makeModel(tf.train.adam(0.1));
    const { x, y } = makeData(24);
    const throwing = noted((epoch) => {
      if (epoch === 2) throw new Error('thrown by the test');
    });
    const first = new EntropyCheckpointCallback({ filepath: folder, monitor: 'loss' });
    await expect(model.fit(x, y, { ...FIT, callbacks: [first, throwing] })).rejects.toThrow('by the test');
    expect(first.best?.epoch).toBe(2);

    const second = new EntropyCheckpointCallback({ filepath: folder, monitor: 'loss' });
    const { initialEpoch } = await second.resume(model);
    expect(initialEpoch).toBe(3);
    await model.fit(x, y, { ...FIT, initialEpoch, epochs: 5, callbacks: second });
    expect(second.best?.epoch).toBe(4);
    expect((await loadCheckpoint(folder)).record.epoch).toBe(4);
  });
});

describe('a write that fails', () => {
  const diskFull = (): Error => Object.assign(new Error('no space left'), { code: 'ENOSPC' });

  test('is warned of once at once, does not stop training, and is the error of `fit` at its end', async () => {
    const store = new GatedStore();
    store.failures.push(null, ...RISING.map(diskFull));
    const heard: number[] = [];
    const note = noted(async () => {
      await pause(5);
      heard.push(warnings().filter((text) => text.includes('could not be stored')).length);
    });
    const model = makeModel(tf.train.sgd(0));
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: store });
    const set = callbackThat('onEpochBegin', (epoch) => {
      setConfidence(model, RISING[epoch]!);
    });
    const fit = model.fit(x, y, { ...FIT, epochs: 5, callbacks: [set, checkpoint, note] });
    const error = await rejection(fit);

    expect(heard).toEqual([0, 1, 1, 1, 1]);
    expect(warnings().join()).toMatch(/Epoch 1 could not be stored, training goes on: .*no space left/);
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.cause).toMatchObject({ code: 'ENOSPC' });
    expect(checkpoint.history).toHaveLength(5);
    expect(await storedEpochs(store)).toEqual({ best: 0 });
    checkpoint.dispose();
  });

  test('costs nothing: the best is loaded from memory, and stored when `flush` is called again', async () => {
    await expectNoTensorsLeft(async () => {
      const store = new GatedStore();
      store.failures.push(null, diskFull(), diskFull());
      const model = makeModel(tf.train.adam(0.1));
      const { x, y } = makeData(24);
      const checkpoint = new EntropyCheckpointCallback({ filepath: store, monitor: 'loss' });
      const weights: number[][][] = [];
      const note = noted(async () => {
        weights.push(weightValues(model));
        await checkpoint.flush().catch(() => undefined);
        store.shut();
        store.letThrough();
      });
      await model.fit(x, y, { ...FIT, epochs: 1, callbacks: [checkpoint, note] });
      await expect(
        model.fit(x, y, { ...FIT, initialEpoch: 1, epochs: 2, callbacks: [checkpoint] }),
      ).rejects.toThrow('no space left');
      const best = weightValues(model);
      await model.fit(x, y, { ...FIT, epochs: 1 });
      expect((await checkpoint.loadCheckpoint()).epoch).toBe(1);
      expect(weightValues(model)).toEqual(best);

      await checkpoint.flush();
      expect(await storedEpochs(store)).toEqual({ best: 1 });
      await expect(checkpoint.flush()).resolves.toBeUndefined();
      tf.dispose([x, y]);
      disposeModel(model);
    });
  });

  test('is made good by a newer best that is stored', async () => {
    const store = new GatedStore();
    store.failures.push(null, diskFull());
    const wait = noted(() => pause(5));
    const { checkpoint } = await fitWithConfidences(RISING, { filepath: store }, [wait]);
    expect(warnings().filter((text) => text.includes('could not be stored'))).toHaveLength(1);
    await expect(checkpoint.flush()).resolves.toBeUndefined();
    expect(await storedEpochs(store)).toEqual({ best: 4 });
  });

  test('keeps its state in memory until it is disposed', async () => {
    const store = new GatedStore();
    store.failures.push(diskFull(), diskFull());
    const model = makeModel(tf.train.adam(0.1));
    const { x, y } = makeData(24);
    await model.fit(x, y, FIT);
    const before = tf.memory().numTensors;
    const checkpoint = new EntropyCheckpointCallback({ filepath: store });
    await expect(model.fit(x, y, { ...FIT, epochs: 1, callbacks: checkpoint })).rejects.toThrow('no space');
    expect(tf.memory().numTensors).toBeGreaterThan(before + 10);
    checkpoint.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('of the latest epoch is made good by the next latest', async () => {
    const store = new GatedStore();
    store.failures.push(null, diskFull());
    const wait = noted(() => pause(5));
    await fitWithConfidences([2, 4, 5, 6], { filepath: store, saveLast: true }, [wait]);
    expect(await storedEpochs(store)).toEqual({ best: 0, last: 3 });
  });

  test('and restoring: the best weights are back before `fit` is rejected', async () => {
    const store = new GatedStore();
    store.failures.push(...RISING.map(diskFull));
    const model = makeModel(tf.train.adam(0.1));
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({
      filepath: store,
      monitor: 'loss',
      restoreBestWeights: true,
      minDelta: 100,
    });
    let best: number[][] = [];
    const note = noted((epoch) => {
      if (epoch === 0) best = weightValues(model);
    });
    await expect(model.fit(x, y, { ...FIT, callbacks: [checkpoint, note] })).rejects.toThrow('no space');
    expect(weightValues(model)).toEqual(best);
    checkpoint.dispose();
  });
});

describe('a loop of the user', () => {
  test('is not held up by a slow store, and `flush` waits for it', async () => {
    const store = new GatedStore();
    store.shut();
    const model = makeModel();
    const checkpoint = new EntropyCheckpoint(model, undefined, { filepath: store });
    const output = tf.tensor2d([[0.4, 0.3, 0.2, 0.1]]);
    checkpoint.appendOutput(output);
    expect(await checkpoint.saveCheckpoint(0)).toBe(true);
    expect(await storedEpochs(store)).toEqual({});
    setTimeout(() => {
      store.letThrough();
    }, 10);
    await checkpoint.flush();
    expect(await storedEpochs(store)).toEqual({ best: 0 });
    checkpoint.dispose();
  });

  test('that disposes without `flush` loses nothing, and no tensor is left when it is written', async () => {
    const store = new GatedStore();
    await expectNoTensorsLeft(async () => {
      store.shut();
      const model = makeModel();
      const checkpoint = new EntropyCheckpoint(model, undefined, { filepath: store });
      const output = tf.tensor2d([[0.4, 0.3, 0.2, 0.1]]);
      checkpoint.appendOutput(output);
      await checkpoint.saveCheckpoint(0);
      checkpoint.dispose();
      output.dispose();
      disposeModel(model);
      store.letThrough();
      await checkpoint.flush();
    });
    expect(await storedEpochs(store)).toEqual({ best: 0 });
  });
});
