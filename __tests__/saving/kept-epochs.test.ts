import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  EntropyCheckpoint,
  EntropyCheckpointCallback,
  loadCheckpoint,
  MemoryStore,
  type EntropyCheckpointOptions,
} from '../../src/index.js';
import { damaged } from '../../src/stores/check-manifest.js';
import { FileStore } from '../../src/stores/file/file-store.js';
import { callbackWith, FIT, fitWithConfidences, setConfidence } from '../support/confidences.js';
import { rejection, thrownBy } from '../support/errors.js';
import {
  expectNoTensorsLeft,
  innerModel,
  makeData,
  makeModel,
  useTempFolder,
  weightValues,
} from '../support/fixtures.js';
import { GatedStore } from '../support/gated-store.js';
import { storedEpochs } from '../support/stored-epochs.js';
import { until } from '../support/until.js';

const tempFolder = useTempFolder();
/** Epochs in the order of falling entropy: 5, 3, 0, 2, 4, 1. */
const SCALES = [5, 7, 5.5, 3, 6, 2];

let warn: jest.SpiedFunction<typeof console.warn>;

beforeEach(() => {
  warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

/** The scale that `setConfidence` was called with. It identifies the epoch of the weights. */
const scaleOf = (model: tf.LayersModel): number => model.weights.at(-1)!.read().dataSync()[0]! / 2;

const stored = (folder: string): Promise<Record<string, number>> => storedEpochs(new FileStore(folder));

/** The model files of a folder, and the weight files that they refer to. */
function expectedFiles(folder: string): string[] {
  const models = readdirSync(folder).filter((name) => name.endsWith('.json'));
  const named = models.flatMap((name) => {
    const { weightsManifest } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
      weightsManifest: { paths: string[] }[];
    };
    return weightsManifest.flatMap(({ paths }) => paths);
  });
  return [...models, ...new Set(named)].sort();
}

/** Loads each epoch into the trained model and as a new one. */
async function expectToLoadEach(
  epochs: readonly number[],
  folder: string,
  { checkpoint, model }: { readonly checkpoint: EntropyCheckpointCallback; readonly model: tf.LayersModel },
): Promise<void> {
  for (const epoch of epochs) {
    expect((await checkpoint.loadCheckpoint({ epoch })).epoch).toBe(epoch);
    expect(scaleOf(model)).toBeCloseTo(SCALES[epoch]!, 5);
    const loaded = await loadCheckpoint(folder, { epoch });
    expect(loaded.record).toEqual(checkpoint.history[epoch]);
    expect(scaleOf(loaded.model)).toBeCloseTo(SCALES[epoch]!, 5);
    loaded.model.dispose();
  }
}

describe('maxToKeep', () => {
  it('keeps the best epochs and no other file, and each can be loaded by its number', async () => {
    const folder = tempFolder();
    const { checkpoint, model } = await fitWithConfidences(SCALES, { filepath: folder, maxToKeep: 3 });
    expect(checkpoint.kept.map(({ epoch }) => epoch)).toEqual([5, 3, 0]);
    expect(await stored(folder)).toEqual({ best: 5, 'epoch-5': 5, 'epoch-3': 3, 'epoch-0': 0 });
    expect(readdirSync(folder).sort()).toEqual(expectedFiles(folder));

    await expectToLoadEach([0, 3, 5], folder, { checkpoint, model });
    expect((await checkpoint.loadCheckpoint()).epoch).toBe(5);
  });

  it('keeps as many states in memory with `filepath: null`, and frees the others', async () => {
    const model = makeModel(tf.train.adam(0.1));
    const { x, y } = makeData(24);
    await model.fit(x, y, { ...FIT, epochs: 1 });
    await expectNoTensorsLeft(async () => {
      const checkpoint = new EntropyCheckpointCallback({ filepath: null, monitor: 'loss', maxToKeep: 2 });
      const weights: number[][][] = [];
      const note = callbackWith('onEpochEnd', () => weights.push(weightValues(model)));
      const before = tf.memory().numTensors;
      await model.fit(x, y, { ...FIT, epochs: 5, callbacks: [checkpoint, note] });
      // Adam has two moments for each weight, and two scalars.
      expect(tf.memory().numTensors - before).toBe(2 * (model.weights.length * 3 + 2));
      expect(checkpoint.kept.map(({ epoch }) => epoch)).toEqual([4, 3]);
      for (const epoch of [3, 4]) {
        expect((await checkpoint.loadCheckpoint({ epoch })).epoch).toBe(epoch);
        expect(weightValues(model)).toEqual(weights[epoch]);
      }
      checkpoint.dispose();
    });
  });

  it('makes loading any other epoch fail, with an error that lists the kept ones', async () => {
    const folder = tempFolder();
    const { checkpoint, model } = await fitWithConfidences(SCALES, { filepath: folder, maxToKeep: 2 });
    const before = weightValues(model);
    const refused = [
      await rejection(checkpoint.loadCheckpoint({ epoch: 1 })),
      await rejection(loadCheckpoint(folder, { epoch: 1, model })),
    ];
    for (const { code, message } of refused) {
      expect(code).toBe('ENTROPY_NO_CHECKPOINT');
      expect(message).toMatch(/5, 3|3, 5/);
    }
    expect((await rejection(checkpoint.loadCheckpoint({ epoch: -1 }))).code).toBe('ENTROPY_INVALID_OPTION');
    expect(weightValues(model)).toEqual(before);
  });

  it('keeps all of them in a slow store, for which training waits', async () => {
    const store = new GatedStore();
    store.delayMs = 30;
    await fitWithConfidences([6, 5, 4, 3, 2], { filepath: store, maxToKeep: 4 });
    expect(await storedEpochs(store)).toEqual({
      best: 4,
      'epoch-4': 4,
      'epoch-3': 3,
      'epoch-2': 2,
      'epoch-1': 1,
    });
  });

  it('counts the epochs of a second `fit` after those of the first', async () => {
    const folder = tempFolder();
    const model = makeModel(tf.train.sgd(0));
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: folder, maxToKeep: 3 });
    const scales = [5, 4, 3, 2];
    const set = callbackWith('onEpochBegin', () => {
      setConfidence(model, scales.shift()!);
    });
    for (let fit = 0; fit < 2; fit++)
      await model.fit(x, y, { ...FIT, epochs: 2, callbacks: [set, checkpoint] });
    expect(await stored(folder)).toEqual({ best: 3, 'fit-1-epoch-3': 3, 'fit-1-epoch-2': 2, 'epoch-1': 1 });
    for (const epoch of [1, 2, 3]) {
      const { record, model: loaded } = await loadCheckpoint(folder, { epoch });
      expect(record.epoch).toBe(epoch);
      expect(scaleOf(loaded)).toBeCloseTo([5, 4, 3, 2][epoch]!, 5);
    }
  });
});

describe('maxToKeep: Infinity', () => {
  it('keeps every epoch', async () => {
    const folder = tempFolder();
    const { checkpoint } = await fitWithConfidences(SCALES, { filepath: folder, maxToKeep: Infinity });
    expect(checkpoint.kept.map(({ epoch }) => epoch)).toEqual([5, 3, 0, 2, 4, 1]);
    expect(Object.values(await stored(folder)).sort()).toEqual([0, 1, 2, 3, 4, 5, 5]);
    expect(readdirSync(folder).sort()).toEqual(expectedFiles(folder));
  });
});

describe('keepEvery', () => {
  it('keeps every n-th epoch beside the best, and each can be loaded by its number', async () => {
    const folder = tempFolder();
    const { checkpoint, model } = await fitWithConfidences(SCALES, { filepath: folder, keepEvery: 2 });
    expect(checkpoint.kept.map(({ epoch }) => epoch)).toEqual([5, 1, 3]);
    expect(await stored(folder)).toEqual({
      best: 5,
      'periodic-epoch-1': 1,
      'periodic-epoch-3': 3,
      'periodic-epoch-5': 5,
    });
    expect(readdirSync(folder).sort()).toEqual(expectedFiles(folder));
    await expectToLoadEach([1, 3, 5], folder, { checkpoint, model });
    expect((await rejection(loadCheckpoint(folder, { epoch: 0 }))).code).toBe('ENTROPY_NO_CHECKPOINT');
  });

  it('counts the epochs over all `fit` calls', async () => {
    const store = new GatedStore();
    const model = makeModel(tf.train.sgd(0));
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: store, keepEvery: 3 });
    for (let fit = 0; fit < 3; fit++) await model.fit(x, y, { ...FIT, epochs: 2, callbacks: checkpoint });
    expect(await storedEpochs(store)).toEqual({
      best: 0,
      'periodic-fit-1-epoch-2': 2,
      'periodic-fit-2-epoch-5': 5,
    });
  });

  it('keeps them in memory with `filepath: null`, until `dispose`', async () => {
    const model = makeModel(tf.train.adam(0.1));
    const { x, y } = makeData(24);
    await model.fit(x, y, { ...FIT, epochs: 1 });
    await expectNoTensorsLeft(async () => {
      const checkpoint = new EntropyCheckpointCallback({ filepath: null, keepEvery: 2 });
      const weights: number[][][] = [];
      const note = callbackWith('onEpochEnd', () => weights.push(weightValues(model)));
      await model.fit(x, y, { ...FIT, epochs: 5, callbacks: [checkpoint, note] });
      for (const epoch of [1, 3]) {
        expect((await checkpoint.loadCheckpoint({ epoch })).epoch).toBe(epoch);
        expect(weightValues(model)).toEqual(weights[epoch]);
      }
      checkpoint.dispose();
    });
  });

  it('stores an epoch again that could not be stored', async () => {
    const store = new GatedStore();
    store.failures.push(null, new Error('full'), new Error('full'), null);
    // Both fail before the training ends: its end tries once more, and would reject.
    const wait = callbackWith('onEpochEnd', async (epoch) => {
      if (epoch === 1) await until(() => store.ended >= 2);
      if (epoch === 3) await until(() => store.ended >= 3);
    });
    const options = { filepath: store, keepEvery: 2 };
    const { checkpoint } = await fitWithConfidences([2, 3, 4, 5], options, [wait]);
    await checkpoint.flush();
    expect(await storedEpochs(store)).toEqual({ best: 0, 'periodic-epoch-1': 1, 'periodic-epoch-3': 3 });
  });

  it('does not load a periodic epoch in place of a damaged best one', async () => {
    const store = new MemoryStore();
    const { checkpoint } = await fitWithConfidences([2, 3, 4], { filepath: store, keepEvery: 1 });
    const load = store.load.bind(store);
    store.load = async (slot) => {
      if (slot === 'best') throw damaged('memory', 'a test says so');
      return load(slot);
    };
    expect((await rejection(loadCheckpoint(store))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    expect((await loadCheckpoint(store, { epoch: 1 })).record).toEqual(checkpoint.history[1]);
  });
});

describe('saveLast', () => {
  it('keeps the latest epoch beside the best', async () => {
    const folder = tempFolder();
    const { checkpoint } = await fitWithConfidences([2, 3, 4, 5], { filepath: folder, saveLast: true });
    expect(await stored(folder)).toEqual({ best: 0, last: 3 });
    const { record, model } = await loadCheckpoint(folder, { epoch: 'last' });
    expect(record).toEqual(checkpoint.history[3]);
    expect(scaleOf(model)).toBeCloseTo(5, 5);
    expect(readdirSync(folder).sort()).toEqual(expectedFiles(folder));
  });

  it('keeps the last epoch, though the best was still being written when training ended', async () => {
    const store = new GatedStore();
    store.shut();
    const open = callbackWith('onEpochEnd', (epoch) => {
      if (epoch === 3) {
        setTimeout(() => {
          store.letThrough();
        }, 10);
      }
    });
    await fitWithConfidences([3, 2, 4, 5], { filepath: store, saveLast: true }, [open]);
    expect(await storedEpochs(store)).toEqual({ best: 1, last: 3 });
    // Epoch 0 was being written, 1 waited, 2 was dropped, and 3 was saved at the end.
    expect(store.begun.map(({ into }) => into)).toEqual([['best', 'last'], ['best'], ['last']]);
  });

  it('does not keep an epoch that was cut short', async () => {
    const store = new GatedStore();
    const model = makeModel(tf.train.sgd(0));
    const { x, y } = makeData(24);
    const stop = callbackWith('onBatchEnd', () => {
      if (checkpoint.history.length === 2) innerModel(model).stopTraining = true;
    });
    const checkpoint = new EntropyCheckpointCallback({ filepath: store, saveLast: true });
    await model.fit(x, y, { ...FIT, callbacks: [checkpoint, stop] });
    expect(checkpoint.history).toHaveLength(3);
    expect(await storedEpochs(store)).toEqual({ best: 0, last: 1 });
  });

  it('keeps the latest epoch beside several best epochs', async () => {
    const folder = tempFolder();
    await fitWithConfidences(SCALES.slice(0, 5), { filepath: folder, maxToKeep: 2, saveLast: true });
    expect(await stored(folder)).toEqual({ best: 3, 'epoch-3': 3, 'epoch-0': 0, last: 4 });
  });

  it('keeps the latest epoch of a custom training loop with a slow store', async () => {
    const store = new GatedStore();
    const model = makeModel();
    const checkpoint = new EntropyCheckpoint(model, undefined, { filepath: store, saveLast: true });
    store.shut();
    setTimeout(() => {
      store.letThrough();
    }, 20);
    for (const [epoch, certain] of [0.3, 0.3, 0.9, 0.91, 0.92].entries()) {
      const output = tf.tensor2d([[certain, 1 - certain, 0, 0]]);
      checkpoint.appendOutput(output);
      output.dispose();
      await checkpoint.saveCheckpoint(epoch);
    }
    await checkpoint.flush();
    expect(await storedEpochs(store)).toEqual({ best: 0, last: 4 });
    checkpoint.dispose();
  });
});

test('the first training keeps its lock on a store when a second one is refused', async () => {
  const store = new FileStore(tempFolder());
  await store.open();
  await expect(fitWithConfidences([5], { filepath: store })).rejects.toMatchObject({
    code: 'ENTROPY_STORE_IN_USE',
  });
  await expect(new FileStore(tempFolder()).open()).rejects.toMatchObject({ code: 'ENTROPY_STORE_IN_USE' });
  store.close();
});

describe('a new instance on a folder', () => {
  it('replaces everything of an earlier run with its first save', async () => {
    const folder = tempFolder();
    await fitWithConfidences(SCALES, { filepath: folder, maxToKeep: 3, saveLast: true });
    await fitWithConfidences([5, 6], { filepath: folder });
    expect(await stored(folder)).toEqual({ best: 0 });
    expect(readdirSync(folder).sort()).toEqual(expectedFiles(folder));
  });
});

describe('a damaged best epoch', () => {
  async function damagedFolder(options: EntropyCheckpointOptions) {
    const folder = tempFolder();
    const trained = await fitWithConfidences(SCALES, { filepath: folder, ...options });
    const { paths } = (
      JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')) as {
        weightsManifest: [{ paths: [string] }];
      }
    ).weightsManifest[0];
    const path = join(folder, paths[0]);
    const bytes = readFileSync(path);
    bytes[10]! ^= 1;
    writeFileSync(path, bytes);
    return { folder, damaged: paths[0], ...trained };
  }

  it('is replaced by the next best when loading, with a warning that names the file', async () => {
    const { folder, damaged, checkpoint, model } = await damagedFolder({ maxToKeep: 2 });
    warn.mockClear();
    const loaded = await loadCheckpoint(folder);
    expect(loaded.record.epoch).toBe(3);
    expect(scaleOf(loaded.model)).toBeCloseTo(3, 5);
    expect(String(warn.mock.calls[0])).toContain(damaged);
    expect(String(warn.mock.calls[0])).toContain('Epoch 3 is used instead');
    expect((await checkpoint.loadCheckpoint()).epoch).toBe(3);
    expect(scaleOf(model)).toBeCloseTo(3, 5);
  });

  it('is an error if it is asked for by its number', async () => {
    const { folder, damaged, checkpoint, model } = await damagedFolder({ maxToKeep: 2 });
    const before = weightValues(model);
    for (const promise of [
      checkpoint.loadCheckpoint({ epoch: 5 }),
      loadCheckpoint(folder, { epoch: 5, model }),
    ]) {
      const { code, message } = await rejection(promise);
      expect(code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
      expect(message).toContain(damaged);
    }
    expect(weightValues(model)).toEqual(before);
  });

  it('is an error without another best epoch, even if the latest epoch is stored', async () => {
    const { folder, damaged, checkpoint } = await damagedFolder({ saveLast: true });
    for (const promise of [checkpoint.loadCheckpoint(), loadCheckpoint(folder)]) {
      const { code, message } = await rejection(promise);
      expect(code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
      expect(message).toContain(damaged);
    }
  });
});

describe('the constructor', () => {
  const handler: tf.io.IOHandler = {
    save: () => Promise.reject(new Error('not called')),
    load: () => Promise.reject(new Error('not called')),
  };

  it.each<EntropyCheckpointOptions>([
    { filepath: handler, maxToKeep: 2 },
    { filepath: handler, maxToKeep: Infinity },
    { filepath: handler, keepEvery: 2 },
    { filepath: handler, saveLast: true },
    { keepEvery: 0 },
    { keepEvery: Infinity },
    { maxToKeep: -Infinity },
    { filepath: null, saveLast: true },
    { maxToKeep: 0 },
    { maxToKeep: 1.5 },
  ])('refuses %p', (options) => {
    expect(thrownBy(() => new EntropyCheckpointCallback(options)).code).toBe('ENTROPY_INVALID_OPTION');
  });
});
