import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, type EntropyCheckpointOptions } from '../../src/index.js';
import { makeData, makeModel } from './fixtures.js';

export const FIT = { epochs: 4, batchSize: 8, validationSplit: 0.25, shuffle: false, verbose: 0 };

/** Everything that `fit` calls of a callback. */
export const HOOKS = [
  'onTrainBegin',
  'onEpochBegin',
  'onBatchBegin',
  'onBatchEnd',
  'onEpochEnd',
  'onTrainEnd',
] as const;

/** A callback with a single hook. @param act gets an index of an epoch or batch, but for the hooks of the training. */
export function callbackWith(
  hook: (typeof HOOKS)[number],
  act: (index: number, logs: tf.Logs) => unknown,
): tf.CustomCallback {
  const callback = new tf.CustomCallback({});
  callback[hook] = async (index?: unknown, logs?: unknown) => {
    await act(index as number, logs as tf.Logs);
  };
  return callback;
}

/**
 * Sets the weights so that every prediction is the softmax of `[2, 1, 0, 0]`·scale. A smaller scale is less certain.
 */
export function setConfidence(model: tf.LayersModel, scale: number): void {
  tf.tidy(() => {
    for (const weight of model.weights)
      (weight.read() as tf.Variable).assign(tf.fill(weight.shape as number[], 0));
    const bias = model.weights.at(-1)!.read() as tf.Variable;
    bias.assign(tf.tensor1d([2, 1, 0, 0].map((value) => value * scale)));
  });
}

/** Trains with a learning rate of 0, and sets the weights before each epoch. So the entropy of each epoch is known. */
export async function fitWithConfidences(
  scales: readonly number[],
  options: EntropyCheckpointOptions,
  others: readonly tf.CustomCallback[] = [],
): Promise<{ checkpoint: EntropyCheckpointCallback; model: tf.Sequential; history: tf.History }> {
  const model = makeModel(tf.train.sgd(0));
  const { x, y } = makeData(24);
  const checkpoint = new EntropyCheckpointCallback({ filepath: null, ...options });
  const set = callbackWith('onEpochBegin', (epoch) => {
    setConfidence(model, scales[epoch]!);
  });
  const history = await model.fit(x, y, {
    ...FIT,
    epochs: scales.length,
    callbacks: [set, checkpoint, ...others],
  });
  return { checkpoint, model, history };
}
