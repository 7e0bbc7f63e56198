import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  EntropyCheckpointCallback,
  EntropyCheckpointError,
  loadCheckpoint,
  type EntropyCheckpointOptions,
  type EpochRecord,
} from '../src/index.js';
import { callbackWith, FIT, fitWithConfidences, setConfidence } from './support/confidences.js';
import {
  expectNoTensorsLeft,
  innerModel,
  makeData,
  makeModel,
  NUM_CLASSES,
  NUM_FEATURES,
  seededDense,
  useTempFolder,
  weightValues,
} from './support/fixtures.js';

const tempFolder = useTempFolder();

let warn: jest.SpiedFunction<typeof console.warn>;

beforeEach(() => {
  warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

/** The entropy of each epoch. From 1 up, a larger scale of `fitWithConfidences` means a lower entropy. */
const entropyOf = ({ history }: EntropyCheckpointCallback): (number | null)[] =>
  history.map(({ entropy }) => entropy);

const bestEpochs = ({ history }: EntropyCheckpointCallback): number[] =>
  history.filter(({ isBest }) => isBest).map(({ epoch }) => epoch);

function codeOf(error: unknown): string {
  expect(error).toBeInstanceOf(EntropyCheckpointError);
  return (error as EntropyCheckpointError).code;
}

describe('the kept epoch', () => {
  it('has a higher entropy than every earlier epoch', async () => {
    const { checkpoint } = await fitWithConfidences([6, 4, 5, 2, 3], {});
    const entropies = entropyOf(checkpoint) as number[];
    expect(entropies[3]).toBeGreaterThan(entropies[1]!);
    expect(bestEpochs(checkpoint)).toEqual([0, 1, 3]);
    expect(checkpoint.best).toBe(checkpoint.history[3]);
    expect(checkpoint.best).toEqual({
      epoch: 3,
      fit: 0,
      entropy: entropies[3],
      trainEntropy: expect.closeTo(entropies[3]!, 6),
      valEntropy: expect.closeTo(entropies[3]!, 6),
      value: entropies[3],
      isBest: true,
      logs: {
        loss: expect.any(Number),
        acc: expect.any(Number),
        val_loss: expect.any(Number),
        val_acc: expect.any(Number),
      },
    });
    checkpoint.dispose();
  });

  it('is the first of equal epochs', async () => {
    const { checkpoint } = await fitWithConfidences([3, 3, 3], {});
    expect(bestEpochs(checkpoint)).toEqual([0]);
    checkpoint.dispose();
  });

  it('is never before `startFromEpoch`, though earlier epochs are scored', async () => {
    const { checkpoint } = await fitWithConfidences([2, 3, 5, 4], { startFromEpoch: 2 });
    expect(bestEpochs(checkpoint)).toEqual([2, 3]);
    expect(entropyOf(checkpoint).every((entropy) => entropy !== null)).toBe(true);
    checkpoint.dispose();
  });

  it('must gain more than `minDelta`', async () => {
    const { checkpoint: reference } = await fitWithConfidences([6, 5, 4], {});
    const [first, second] = entropyOf(reference) as [number, number];
    const { checkpoint } = await fitWithConfidences([6, 5, 4], { minDelta: second - first + 1e-6 });
    expect(bestEpochs(reference)).toEqual([0, 1, 2]);
    expect(bestEpochs(checkpoint)).toEqual([0, 2]);
    reference.dispose();
    checkpoint.dispose();
  });

  it('must beat `initialThreshold`', async () => {
    const { checkpoint, model } = await fitWithConfidences([6, 5], { initialThreshold: 0.74 });
    expect(checkpoint.best).toBeNull();
    expect(warn.mock.calls.flat().join()).toMatch(/None of the 2 epochs was selected/);
    await expect(checkpoint.loadCheckpoint()).rejects.toMatchObject({ code: 'ENTROPY_NO_BEST' });
    expect(model.weights.at(-1)!.read().dataSync()[0]).toBe(10);
  });

  it('is never a NaN epoch, which is recorded and does not block later epochs', async () => {
    const { checkpoint } = await fitWithConfidences([NaN, 5, NaN, 4], {});
    expect(entropyOf(checkpoint).map((entropy) => Number.isNaN(entropy))).toEqual([true, false, true, false]);
    expect(bestEpochs(checkpoint)).toEqual([1, 3]);
    checkpoint.dispose();
  });

  it.each([
    ['train_entropy', 'trainEntropy'],
    ['val_entropy', 'valEntropy'],
  ] as const)('is selected by `monitor: %s` alone', async (monitor, field) => {
    const { checkpoint } = await fitWithConfidences([6, 4], { monitor });
    expect(checkpoint.history.map(({ value }) => value)).toEqual(
      checkpoint.history.map((record) => record[field]),
    );
    checkpoint.dispose();
  });

  it('has the smallest val_loss with `monitor: val_loss`', async () => {
    const model = makeModel(tf.train.sgd(0.5));
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: null, monitor: 'val_loss' });
    const { history } = await model.fit(x, y, { ...FIT, epochs: 6, callbacks: checkpoint });
    const losses = history['val_loss'] as number[];
    expect(checkpoint.history.map(({ value }) => value)).toEqual(losses);
    expect(checkpoint.best?.epoch).toBe(losses.indexOf(Math.min(...losses)));
    checkpoint.dispose();
  });

  it('has the lowest entropy with `mode: min`', async () => {
    const options = { monitor: 'entropy', mode: 'min' } as const;
    const { checkpoint } = await fitWithConfidences([3, 6, 5], options);
    expect(bestEpochs(checkpoint)).toEqual([0, 1]);
    checkpoint.dispose();
  });

  it('is scored by the largest probability alone with `topK: 1`', async () => {
    const { checkpoint } = await fitWithConfidences([3], { topK: 1 });
    const p = Math.exp(6) / (Math.exp(6) + Math.exp(3) + 2);
    expect(checkpoint.best?.entropy).toBeCloseTo(-p * Math.log(p), 5);
    checkpoint.dispose();
  });
});

describe('an epoch that is cut short', () => {
  const stopAt = (batch: number, epoch: number, model: tf.LayersModel): tf.CustomCallback => {
    let current = 0;
    const callback = callbackWith('onBatchEnd', (index) => {
      if (index === batch && current === epoch) innerModel(model as tf.Sequential).stopTraining = true;
    });
    callback.onEpochBegin = async (index) => {
      current = index;
      return Promise.resolve();
    };
    return callback;
  };

  test.each([
    [0, false],
    [2, true],
  ])(
    'by stopTraining after batch index %i of 3 in `fit` counts as complete: %s',
    async (batch, isComplete) => {
      const model = makeModel();
      const { x, y } = makeData(32);
      const checkpoint = new EntropyCheckpointCallback({ filepath: null, startFromEpoch: 1 });
      await model.fit(x, y, { ...FIT, callbacks: [checkpoint, stopAt(batch, 1, model)] });
      expect(checkpoint.history).toHaveLength(2);
      const last = checkpoint.history[1]!;
      expect(last.trainEntropy).not.toBeNull();
      expect(last).toMatchObject(
        isComplete ? { isBest: true } : { isBest: false, value: null, valEntropy: null },
      );
      checkpoint.dispose();
    },
  );

  /** `count` batches of 8 rows. @param isSizeKnown whether `fitDataset` knows the count. */
  function batches(count: number, isSizeKnown = true): tf.data.Dataset<tf.TensorContainer> {
    const make = (): tf.TensorContainer => {
      const { x, y } = makeData(8);
      return { xs: x, ys: y };
    };
    const generate = function* (): Generator<tf.TensorContainer> {
      for (let i = 0; i < count; i++) yield make();
    };
    const dataset = tf.data.generator(generate);
    return isSizeKnown ? Object.assign(dataset, { size: count }) : dataset;
  }

  test('by an exhausted dataset is recorded but never the best, like the empty epochs after it', async () => {
    const model = makeModel();
    const checkpoint = new EntropyCheckpointCallback({ filepath: null });
    await model.fitDataset(batches(5), {
      epochs: 3,
      batchesPerEpoch: 3,
      verbose: 0,
      callbacks: checkpoint,
    });
    expect(checkpoint.history.map(({ value }) => value !== null)).toEqual([true, false, false]);
    expect(checkpoint.history.map(({ trainEntropy }) => trainEntropy !== null)).toEqual([true, true, false]);
    expect(checkpoint.best?.epoch).toBe(0);
    checkpoint.dispose();
  });

  test.each([true, false])(
    'by stopTraining in `fitDataset` is never the best (size known: %s)',
    async (isSizeKnown) => {
      const model = makeModel();
      const checkpoint = new EntropyCheckpointCallback({ filepath: null });
      const callbacks = [checkpoint, stopAt(1, 1, model)];
      await model.fitDataset(batches(4, isSizeKnown), { epochs: 3, verbose: 0, callbacks });
      expect(checkpoint.history.map(({ value }) => value !== null)).toEqual([true, false]);
      checkpoint.dispose();
    },
  );

  test.each([1, 3])(
    'after batch index %i of 4 does not take an evaluation in onEpochEnd for validation',
    async (batch) => {
      const model = makeModel();
      const checkpoint = new EntropyCheckpointCallback({ filepath: null });
      const { x, y } = makeData(16, 7);
      const evaluate = callbackWith('onEpochEnd', () => {
        tf.dispose(model.evaluate(x, y));
      });
      const callbacks = [evaluate, checkpoint, stopAt(batch, 1, model)];
      await model.fitDataset(batches(4), {
        epochs: 3,
        verbose: 0,
        callbacks,
        validationData: [x, y],
      });
      expect(checkpoint.history).toHaveLength(2);
      expect(checkpoint.history[1]).toMatchObject({ valEntropy: null, value: null, isBest: false });
      checkpoint.dispose();
    },
  );
});

describe('several fit calls', () => {
  test('on one instance share best and history', async () => {
    const model = makeModel();
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: null });
    await model.fit(x, y, { ...FIT, epochs: 2, callbacks: checkpoint });
    await model.fit(x, y, { ...FIT, epochs: 2, callbacks: checkpoint });
    expect(checkpoint.history.map(({ fit, epoch }) => [fit, epoch])).toEqual([
      [0, 0],
      [0, 1],
      [1, 2],
      [1, 3],
    ]);
    const entropies = entropyOf(checkpoint) as number[];
    expect(checkpoint.best).toBe(checkpoint.history[entropies.indexOf(Math.max(...entropies))]);
    checkpoint.dispose();
  });

  it('may recompile the Sequential between them, as for fine-tuning', async () => {
    const model = makeModel();
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: null });
    await model.fit(x, y, { ...FIT, epochs: 1, callbacks: checkpoint });
    model.layers[0]!.trainable = false;
    model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
    await model.fit(x, y, { ...FIT, epochs: 1, callbacks: checkpoint });
    expect(checkpoint.history.map(({ fit }) => fit)).toEqual([0, 1]);
    checkpoint.dispose();
  });

  test('with different models are refused, and the second model keeps its weights', async () => {
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: null });
    await makeModel().fit(x, y, { ...FIT, callbacks: checkpoint });
    const other = makeModel();
    const before = weightValues(other);
    const fit = other.fit(x, y, { ...FIT, callbacks: checkpoint });
    await expect(fit).rejects.toMatchObject({ code: 'ENTROPY_MODEL_CHANGED' });
    expect(weightValues(other)).toEqual(before);
    checkpoint.dispose();
  });

  test('at the same time on two models are refused for the second model', async () => {
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: null });
    const [first, second] = [makeModel(), makeModel()];
    const before = weightValues(second);
    const fits = [first, second].map((model) => model.fit(x, y, { ...FIT, callbacks: checkpoint }));
    const [one, other] = await Promise.allSettled(fits);
    expect(one).toMatchObject({ status: 'fulfilled' });
    expect(other).toMatchObject({ status: 'rejected', reason: { name: 'EntropyCheckpointError' } });
    expect(weightValues(second)).toEqual(before);
    expect(checkpoint.history).toHaveLength(4);
    checkpoint.dispose();
  });
});

describe('the list of callbacks', () => {
  it('is refused if it holds the instance twice', async () => {
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: null });
    const fit = makeModel().fit(x, y, { ...FIT, callbacks: [checkpoint, checkpoint] });
    await expect(fit).rejects.toMatchObject({ code: 'ENTROPY_INVALID_STATE' });
  });

  it('is refused if a configuration comes first, as tfjs then takes every item for one', async () => {
    const { x, y } = makeData(24);
    const callbacks = [{}, new EntropyCheckpointCallback({ filepath: null })] as tf.CustomCallbackArgs[];
    const fit = makeModel().fit(x, y, { ...FIT, callbacks });
    await expect(fit).rejects.toMatchObject({ code: 'ENTROPY_INVALID_CALLBACK_LIST' });
    await expect(fit).rejects.toThrow(/checkpoint\.with\(others\)`: got an object of functions first/);
  });
});

describe('training', () => {
  const linear = (loss: unknown, units = NUM_CLASSES): tf.Sequential => {
    const model = tf.sequential({ layers: [seededDense(units, 1, { inputShape: [NUM_FEATURES] })] });
    model.compile({ optimizer: 'sgd', loss: loss as string });
    return model;
  };
  const customLoss = (yTrue: tf.Tensor, yPred: tf.Tensor): tf.Tensor =>
    tf.losses.softmaxCrossEntropy(yTrue, yPred);
  const sigmoids = (): tf.Sequential => {
    const model = tf.sequential({
      layers: [seededDense(NUM_CLASSES, 1, { inputShape: [NUM_FEATURES], activation: 'sigmoid' })],
    });
    model.compile({ optimizer: 'sgd', loss: 'binaryCrossentropy' });
    return model;
  };

  const REFUSED: [string, () => tf.Sequential, EntropyCheckpointOptions, object, string, RegExp][] = [
    [
      'a model without class outputs',
      () => linear('meanSquaredError'),
      {},
      {},
      'ENTROPY_NO_CLASS_OUTPUT',
      /softmax/,
    ],
    ['several sigmoid units', sigmoids, {}, {}, 'ENTROPY_NO_CLASS_OUTPUT', /sigmoid units/],
    [
      'a custom loss on a linear layer',
      () => linear(customLoss),
      {},
      {},
      'ENTROPY_AMBIGUOUS_OUTPUT',
      /fromLogits: true/,
    ],
    ['an unknown output', makeModel, { outputs: ['nope'] }, {}, 'ENTROPY_INVALID_OPTION', /"nope"/],
    [
      'a topK above the number of classes',
      makeModel,
      { topK: 5 },
      {},
      'ENTROPY_INVALID_OPTION',
      /\(4\), got 5/,
    ],
    [
      'val_entropy without validation',
      makeModel,
      { monitor: 'val_entropy' },
      { validationSplit: 0 },
      'ENTROPY_UNKNOWN_MONITOR',
      /`validationData`/,
    ],
    [
      'a metric that is not logged',
      makeModel,
      { monitor: 'val_precision' },
      {},
      'ENTROPY_UNKNOWN_MONITOR',
      /loss, acc, val_loss, val_acc/,
    ],
  ];

  it.each(REFUSED)(
    'is refused before a weight changes with %s',
    async (_name, build, options, args, code, message) => {
      const model = build();
      const { x, y } = makeData(24);
      const before = weightValues(model);
      await expectNoTensorsLeft(async () => {
        const checkpoint = new EntropyCheckpointCallback({ filepath: tempFolder(), ...options });
        const fit = model.fit(x, y, { ...FIT, ...args, callbacks: checkpoint });
        const error: unknown = await fit.then(
          () => null,
          (reason: unknown) => reason,
        );
        expect(codeOf(error)).toBe(code);
        expect((error as Error).message).toMatch(message);
      });
      expect(weightValues(model)).toEqual(before);
      expect(readdirSync(tempFolder())).toEqual([]);
    },
  );

  it('is refused at construction with a metric of unknown direction', () => {
    const make = (): unknown => new EntropyCheckpointCallback({ monitor: 'val_cosineProximity' });
    expect(make).toThrow(/mode: 'max'/);
  });

  it('works without class outputs if the monitor is a metric, with entropies of null', async () => {
    const model = linear('meanSquaredError');
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: null, monitor: 'val_loss' });
    const { history } = await model.fit(x, y, { ...FIT, callbacks: checkpoint });
    expect(checkpoint.history.map(({ entropy, valEntropy }) => [entropy, valEntropy])).toEqual(
      new Array(4).fill([null, null]),
    );
    expect(checkpoint.best?.value).toBe(Math.min(...(history['val_loss'] as number[])));
    expect(Object.keys(history)).toEqual(['val_loss', 'loss']);
    checkpoint.dispose();
  });

  it('works with a custom loss on a linear layer if `fromLogits` is true', async () => {
    const explicit = new EntropyCheckpointCallback({ filepath: null, fromLogits: true });
    const inferred = new EntropyCheckpointCallback({ filepath: null });
    const { x, y } = makeData(24);
    await linear(customLoss).fit(x, y, { ...FIT, callbacks: explicit });
    await linear(tf.losses.softmaxCrossEntropy).fit(x, y, { ...FIT, callbacks: inferred });
    expect(explicit.history).toEqual(inferred.history);
    explicit.dispose();
    inferred.dispose();
  });
});

describe('the logged values', () => {
  test('reach History and later callbacks, which can stop training by entropy', async () => {
    const { checkpoint, history, model } = await fitWithConfidences([6, 4], {});
    expect(history.history['entropy']).toEqual(entropyOf(checkpoint));
    expect(history.history['val_entropy']).toEqual(checkpoint.history.map(({ valEntropy }) => valEntropy));
    const early = tf.callbacks.earlyStopping({ monitor: 'entropy', mode: 'max', patience: 0 });
    const { x, y } = makeData(24);
    const stopped = await model.fit(x, y, { ...FIT, epochs: 9, callbacks: [checkpoint, early] });
    expect(stopped.epoch.length).toBeLessThan(9);
    checkpoint.dispose();
  });

  test('hold no val_entropy without validation', async () => {
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: null });
    const { history } = await makeModel().fit(x, y, { ...FIT, validationSplit: 0, callbacks: checkpoint });
    expect(Object.keys(history).sort()).toEqual(['acc', 'entropy', 'loss', 'train_entropy']);
    expect(checkpoint.history[0]).toMatchObject({ valEntropy: null });
    expect(checkpoint.history[0]?.entropy).toBe(checkpoint.history[0]?.trainEntropy);
    checkpoint.dispose();
  });

  test('do not replace a metric of the same name', async () => {
    const entropy = (_yTrue: tf.Tensor, yPred: tf.Tensor): tf.Tensor => tf.mean(tf.mul(yPred, 0));
    const model = makeModel();
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy', metrics: [entropy] });
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: null });
    const { history } = await model.fit(x, y, { ...FIT, callbacks: checkpoint });
    expect(history['entropy']).toEqual([0, 0, 0, 0]);
    expect(checkpoint.best?.entropy).toBeGreaterThan(0.1);
    expect(warn.mock.calls.flat().filter((text) => String(text).includes('its own metric'))).toHaveLength(2);
    checkpoint.dispose();
  });
});

describe('the warning at the end of training', () => {
  const firstEpochWarnings = (): string[] =>
    warn.mock.calls
      .flat()
      .map(String)
      .filter((text) => text.includes('first that could'));

  it('says that the first epoch was kept, why, and what to try', async () => {
    const { checkpoint } = await fitWithConfidences([3, 4, 5], {});
    expect(firstEpochWarnings()).toHaveLength(1);
    expect(firstEpochWarnings()[0]).toMatch(/kept epoch, 0,.*two to four classes.*startFromEpoch/s);
    checkpoint.dispose();
  });

  it('names the first epoch that could be selected', async () => {
    const { checkpoint } = await fitWithConfidences([6, 2, 3, 4], { startFromEpoch: 1 });
    expect(firstEpochWarnings()[0]).toMatch(/kept epoch, 1,/);
    checkpoint.dispose();
  });

  it('is not printed for a later epoch, a single epoch or a metric', async () => {
    for (const [scales, options] of [
      [[5, 4], {}],
      [[5], {}],
      [[4, 5], { monitor: 'val_acc' }],
    ] as const) {
      const { checkpoint } = await fitWithConfidences(scales, options);
      checkpoint.dispose();
    }
    expect(firstEpochWarnings()).toEqual([]);
  });
});

describe('the kept state', () => {
  it('is restored by loadCheckpoint, from a folder and from memory', async () => {
    for (const filepath of [tempFolder(), null]) {
      const { checkpoint, model } = await fitWithConfidences([6, 2, 5], { filepath });
      expect(model.weights.at(-1)!.read().dataSync()[0]).toBe(10);
      expect(await checkpoint.loadCheckpoint()).toBe(checkpoint.best);
      expect(model.weights.at(-1)!.read().dataSync()[0]).toBe(4);
      checkpoint.dispose();
    }
  });

  it('is restored at the end with `restoreBestWeights`, with the optimizer, and leaves no tensor', async () => {
    const model = makeModel('adam');
    const { x, y } = makeData(24);
    const folder = tempFolder();
    await model.fit(x, y, { ...FIT, epochs: 1 });
    await expectNoTensorsLeft(async () => {
      const checkpoint = new EntropyCheckpointCallback({
        filepath: folder,
        monitor: 'val_loss',
        mode: 'max',
        restoreBestWeights: true,
      });
      await model.fit(x, y, { ...FIT, callbacks: checkpoint });
      expect(checkpoint.best?.epoch).toBeLessThan(3);
    });
    const restored = weightValues(model);
    const { record } = await loadCheckpoint(folder, { model });
    expect(record.epoch).toBeLessThan(3);
    expect(weightValues(model)).toEqual(restored);
  });

  test('of an earlier fit is restored by `restoreBestWeights` if the later fit has no better epoch', async () => {
    const folder = tempFolder();
    const { checkpoint, model } = await fitWithConfidences([2, 5], {
      filepath: folder,
      restoreBestWeights: true,
    });
    expect(model.weights.at(-1)!.read().dataSync()[0]).toBe(4);
    const { x, y } = makeData(24);
    const set = callbackWith('onEpochBegin', () => {
      setConfidence(model, 6);
    });
    await model.fit(x, y, { ...FIT, epochs: 1, callbacks: [set, checkpoint] });
    expect(model.weights.at(-1)!.read().dataSync()[0]).toBe(4);
  });

  it('does not include the optimizer with `includeOptimizer: false`, and loading leaves it alone', async () => {
    const folder = tempFolder();
    const model = makeModel('adam');
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: folder, includeOptimizer: false });
    await model.fit(x, y, { ...FIT, callbacks: checkpoint });
    const { iterations } = model.optimizer;
    await checkpoint.loadCheckpoint();
    expect(model.optimizer.iterations).toBe(iterations);
    const stored = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')) as {
      weightsManifest: { weights: { group?: string }[] }[];
    };
    expect(stored.weightsManifest[0]!.weights.some(({ group }) => group === 'optimizer')).toBe(false);
  });

  it('is in the folder after `flush` in `onBest`, which is awaited', async () => {
    const folder = tempFolder();
    const calls: [number, number, EpochRecord | null][] = [];
    const checkpoint: EntropyCheckpointCallback = new EntropyCheckpointCallback({
      filepath: folder,
      onBest: async (record) => {
        await checkpoint.flush();
        const { model: loaded, record: stored } = await loadCheckpoint(folder);
        calls.push([record.epoch, stored.epoch, checkpoint.best]);
        loaded.dispose();
      },
    });
    const model = makeModel(tf.train.sgd(0));
    const { x, y } = makeData(24);
    const set = callbackWith('onEpochBegin', (epoch) => {
      setConfidence(model, 6 - epoch);
    });
    await model.fit(x, y, { ...FIT, epochs: 2, callbacks: [set, checkpoint] });
    expect(calls.map(([epoch, stored]) => [epoch, stored])).toEqual([
      [0, 0],
      [1, 1],
    ]);
    expect(calls[1]![2]).toEqual(checkpoint.best);
  });

  it('can be loaded into the model in `onBest`', async () => {
    const folder = tempFolder();
    const model = makeModel(tf.train.sgd(0));
    const { x, y } = makeData(24);
    const loaded: (EpochRecord | null)[] = [];
    const checkpoint: EntropyCheckpointCallback = new EntropyCheckpointCallback({
      filepath: folder,
      onBest: async () => {
        await checkpoint.flush();
        loaded.push(await checkpoint.loadCheckpoint());
      },
    });
    await model.fit(x, y, { ...FIT, epochs: 1, callbacks: checkpoint });
    expect(loaded).toEqual([checkpoint.best]);
  });

  it('is announced in one line per save, and one at the end, with `verbose: 1`', async () => {
    const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
    const { checkpoint } = await fitWithConfidences([6, 4, 5], { verbose: 1, filepath: tempFolder() });
    expect(log.mock.calls.flat()).toEqual([
      expect.stringMatching(/epoch 0: entropy 0\.\d+ is the best so far, saved to folder/),
      expect.stringMatching(/epoch 1: entropy/),
      expect.stringMatching(/Epoch 1 was kept/),
    ]);
    checkpoint.dispose();
  });

  it('is freed by dispose', async () => {
    await expectNoTensorsLeft(async () => {
      const model = makeModel(tf.train.sgd(0.1));
      const { x, y } = makeData(24);
      const { numTensors } = tf.memory();
      const checkpoint = new EntropyCheckpointCallback({ filepath: null });
      await model.fit(x, y, { ...FIT, callbacks: checkpoint });
      expect(tf.memory().numTensors).toBeGreaterThan(numTensors);
      checkpoint.dispose();
      await expect(checkpoint.loadCheckpoint()).rejects.toMatchObject({ code: 'ENTROPY_NO_BEST' });
      const { optimizer } = model;
      model.dispose();
      optimizer.dispose();
      tf.dispose([x, y]);
    });
  });

  it('is not changed after `dispose` during training, and the folder is released', async () => {
    const model = makeModel();
    const { x, y } = makeData(24);
    const folder = tempFolder();
    const first = new EntropyCheckpointCallback({ filepath: folder, restoreBestWeights: true });
    const disposes = callbackWith('onEpochBegin', (epoch) => {
      if (epoch === 1) first.dispose();
    });
    const throws = callbackWith('onEpochEnd', (epoch) => {
      if (epoch === 2) throw new Error('thrown by the test');
    });
    await expect(model.fit(x, y, { ...FIT, callbacks: [first, disposes, throws] })).rejects.toThrow(
      'by the test',
    );
    expect(first.history).toHaveLength(1);
    await first.flush();
    await expectNoTensorsLeft(async () => {
      await model.fit(x, y, { ...FIT, callbacks: new EntropyCheckpointCallback({ filepath: folder }) });
    });
  });

  it('cannot be loaded before training', async () => {
    const checkpoint = new EntropyCheckpointCallback({ filepath: null });
    await expect(checkpoint.loadCheckpoint()).rejects.toMatchObject({ code: 'ENTROPY_NO_BEST' });
  });
});

describe('the folder', () => {
  test('of an earlier run is replaced by the first best epoch of a new instance', async () => {
    const folder = tempFolder();
    await fitWithConfidences([2], { filepath: folder });
    const { checkpoint } = await fitWithConfidences([6, 5], { filepath: folder });
    const { record, model } = await loadCheckpoint(folder);
    expect(record).toEqual(checkpoint.best);
    expect(record.entropy).toBeLessThan(0.5);
    expect(readdirSync(folder)).toHaveLength(2);
    model.dispose();
  });

  test('of an earlier run is not loaded by an instance without a best epoch', async () => {
    const folder = tempFolder();
    await fitWithConfidences([2], { filepath: folder });
    const { checkpoint } = await fitWithConfidences([5], { filepath: folder, startFromEpoch: 1 });
    await expect(checkpoint.loadCheckpoint()).rejects.toMatchObject({ code: 'ENTROPY_NO_BEST' });
  });

  it('is not loaded once another training has replaced its checkpoint', async () => {
    const folder = tempFolder();
    const { checkpoint, model } = await fitWithConfidences([2, 5], { filepath: folder });
    await fitWithConfidences([4], { filepath: folder });
    const before = weightValues(model);
    await expect(checkpoint.loadCheckpoint()).rejects.toMatchObject({ code: 'ENTROPY_CHECKPOINT_REPLACED' });
    expect(weightValues(model)).toEqual(before);
  });

  it('is refused for a second training at the same time', async () => {
    const model = makeModel();
    const { x, y } = makeData(24);
    const callbacks = [1, 2].map(() => new EntropyCheckpointCallback({ filepath: tempFolder() }));
    const before = weightValues(model);
    await expect(model.fit(x, y, { ...FIT, callbacks })).rejects.toMatchObject({
      code: 'ENTROPY_STORE_IN_USE',
    });
    expect(weightValues(model)).toEqual(before);
    await model.fit(x, y, { ...FIT, callbacks: callbacks[1]! });
    expect(callbacks[1]!.best).not.toBeNull();
  });

  test("with the user's own model is refused and stays as it is", async () => {
    const folder = join(tempFolder(), 'mine');
    mkdirSync(folder);
    const text = JSON.stringify({ modelTopology: {}, weightsManifest: [] });
    writeFileSync(join(folder, 'model.json'), text);
    const { x, y } = makeData(24);
    const fit = makeModel().fit(x, y, {
      ...FIT,
      callbacks: new EntropyCheckpointCallback({ filepath: folder }),
    });
    await expect(fit).rejects.toMatchObject({ code: 'ENTROPY_NOT_A_CHECKPOINT' });
    expect(readFileSync(join(folder, 'model.json'), 'utf8')).toBe(text);
  });

  it('is refused before training if it cannot be written', async () => {
    writeFileSync(join(tempFolder(), 'file'), '');
    const model = makeModel();
    const before = weightValues(model);
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: join(tempFolder(), 'file', 'below') });
    await expect(model.fit(x, y, { ...FIT, callbacks: checkpoint })).rejects.toMatchObject({
      code: 'ENTROPY_STORE_FAILED',
    });
    expect(weightValues(model)).toEqual(before);
  });
});

describe('resume', () => {
  /** The loss falls, so with mode 'max' the first epoch stays the best. */
  const OPTIONS = { monitor: 'val_loss', mode: 'max' } as const;

  async function train(folder: string, epochs: number): Promise<EntropyCheckpointCallback> {
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: folder, ...OPTIONS });
    await makeModel('adam').fit(x, y, { ...FIT, epochs, callbacks: checkpoint });
    return checkpoint;
  }

  it('continues bit for bit like a run that was never interrupted', async () => {
    const folder = tempFolder();
    const first = await train(folder, 3);
    const { x, y } = makeData(24);
    const model = makeModel('adam', { seed: 77 });
    const checkpoint = new EntropyCheckpointCallback({ filepath: folder, ...OPTIONS });
    const { initialEpoch } = await checkpoint.resume(model);
    expect(initialEpoch).toBe(first.best!.epoch + 1);
    expect(checkpoint.best).toEqual(first.best);
    await model.fit(x, y, { ...FIT, epochs: 6, initialEpoch, callbacks: checkpoint });

    const whole = makeModel('adam');
    const uninterrupted = new EntropyCheckpointCallback({ filepath: null, ...OPTIONS });
    await whole.fit(x, y, { ...FIT, epochs: 6, callbacks: uninterrupted });
    expect(weightValues(model)).toEqual(weightValues(whole));
    const values = ({ history }: EntropyCheckpointCallback): unknown[] =>
      history.map(({ epoch, entropy, value, isBest }) => [epoch, entropy, value, isBest]);
    expect(values(checkpoint)).toEqual(values(uninterrupted));
    uninterrupted.dispose();
  });

  it('returns epoch 0 if nothing is stored', async () => {
    const checkpoint = new EntropyCheckpointCallback({ filepath: join(tempFolder(), 'none') });
    expect(await checkpoint.resume(makeModel())).toEqual({ initialEpoch: 0, initialBatch: 0 });
    expect(checkpoint.best).toBeNull();
  });

  it('makes `fit` refuse another `initialEpoch`, at its first epoch', async () => {
    const folder = tempFolder();
    await train(folder, 2);
    const model = makeModel('adam');
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: folder, ...OPTIONS });
    const { initialEpoch } = await checkpoint.resume(model);
    const before = weightValues(model);
    // The second attempt is refused as well.
    for (let i = 0; i < 2; i++) {
      const fit = model.fit(x, y, { ...FIT, callbacks: checkpoint });
      await expect(fit).rejects.toMatchObject({ code: 'ENTROPY_WRONG_INITIAL_EPOCH' });
    }
    expect(weightValues(model)).toEqual(before);
    await model.fit(x, y, { ...FIT, initialEpoch, epochs: initialEpoch + 1, callbacks: checkpoint });
    expect(checkpoint.history.at(-1)?.epoch).toBe(initialEpoch);
  });

  it('refuses another model, optimizer or monitor and a model that is not compiled, and changes nothing', async () => {
    const folder = tempFolder();
    await train(folder, 1);
    const other = tf.sequential({ layers: [seededDense(4, 1, { inputShape: [6], activation: 'softmax' })] });
    other.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy' });
    const uncompiled = tf.sequential({
      layers: [
        seededDense(5, 1, { inputShape: [NUM_FEATURES], activation: 'tanh' }),
        seededDense(NUM_CLASSES, 2, { activation: 'softmax' }),
      ],
    });
    const cases = [
      [other, OPTIONS, 'ENTROPY_MODEL_MISMATCH'],
      [uncompiled, OPTIONS, 'ENTROPY_OPTIMIZER_MISMATCH'],
      [makeModel('sgd'), OPTIONS, 'ENTROPY_OPTIMIZER_MISMATCH'],
      [makeModel('adam'), {}, 'ENTROPY_MONITOR_MISMATCH'],
    ] as const;
    for (const [model, options, code] of cases) {
      const before = weightValues(model);
      const checkpoint = new EntropyCheckpointCallback({ filepath: folder, ...options });
      await expect(checkpoint.resume(model)).rejects.toMatchObject({ code });
      expect(weightValues(model)).toEqual(before);
      expect(checkpoint.best).toBeNull();
    }
  });
});
