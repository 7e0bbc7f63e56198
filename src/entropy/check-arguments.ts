import * as tf from '@tensorflow/tfjs';
import { describeValue, invalidOption } from '../check-options.js';
import { EntropyCheckpointError } from '../errors.js';

/**
 * Checks that predictions can be scored.
 *
 * @param predictions callers in JavaScript may pass anything.
 * @returns the number of classes.
 * @throws EntropyCheckpointError `ENTROPY_INVALID_PREDICTIONS`.
 */
export function checkPredictions(predictions: tf.Tensor, minClasses: number): number {
  if (!(predictions instanceof tf.Tensor)) throw invalidPredictions(minClasses, describeValue(predictions));
  const { rank, shape, dtype } = predictions;
  const numClasses = shape[rank - 1] ?? 0;
  const isNumeric = dtype === 'float32' || dtype === 'int32' || dtype === 'bool';
  if (rank >= 1 && numClasses >= minClasses && isNumeric) return numClasses;
  throw invalidPredictions(minClasses, `${dtype} [${shape.join(', ')}]`);
}

/**
 * Checks that k is from 1 to the number of classes.
 *
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION`.
 */
export function checkK(k: number, numClasses: number): void {
  if (Number.isInteger(k) && k >= 1 && k <= numClasses) return;
  throw invalidOption(
    `Expected \`k\` to be an integer from 1 to the number of classes (${numClasses}), got ${k}.`,
  );
}

function invalidPredictions(minClasses: number, got: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_INVALID_PREDICTIONS',
    `Expected \`predictions\` to be a numeric tensor [..., numClasses] with ${minClasses} or more classes, got ${got}.`,
  );
}
