import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import seedrandom from 'seedrandom';
import { EntropyCheckpointCallback } from 'tfjs-entropy-checkpoint';
import { predictAgainCallback } from './predict-again-callback.js';
import { NUM_CLASSES, NUM_FEATURES, type Rows } from './synthetic-data.js';

export interface Workload {
  readonly train: Rows;
  readonly validation: Rows;
  readonly epochs: number;
  readonly batchSize: number;
  /** For what is stored; the caller removes it. */
  readonly folder: string;
}

export interface Measurement {
  readonly timeMs: number;
  /** Epochs that were saved. */
  readonly saves: number;
}

/** One way to train. */
export interface Contender {
  readonly name: string;
  measure(workload: Workload): Promise<Measurement>;
}

/** The first is what the others are compared with. */
export const CONTENDERS: readonly Contender[] = [
  { name: 'bare fit', measure: (workload) => measureFit(workload) },
  { name: 'bare fit again (control)', measure: (workload) => measureFit(workload) },
  { name: 'callback, in memory', measure: (workload) => measureCheckpoint(workload, null) },
  {
    name: 'callback, stored in a folder',
    measure: (workload) => measureCheckpoint(workload, join(workload.folder, 'checkpoint')),
  },
  {
    name: 'by hand, predicting again',
    measure: (workload) => {
      const { train, validation, batchSize } = workload;
      return measureFit(workload, (model) => predictAgainCallback(model, [train.x, validation.x], batchSize));
    },
  },
];

async function measureCheckpoint(workload: Workload, filepath: string | null): Promise<Measurement> {
  const checkpoint = new EntropyCheckpointCallback({ filepath });
  const measured = await measureFit(
    workload,
    () => checkpoint,
    () => checkpoint.flush(),
  );
  const saves = checkpoint.history.filter(({ isBest }) => isBest).length;
  checkpoint.dispose();
  return { ...measured, saves };
}

/** Every measurement trains a new model from the same weights, in the same order of rows. */
async function measureFit(
  { train, validation, epochs, batchSize }: Workload,
  callbackFor?: (model: tf.LayersModel) => tf.CustomCallback,
  finish?: () => Promise<void>,
): Promise<Measurement> {
  seedrandom('overhead', { global: true });
  const model = buildModel();
  const callbacks = callbackFor ? { callbacks: callbackFor(model) } : {};
  const validationData: [tf.Tensor, tf.Tensor] = [validation.x, validation.y];

  const startMs = performance.now();
  await model.fit(train.x, train.y, { epochs, batchSize, validationData, ...callbacks });
  await finish?.();
  const timeMs = performance.now() - startMs;

  model.optimizer.dispose();
  model.dispose();
  return { timeMs, saves: 0 };
}

function buildModel(): tf.Sequential {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [NUM_FEATURES], units: 128, activation: 'relu' }),
      tf.layers.dense({ units: NUM_CLASSES, activation: 'softmax' }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  return model;
}
