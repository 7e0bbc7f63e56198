import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs';
import seedrandom from 'seedrandom';
import { EntropyCheckpointCallback, type CheckpointStore, type EpochRecord } from 'tfjs-entropy-checkpoint';
import { drawWithoutReplacement } from '../noisy-mnist/sampling.js';
import { loadData, type Rows, type SweepData } from './data.js';
import { idOf, type TrainingSettings } from './settings.js';
import type { TrainingResult } from './training-result.js';

export interface TrainingOptions {
  /** A folder, or a store; null: in memory only. */
  readonly filepath: string | CheckpointStore | null;
  /** Once it's aborted, the training ends with the running epoch, which is stored. */
  readonly signal?: AbortSignal;
  /** Called when training begins or resumes. @param initialEpoch how many epochs were stored. */
  readonly onBegin?: (initialEpoch: number) => void;
  /** Called when an epoch has ended. It's stored some time later. */
  readonly onEpoch?: (epoch: number) => void;
}

const UNITS = [64, 64];

/**
 * Trains a network, from where its checkpoint ends. Data, noise, weights and the order of the rows are all drawn from the
 * seed, and the order in an epoch from its number as well. So it doesn't matter in how many parts the epochs run.
 *
 * @returns null if it was stopped by `signal` before its last epoch.
 */
export async function train(
  settings: TrainingSettings,
  { filepath, signal, onBegin, onEpoch }: TrainingOptions,
): Promise<TrainingResult | null> {
  const data = loadData(settings);
  const model = buildNetwork(data, settings);
  const { monitor, averageWeights, epochs } = settings;
  const checkpoint = new EntropyCheckpointCallback({
    filepath,
    monitor,
    averageWeights,
    saveLast: filepath !== null,
    metadata: settings,
  });
  try {
    const { initialEpoch } = filepath === null ? { initialEpoch: 0 } : await checkpoint.resume(model);
    onBegin?.(initialEpoch);
    const onEpochEnd = (epoch: number): void => {
      onEpoch?.(epoch);
      if (signal?.aborted === true) model.stopTraining = true;
    };
    if (initialEpoch < epochs) await fit(model, data, settings, initialEpoch, { checkpoint, onEpochEnd });
    if (checkpoint.history.length < epochs) return null;
    return await resultOf(settings, model, checkpoint, data.test);
  } finally {
    checkpoint.dispose();
    model.optimizer.dispose();
    model.dispose();
  }
}

function buildNetwork(
  { numFeatures, numClasses }: SweepData,
  { seed, learningRate }: TrainingSettings,
): tf.Sequential {
  const units = [...UNITS, numClasses];
  const layers = units.map((count, i) =>
    tf.layers.dense({
      units: count,
      activation: i === units.length - 1 ? 'softmax' : 'relu',
      kernelInitializer: tf.initializers.glorotUniform({ seed: 100 * seed + i }),
      ...(i === 0 && { inputShape: [numFeatures] }),
    }),
  );
  const model = tf.sequential({ layers });
  model.compile({
    optimizer: tf.train.adam(learningRate),
    loss: 'categoricalCrossentropy',
    metrics: ['accuracy'],
  });
  return model;
}

async function fit(
  model: tf.Sequential,
  data: SweepData,
  settings: TrainingSettings,
  initialEpoch: number,
  parts: {
    readonly checkpoint: EntropyCheckpointCallback;
    readonly onEpochEnd: (epoch: number) => void;
  },
): Promise<void> {
  let epoch = initialEpoch;
  const follower = new tf.CustomCallback({
    onEpochBegin: (begun) => {
      epoch = begun;
    },
    onEpochEnd: parts.onEpochEnd,
  });
  const { xs, ys } = tensorsOf(data.validation, data);
  try {
    await model.fitDataset(
      tf.data.generator(() => batchesOf(data, settings, epoch)),
      {
        epochs: settings.epochs,
        initialEpoch,
        validationData: [xs, ys],
        validationBatchSize: data.validation.labels.length,
        verbose: 0,
        callbacks: [follower, parts.checkpoint],
      },
    );
  } finally {
    tf.dispose([xs, ys]);
  }
}

type Batch = Record<'xs' | 'ys', tf.Tensor2D>;

/** The batches of an epoch, in an order that its number decides. */
function* batchesOf(data: SweepData, { seed, batchSize }: TrainingSettings, epoch: number): Generator<Batch> {
  const count = data.train.labels.length;
  const order = drawWithoutReplacement(count, count, seedrandom(`order ${seed} ${epoch}`));
  for (let start = 0; start < count; start += batchSize) {
    yield tensorsOf(pickRows(data.train, order.subarray(start, start + batchSize), data.numFeatures), data);
  }
}

function pickRows({ inputs, labels }: Rows, rows: Uint32Array, width: number): Rows {
  const picked = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    picked.set(inputs.subarray(row * width, (row + 1) * width), i * width);
  });
  return { inputs: picked, labels: Uint8Array.from(rows, (row) => labels[row]!) };
}

/** @returns inputs and one-hot labels. The caller disposes them. */
function tensorsOf(
  { inputs, labels }: Rows,
  { numFeatures, numClasses }: Pick<SweepData, 'numFeatures' | 'numClasses'>,
): Batch {
  const oneHot = new Float32Array(labels.length * numClasses);
  labels.forEach((label, row) => (oneHot[row * numClasses + label] = 1));
  return {
    xs: tf.tensor2d(inputs, [labels.length, numFeatures]),
    ys: tf.tensor2d(oneHot, [labels.length, numClasses]),
  };
}

async function resultOf(
  settings: TrainingSettings,
  model: tf.Sequential,
  checkpoint: EntropyCheckpointCallback,
  test: Rows,
): Promise<TrainingResult> {
  const lastAccuracy = accuracy(model, test);
  const best = await checkpoint.loadCheckpoint();
  const keptAccuracy = accuracy(model, test);
  return {
    id: idOf(settings),
    settings,
    best: inOneFit(best),
    history: checkpoint.history.map(inOneFit),
    keptAccuracy,
    lastAccuracy,
    keptWeights: checksumOf(model),
  };
}

/** In how many calls of `fit` the epochs ran depends on how often the training was interrupted. */
function inOneFit(record: EpochRecord): EpochRecord {
  return { ...record, fit: 0 };
}

function accuracy(model: tf.Sequential, { inputs, labels }: Rows): number {
  const classes = tf.tidy(() => {
    const rows = tf.tensor2d(inputs, [labels.length, inputs.length / labels.length]);
    return (model.predict(rows) as tf.Tensor).argMax(-1).dataSync<'int32'>().slice();
  });
  return labels.filter((label, row) => label === classes[row]).length / labels.length;
}

function checksumOf(model: tf.Sequential): string {
  const hash = createHash('sha256');
  for (const weight of model.getWeights()) {
    const { buffer, byteOffset, byteLength } = weight.dataSync<'float32'>();
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest('hex').slice(0, 32);
}
