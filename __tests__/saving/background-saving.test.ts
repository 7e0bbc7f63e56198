import { afterEach, beforeEach, describe, expect, it, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint, EntropyCheckpointCallback, loadCheckpoint } from '../../src/index.js';
import { callbackWith, FIT, fitWithConfidences, setConfidence } from '../support/confidences.js';
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
import { storedEpochs } from '../support/stored-epochs.js';
import { until } from '../support/until.js';

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
const onEpochEnd = (act: (epoch: number) => unknown): tf.CustomCallback => callbackWith('onEpochEnd', act);

describe('training', () => {
  it('continues while an epoch is written, and waits for the write at the end', async () => {
    const store = new GatedStore();
    store.shut();
    const stored: unknown[] = [];
    const note = onEpochEnd(async (epoch) => {
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

  it('drops a waiting best epoch for a newer one, and completes the write that has begun', async () => {
    const store = new GatedStore();
    store.shut();
    const open = onEpochEnd((epoch) => {
      if (epoch === 3) store.letThrough();
    });
    await fitWithConfidences([...RISING.slice(0, 4), 7], { filepath: store }, [open]);
    expect(store.begun).toHaveLength(2);
    expect(await storedEpochs(store)).toEqual({ best: 3 });
  });

  it('holds the buffers of two snapshots at most, and none when it has ended', async () => {
    const store = new GatedStore();
    store.shut();
    const model = makeModel(tf.train.adam(0.1));
    const { x, y } = makeData(24);
    // What tfjs itself holds: the logs of this epoch and of earlier ones.
    const bare: number[] = [];
    await model.fit(x, y, { ...FIT, epochs: 1 });
    await model.fit(x, y, {
      ...FIT,
      epochs: 6,
      callbacks: callbackWith('onBatchEnd', () => bare.push(tf.memory().numDataBuffers)),
    });
    const extra: number[] = [];
    // Adam has two moments for each weight, and two scalars.
    const perSnapshot = model.weights.length * 3 + 2;
    const before = tf.memory().numDataBuffers;
    const checkpoint = new EntropyCheckpointCallback({ filepath: store, monitor: 'loss', saveLast: true });
    const count = callbackWith('onBatchEnd', () => {
      extra.push(tf.memory().numDataBuffers - bare[extra.length]!);
    });
    const note = onEpochEnd((epoch) => {
      if (epoch === 5)
        setTimeout(() => {
          store.letThrough();
        }, 20);
    });
    await model.fit(x, y, { ...FIT, epochs: 6, callbacks: [checkpoint, note, count] });
    expect(checkpoint.history.filter(({ isBest }) => isBest).length).toBeGreaterThan(3);
    expect(Math.max(...extra)).toBe(2 * perSnapshot);
    expect(tf.memory().numDataBuffers).toBe(before);
  });

  test("with yieldEvery 'never' writes only the best epoch, at the end", async () => {
    const store = new GatedStore();
    const begun: number[] = [];
    const note = onEpochEnd(() => begun.push(store.begun.length));
    await fitWithConfidences(RISING, { filepath: store, yieldEvery: 'never' }, [note]);
    expect(begun).toEqual([0, 0, 0, 0, 0]);
    expect(store.begun).toHaveLength(1);
    expect(await storedEpochs(store)).toEqual({ best: 4 });
  });

  test("with yieldEvery 'never' writes when `flush` is called", async () => {
    const store = new GatedStore();
    const flushed = onEpochEnd(async (epoch) => {
      if (epoch === 1) await checkpoint.flush();
    });
    const model = makeModel(tf.train.sgd(0));
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: store, yieldEvery: 'never' });
    const set = callbackWith('onEpochBegin', (epoch) => {
      setConfidence(model, RISING[epoch]!);
    });
    const stored: unknown[] = [];
    const note = onEpochEnd(async () => stored.push(await storedEpochs(store)));
    await model.fit(x, y, { ...FIT, epochs: 4, callbacks: [set, checkpoint, flushed, note] });
    expect(stored).toEqual([{}, { best: 1 }, { best: 1 }, { best: 1 }]);
    expect(await storedEpochs(store)).toEqual({ best: 3 });
  });

  test('that throws still stores the best epoch so far, and the next training can begin at once', async () => {
    const folder = tempFolder();
    const model = makeModel(tf.train.adam(0.1));
    const { x, y } = makeData(24);
    const throwing = onEpochEnd((epoch) => {
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

  it('causes one immediate warning, does not stop training, and makes `fit` reject at the end', async () => {
    const store = new GatedStore();
    store.failures.push(null, ...RISING.map(diskFull));
    const warningCounts: number[] = [];
    const note = onEpochEnd(async () => {
      await until(() => store.ended === store.begun.length);
      warningCounts.push(warnings().filter((text) => text.includes('could not be stored')).length);
    });
    const model = makeModel(tf.train.sgd(0));
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: store });
    const set = callbackWith('onEpochBegin', (epoch) => {
      setConfidence(model, RISING[epoch]!);
    });
    const fit = model.fit(x, y, { ...FIT, epochs: 5, callbacks: [set, checkpoint, note] });
    const error = await rejection(fit);

    expect(warningCounts).toEqual([0, 1, 1, 1, 1]);
    expect(warnings().join()).toMatch(/Epoch 1 could not be stored, training continues: .*no space left/);
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.cause).toMatchObject({ code: 'ENOSPC' });
    expect(checkpoint.history).toHaveLength(5);
    expect(await storedEpochs(store)).toEqual({ best: 0 });
    checkpoint.dispose();
  });

  it('loses nothing: the best epoch is loaded from memory, and a later `flush` stores it', async () => {
    await expectNoTensorsLeft(async () => {
      const store = new GatedStore();
      store.failures.push(null, diskFull(), diskFull());
      const model = makeModel(tf.train.adam(0.1));
      const { x, y } = makeData(24);
      const checkpoint = new EntropyCheckpointCallback({ filepath: store, monitor: 'loss' });
      await model.fit(x, y, { ...FIT, epochs: 1, callbacks: checkpoint });
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

  it('does not matter once a newer best epoch is stored', async () => {
    const store = new GatedStore();
    store.failures.push(null, diskFull());
    const wait = onEpochEnd(() => until(() => store.ended === store.begun.length));
    const { checkpoint } = await fitWithConfidences(RISING, { filepath: store }, [wait]);
    expect(warnings().filter((text) => text.includes('could not be stored'))).toHaveLength(1);
    await expect(checkpoint.flush()).resolves.toBeUndefined();
    expect(await storedEpochs(store)).toEqual({ best: 4 });
  });

  it('keeps the state in memory until `dispose`', async () => {
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

  test('of the latest epoch does not matter once the next one is stored', async () => {
    const store = new GatedStore();
    store.failures.push(null, diskFull());
    const wait = onEpochEnd(() => until(() => store.ended === store.begun.length));
    await fitWithConfidences([2, 4, 5, 6], { filepath: store, saveLast: true }, [wait]);
    expect(await storedEpochs(store)).toEqual({ best: 0, last: 3 });
  });

  it('does not prevent `restoreBestWeights`: the weights are restored before `fit` rejects', async () => {
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
    const note = onEpochEnd((epoch) => {
      if (epoch === 0) best = weightValues(model);
    });
    await expect(model.fit(x, y, { ...FIT, callbacks: [checkpoint, note] })).rejects.toThrow('no space');
    expect(weightValues(model)).toEqual(best);
    checkpoint.dispose();
  });
});

describe('a custom training loop', () => {
  it('does not wait for a slow store, but `flush` does', async () => {
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

  test('that disposes without `flush` loses nothing, and no tensor is left after the write', async () => {
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
