import * as tf from '@tensorflow/tfjs';
import { assert } from 'chai';
import { RUNNING_MEAN } from '../../src/entropy/kernels/running-mean-kernel.js';
import { TOP_K_ENTROPY } from '../../src/entropy/kernels/top-k-entropy-kernel.js';
import { EntropyCheckpointCallback } from '../../src/index.js';
import { information64 } from '../support/information64.js';
import { changes64 } from '../support/changes64.js';
import { disposeTrained } from '../support/dispose-trained.js';
import type { ObservedEpoch } from '../support/observing-layer.js';
import { assertClose, type ConformanceCase, type Terms } from './conformance-case.js';
import { DeferredObserver } from './deferred-observer.js';
import { DeviceLog, type DeviceUse } from './device-log.js';
import { EPOCHS, ROWS, SUBJECTS, TRAININGS, type History, type Subject, type Training } from './trainings.js';

/** Of the mean of an epoch, over float64 from the logits; half precision rounds the probabilities as well. */
const toleranceOf = ({ tolerance, half = false }: Terms): number =>
  half ? 2 * tolerance : Math.max(tolerance, 1e-5);

const inMemory = (): EntropyCheckpointCallback => new EntropyCheckpointCallback({ filepath: null });

/** A callback of the test's own, whose method calls nothing of tfjs's. */
function hook(name: 'onEpochBegin' | 'onEpochEnd', act: (epoch: number) => Promise<void>): tf.CustomCallback {
  const callback = new tf.CustomCallback({});
  callback[name] = act;
  return callback;
}

async function checkScores(subject: Subject, train: Training, terms: Terms): Promise<void> {
  const observer = new DeferredObserver(subject.toProbabilities);
  const model = subject.build(observer);
  const observed: ObservedEpoch[] = [];
  const observe = hook('onEpochEnd', async () => {
    observed.push(await observer.closeEpoch());
  });
  const checkpoint = inMemory();
  await train(subject, model, [checkpoint, observe]);
  assert.lengthOf(observed, EPOCHS);
  assert.lengthOf(checkpoint.history, EPOCHS);
  const tolerance = toleranceOf(terms);
  for (const [i, { train: trained, val, all }] of observed.entries()) {
    const { trainEntropy, valEntropy, entropy } = checkpoint.history[i]!;
    assertClose([trainEntropy!, valEntropy!, entropy!], [trained, val, all], tolerance);
  }
  checkpoint.dispose();
  disposeTrained(model);
}

const scores = Object.entries(SUBJECTS).flatMap(([subjectName, subject]) =>
  Object.entries(TRAININGS).map(([trainingName, train]) => ({
    name: `${trainingName} of ${subjectName}: the entropies are those of an observer`,
    run: (terms: Terms) => checkScores(subject, train, terms),
  })),
);

const [softmax] = Object.values(SUBJECTS) as [Subject];
const { fit, fitDataset } = TRAININGS as Record<'fit' | 'fitDataset', Training>;

/** Values of every weight, exactly. */
const weightsOf = (model: tf.LayersModel): Promise<number[][]> =>
  Promise.all(model.weights.map(async (weight) => Array.from(await weight.read().data())));

async function trained(callbacks: tf.CustomCallback[]): Promise<[history: History, weights: number[][]]> {
  const model = softmax.build();
  const history = await fit(softmax, model, callbacks);
  const weights = await weightsOf(model);
  disposeTrained(model);
  return [history, weights];
}

/** What each epoch asked of the device until its end's hooks, and from then on. */
async function deviceUse(
  train: Training,
  callbacks: tf.CustomCallback[],
): Promise<{ inside: DeviceUse[]; end: DeviceUse[] }> {
  const model = softmax.build();
  // So that everything is compiled, and on the device.
  await train(softmax, model, []);
  const log = new DeviceLog();
  const [inside, end]: [DeviceUse[], DeviceUse[]] = [[], []];
  const begin = hook('onEpochBegin', () => Promise.resolve(void log.take()));
  const middle = hook('onEpochEnd', () => Promise.resolve(void inside.push(log.take())));
  const finish = hook('onEpochEnd', () => Promise.resolve(void end.push(log.take())));
  try {
    await train(softmax, model, [begin, middle, ...callbacks, finish]);
  } finally {
    log.close();
    disposeTrained(model);
  }
  return { inside, end };
}

const OWN_KERNELS = [TOP_K_ENTROPY, RUNNING_MEAN];
/** Batches of an epoch, of training and of validation. */
const BATCHES = 5 + 2;

async function checkDeviceUse(train: Training, { asOnGpu = false }: Terms): Promise<void> {
  const bare = await deviceUse(train, []);
  assert.lengthOf(bare.inside, EPOCHS);
  const checkpoint = inMemory();
  const use = await deviceUse(train, [checkpoint]);
  checkpoint.dispose();
  for (const epoch of bare.inside.keys()) {
    const [own, others] = [use.inside[epoch]!, bare.inside[epoch]!];
    assert.deepEqual(own.reads, others.reads, 'reads within an epoch');
    assert.equal(own.waits, others.waits, 'waits within an epoch');
    // One scores the batch, one moves the mean; TensorFlow's operations on a GPU are several, which is known.
    if (!asOnGpu) assert.equal(own.dispatches - others.dispatches, 2 * BATCHES, 'dispatches within an epoch');
    for (const kernel of OWN_KERNELS) {
      assert.lengthOf(
        own.kernels.filter((name) => name === kernel),
        BATCHES,
        kernel,
      );
    }
    const [ownEnd, othersEnd] = [use.end[epoch]!, bare.end[epoch]!];
    assert.equal(ownEnd.reads.length - othersEnd.reads.length, 1, 'reads at the end of an epoch');
    // Two parts of each mean, and one loss of training and of validation; webgl reads fours.
    assert.isAtMost(Math.max(...ownEnd.reads), 8, 'numbers that are read at the end of an epoch');
    assert.isAtMost(ownEnd.waits - othersEnd.waits, 1, 'waits at the end of an epoch');
  }
}

const deviceCases: ConformanceCase[] = Object.entries({ fit, fitDataset }).map(([name, train]) => ({
  name: `${name}: two dispatches a batch, nothing read within an epoch, at most eight numbers at its end`,
  run: (terms: Terms) => checkDeviceUse(train, terms),
}));

/** Trains with a checkpoint that keeps the first epoch, and then goes on from there. */
async function checkRestore(optimizer: () => tf.Optimizer): Promise<void> {
  const model = softmax.build(undefined, optimizer());
  const afterEpoch: number[][][] = [];
  const note = hook('onEpochEnd', async () => {
    afterEpoch.push(await weightsOf(model));
  });
  // The loss falls, so the first epoch is the one that is kept.
  const checkpoint = new EntropyCheckpointCallback({ filepath: null, monitor: 'loss', mode: 'max' });
  await fit(softmax, model, [checkpoint, note]);
  assert.equal(checkpoint.best?.epoch, 0);
  assert.notDeepEqual(afterEpoch.at(-1), afterEpoch[0]);
  await checkpoint.loadCheckpoint();
  assert.deepEqual(await weightsOf(model), afterEpoch[0]);
  // The optimizer goes on from there as well: the epochs that follow are those that followed.
  const again: number[][][] = [];
  await fit(softmax, model, [
    hook('onEpochEnd', async () => {
      again.push(await weightsOf(model));
    }),
  ]);
  assert.deepEqual(again.slice(0, -1), afterEpoch.slice(1));
  checkpoint.dispose();
  disposeTrained(model);
}

/** The changes are those of what the model predicts when the epoch has ended. */
async function checkChanges(
  subject: Subject,
  train: Training,
  monitor: 'consensus' | 'label_wave',
): Promise<void> {
  const model = subject.build();
  const { x, y } = subject.data(ROWS.val, 2);
  const predictions: number[][][] = [];
  const predict = hook('onEpochEnd', async () => {
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
  await train(subject, model, [checkpoint, predict]);
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

const changes = Object.entries(SUBJECTS).flatMap(([subjectName, subject]) =>
  (['consensus', 'label_wave'] as const).map((monitor) => ({
    name: `${monitor} of ${subjectName}: counts what changes in validation`,
    run: () => checkChanges(subject, fit, monitor),
  })),
);

const OPTIMIZERS: Record<string, () => tf.Optimizer> = {
  adam: () => tf.train.adam(0.05),
  momentum: () => tf.train.momentum(0.1, 0.9),
};

const stateCases: ConformanceCase[] = [
  {
    name: 'fit: neither weights nor history are changed, but for the entropies',
    run: async () => {
      const [bareHistory, bareWeights] = await trained([]);
      const checkpoint = inMemory();
      const [{ entropy, train_entropy, val_entropy, ...history }, weights] = await trained([checkpoint]);
      checkpoint.dispose();
      assert.deepEqual(weights, bareWeights);
      assert.deepEqual(history, bareHistory);
      for (const logged of [entropy, train_entropy, val_entropy]) assert.lengthOf(logged!, EPOCHS);
    },
  },
  ...Object.entries(OPTIMIZERS).map(([name, optimizer]) => ({
    name: `restore: ${name} goes on from the best epoch as it went on before`,
    run: () => checkRestore(optimizer),
  })),
];

/** What the callback must do on every backend. */
export const callbackCases: readonly ConformanceCase[] = [
  ...scores,
  ...changes,
  ...deviceCases,
  ...stateCases,
];
