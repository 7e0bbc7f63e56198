import * as tf from '@tensorflow/tfjs';
import { assert } from 'chai';
import { RUNNING_MEAN } from '../../src/entropy/kernels/running-mean-kernel.js';
import { TOP_K_ENTROPY } from '../../src/entropy/kernels/top-k-entropy-kernel.js';
import { EntropyCheckpointCallback } from '../../src/index.js';
import { information64 } from '../support/information64.js';
import { changes64 } from '../support/changes64.js';
import { disposeTrained } from '../support/dispose-trained.js';
import type { ObservedEpoch } from '../support/observing-layer.js';
import { assertClose, type ConformanceCase, type CaseSettings } from './conformance-case.js';
import { DeferredObserver } from './deferred-observer.js';
import { DeviceLog, type DeviceUse } from './device-log.js';
import {
  EPOCHS,
  ROWS,
  TEST_MODELS,
  TRAININGS,
  type History,
  type TestModel,
  type Training,
} from './trainings.js';

/** For the mean of an epoch, against float64 from the logits. Half precision also rounds the probabilities. */
const toleranceOf = ({ tolerance, halfPrecision = false }: CaseSettings): number =>
  halfPrecision ? 2 * tolerance : Math.max(tolerance, 1e-5);

const inMemory = (): EntropyCheckpointCallback => new EntropyCheckpointCallback({ filepath: null });

/** A callback whose single hook replaces that of tfjs. */
function callbackWith(
  name: 'onEpochBegin' | 'onEpochEnd',
  act: (epoch: number) => Promise<void>,
): tf.CustomCallback {
  const callback = new tf.CustomCallback({});
  callback[name] = act;
  return callback;
}

async function checkScores(testModel: TestModel, train: Training, settings: CaseSettings): Promise<void> {
  const observer = new DeferredObserver(testModel.toProbabilities);
  const model = testModel.build(observer);
  const observed: ObservedEpoch[] = [];
  const observe = callbackWith('onEpochEnd', async () => {
    observed.push(await observer.closeEpoch());
  });
  const checkpoint = inMemory();
  await train(testModel, model, [checkpoint, observe]);
  assert.lengthOf(observed, EPOCHS);
  assert.lengthOf(checkpoint.history, EPOCHS);
  const tolerance = toleranceOf(settings);
  for (const [i, { train: trained, val, all }] of observed.entries()) {
    const { trainEntropy, valEntropy, entropy } = checkpoint.history[i]!;
    assertClose([trainEntropy!, valEntropy!, entropy!], [trained, val, all], tolerance);
  }
  checkpoint.dispose();
  disposeTrained(model);
}

const scores = Object.entries(TEST_MODELS).flatMap(([modelName, testModel]) =>
  Object.entries(TRAININGS).map(([trainingName, train]) => ({
    name: `${trainingName} with ${modelName}: the entropies equal those of an observing layer`,
    run: (settings: CaseSettings) => checkScores(testModel, train, settings),
  })),
);

const [softmax] = Object.values(TEST_MODELS) as [TestModel];
const { fit, fitDataset } = TRAININGS as Record<'fit' | 'fitDataset', Training>;

/** The exact values of every weight. */
const weightsOf = (model: tf.LayersModel): Promise<number[][]> =>
  Promise.all(model.weights.map(async (weight) => Array.from(await weight.read().data())));

async function trainWith(callbacks: tf.CustomCallback[]): Promise<[history: History, weights: number[][]]> {
  const model = softmax.build();
  const history = await fit(softmax, model, callbacks);
  const weights = await weightsOf(model);
  disposeTrained(model);
  return [history, weights];
}

/** How each epoch used the device: before its `onEpochEnd` hooks, and in them. */
async function recordDeviceUse(
  train: Training,
  callbacks: tf.CustomCallback[],
): Promise<{ batches: DeviceUse[]; end: DeviceUse[] }> {
  const model = softmax.build();
  // A first training compiles everything and uploads the weights.
  await train(softmax, model, []);
  const log = new DeviceLog();
  const [batches, end]: [DeviceUse[], DeviceUse[]] = [[], []];
  const begin = callbackWith('onEpochBegin', () => Promise.resolve(void log.take()));
  const beforeEnd = callbackWith('onEpochEnd', () => Promise.resolve(void batches.push(log.take())));
  const afterEnd = callbackWith('onEpochEnd', () => Promise.resolve(void end.push(log.take())));
  try {
    await train(softmax, model, [begin, beforeEnd, ...callbacks, afterEnd]);
  } finally {
    log.close();
    disposeTrained(model);
  }
  return { batches, end };
}

const OWN_KERNELS = [TOP_K_ENTROPY, RUNNING_MEAN];
/** The training and validation batches of an epoch. */
const BATCHES = 5 + 2;

async function checkDeviceUse(train: Training, { simulatesGpu = false }: CaseSettings): Promise<void> {
  const baseline = await recordDeviceUse(train, []);
  assert.lengthOf(baseline.batches, EPOCHS);
  // Where JavaScript can read the memory, no kernel is called.
  const perBatch = simulatesGpu || ['webgl', 'webgpu'].includes(tf.getBackend()) ? 1 : 0;
  const checkpoint = inMemory();
  const use = await recordDeviceUse(train, [checkpoint]);
  checkpoint.dispose();
  for (const epoch of baseline.batches.keys()) {
    const [withCallback, without] = [use.batches[epoch]!, baseline.batches[epoch]!];
    assert.deepEqual(withCallback.reads, without.reads, 'reads within an epoch');
    assert.equal(withCallback.waits, without.waits, 'waits within an epoch');
    // One dispatch scores the batch, one moves the mean. On a GPU, TensorFlow runs several operations for each.
    const dispatches = withCallback.dispatches - without.dispatches;
    if (!simulatesGpu) assert.equal(dispatches, 2 * perBatch * BATCHES, 'dispatches within an epoch');
    for (const kernel of OWN_KERNELS) {
      assert.lengthOf(
        withCallback.kernels.filter((name) => name === kernel),
        perBatch * BATCHES,
        kernel,
      );
    }
    const [endWithCallback, endWithout] = [use.end[epoch]!, baseline.end[epoch]!];
    const reads = endWithCallback.reads.length - endWithout.reads.length;
    assert.equal(reads, 1, 'reads at the end of an epoch');
    // Two parts of each mean, a training loss and a validation loss; webgl reads multiples of four.
    assert.isAtMost(Math.max(...endWithCallback.reads), 8, 'numbers read at the end of an epoch');
    assert.isAtMost(endWithCallback.waits - endWithout.waits, 1, 'waits at the end of an epoch');
  }
}

const deviceCases: ConformanceCase[] = Object.entries({ fit, fitDataset }).map(([name, train]) => ({
  name: `${name}: two dispatches per batch on a GPU, no read within an epoch, at most eight numbers read at its end`,
  run: (settings: CaseSettings) => checkDeviceUse(train, settings),
}));

/** Trains with a checkpoint that keeps the first epoch, restores that epoch and trains on. */
async function checkRestore(optimizer: () => tf.Optimizer): Promise<void> {
  const model = softmax.build(undefined, optimizer());
  const afterEpoch: number[][][] = [];
  const recordWeights = callbackWith('onEpochEnd', async () => {
    afterEpoch.push(await weightsOf(model));
  });
  // The loss falls, so the first epoch has the highest.
  const checkpoint = new EntropyCheckpointCallback({ filepath: null, monitor: 'loss', mode: 'max' });
  await fit(softmax, model, [checkpoint, recordWeights]);
  assert.equal(checkpoint.best?.epoch, 0);
  assert.notDeepEqual(afterEpoch.at(-1), afterEpoch[0]);
  await checkpoint.loadCheckpoint();
  assert.deepEqual(await weightsOf(model), afterEpoch[0]);
  // The optimizer is restored too: the next epochs repeat those after the first.
  const again: number[][][] = [];
  await fit(softmax, model, [
    callbackWith('onEpochEnd', async () => {
      again.push(await weightsOf(model));
    }),
  ]);
  assert.deepEqual(again.slice(0, -1), afterEpoch.slice(1));
  checkpoint.dispose();
  disposeTrained(model);
}

/** Compares the counted changes with those of `model.predict` at the end of each epoch. */
async function checkChanges(
  testModel: TestModel,
  train: Training,
  monitor: 'consensus' | 'label_wave',
): Promise<void> {
  const model = testModel.build();
  const { x, y } = testModel.data(ROWS.val, 2);
  const predictions: number[][][] = [];
  const predict = callbackWith('onEpochEnd', async () => {
    const predicted = model.predict(x) as tf.Tensor;
    const values = Array.from(await predicted.data());
    const units = predicted.shape.at(-1)!;
    predicted.dispose();
    const rows = Array.from({ length: values.length / units }, (_, i) =>
      values.slice(i * units, (i + 1) * units),
    );
    predictions.push(units === 1 ? rows.map(([p]) => [p!, 1 - p!]) : rows);
  });
  const checkpoint = new EntropyCheckpointCallback({ filepath: null, monitor });
  await train(testModel, model, [checkpoint, predict]);
  const expected = changes64(predictions, monitor === 'consensus' ? 'consensus' : 'previous');
  for (const [epoch, { valChanges, valInformation }] of checkpoint.history.entries()) {
    if (monitor === 'consensus') assertClose([valInformation!], [information64(predictions[epoch]!)], 2e-3);
    if (epoch === 0) assert.isNull(valChanges);
    else assertClose([valChanges!], [expected[epoch]!], 1e-3);
  }
  checkpoint.dispose();
  disposeTrained(model);
  tf.dispose([x, y]);
}

const changes = Object.entries(TEST_MODELS).flatMap(([modelName, testModel]) =>
  (['consensus', 'label_wave'] as const).map((monitor) => ({
    name: `${monitor} with ${modelName}: counts the validation rows that change`,
    run: () => checkChanges(testModel, fit, monitor),
  })),
);

/** Trains with averaged weights, and evaluates what is kept. */
async function checkAverage(train: Training, settings: CaseSettings): Promise<void> {
  const bare = softmax.build();
  await train(softmax, bare, []);
  const model = softmax.build();
  const checkpoint = new EntropyCheckpointCallback({
    filepath: null,
    monitor: 'val_loss',
    averageWeights: true,
    maxToKeep: EPOCHS,
  });
  await train(softmax, model, [checkpoint]);
  const trained = await weightsOf(model);
  assert.deepEqual(trained, await weightsOf(bare));
  assert.lengthOf(checkpoint.kept, EPOCHS);
  const { x, y } = softmax.data(ROWS.val, 2);
  for (const { epoch, logs } of checkpoint.kept) {
    await checkpoint.loadCheckpoint({ epoch });
    assert.notDeepEqual(await weightsOf(model), trained);
    const values = model.evaluate(x, y) as tf.Scalar[];
    const [loss] = await values[0]!.data();
    tf.dispose(values);
    // Half precision also rounds the sums of the batches.
    assertClose([logs['val_loss']!], [loss!], toleranceOf(settings) * Math.max(1, loss!));
  }
  checkpoint.dispose();
  for (const one of [model, bare]) disposeTrained(one);
  tf.dispose([x, y]);
}

const averageCases: ConformanceCase[] = Object.entries({ fit, fitDataset }).map(([name, train]) => ({
  name: `${name} with averaged weights: validation is of what is kept, and training is as without`,
  run: (settings: CaseSettings) => checkAverage(train, settings),
}));

const OPTIMIZERS: Record<string, () => tf.Optimizer> = {
  adam: () => tf.train.adam(0.05),
  momentum: () => tf.train.momentum(0.1, 0.9),
};

const stateCases: ConformanceCase[] = [
  {
    name: 'fit: the weights do not change, and the history only gains entropies',
    run: async () => {
      const [expectedHistory, expectedWeights] = await trainWith([]);
      const checkpoint = inMemory();
      const [{ entropy, train_entropy, val_entropy, ...history }, weights] = await trainWith([checkpoint]);
      checkpoint.dispose();
      assert.deepEqual(weights, expectedWeights);
      assert.deepEqual(history, expectedHistory);
      for (const logged of [entropy, train_entropy, val_entropy]) assert.lengthOf(logged!, EPOCHS);
    },
  },
  ...Object.entries(OPTIMIZERS).map(([name, optimizer]) => ({
    name: `restore: ${name} repeats the epochs after the best one`,
    run: () => checkRestore(optimizer),
  })),
];

/** The cases for the callback on every backend. */
export const callbackCases: readonly ConformanceCase[] = [
  ...scores,
  ...changes,
  ...deviceCases,
  ...averageCases,
  ...stateCases,
];
