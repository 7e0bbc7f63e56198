import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import type { EntropyCheckpointOptions } from '../../src/index.js';
import type { TrainingPlan } from './plans.js';

/** How many of the best epochs each training keeps. */
export const MAX_TO_KEEP = 3;

export async function useWasm(): Promise<void> {
  // Otherwise TensorFlow.js prints a banner that recommends tfjs-node.
  tf.enableProdMode();
  if (!(await tf.setBackend('wasm'))) throw new Error('Could not start the backend "wasm".');
}

/** A classifier, compiled with Adam. The caller disposes both. */
export function makeModel({ layers, learningRate }: TrainingPlan): tf.Sequential {
  const [inputs = 1, ...units] = layers;
  const model = tf.sequential();
  for (const [i, count] of units.entries()) {
    model.add(
      tf.layers.dense({
        units: count,
        activation: i === units.length - 1 ? 'softmax' : 'tanh',
        kernelInitializer: tf.initializers.glorotUniform({ seed: i + 1 }),
        ...(i === 0 && { inputShape: [inputs] }),
      }),
    );
  }
  model.compile({ optimizer: tf.train.adam(learningRate), loss: 'categoricalCrossentropy' });
  return model;
}

export function disposeModel(model: tf.LayersModel): void {
  const { optimizer } = model;
  model.dispose();
  optimizer.dispose();
}

export function checkpointOptions(
  filepath: NonNullable<EntropyCheckpointOptions['filepath']> | null,
  { monitor, averageWeights = false }: TrainingPlan,
): EntropyCheckpointOptions {
  return { filepath, monitor, averageWeights, maxToKeep: MAX_TO_KEEP, saveLast: filepath !== null };
}

/** Trains the epochs from `initialEpoch` up to the plan's last. */
export async function fit(
  model: tf.LayersModel,
  plan: TrainingPlan,
  initialEpoch: number,
  callbacks: tf.CustomCallback[],
): Promise<void> {
  const { x, y } = makeData(plan);
  try {
    await model.fit(x, y, {
      initialEpoch,
      epochs: plan.epochs,
      batchSize: 16,
      validationSplit: 0.25,
      // TensorFlow.js shuffles by Math.random, which takes no seed.
      shuffle: false,
      verbose: 0,
      callbacks,
    });
  } finally {
    tf.dispose([x, y]);
  }
}

/** Random inputs with unrelated labels: a network can only memorise them. */
function makeData({ layers, rows }: TrainingPlan): { x: tf.Tensor2D; y: tf.Tensor2D } {
  const numClasses = layers.at(-1) ?? 2;
  const labels = Array.from({ length: rows }, (_, i) => (i * i * 7 + (i >> 2)) % numClasses);
  return tf.tidy(() => ({
    x: tf.randomNormal<tf.Rank.R2>([rows, layers[0] ?? 1], 0, 1, 'float32', 11),
    y: tf.oneHot(tf.tensor1d(labels, 'int32'), numClasses) as tf.Tensor2D,
  }));
}
