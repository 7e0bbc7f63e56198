import type * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../errors.js';

/**
 * @returns the number of classes.
 * @throws EntropyCheckpointError `ENTROPY_INVALID_PREDICTIONS`.
 */
export function checkPredictions(predictions: tf.Tensor, minClasses: number): number {
  const { rank, shape, dtype } = predictions;
  const numClasses = shape[rank - 1] ?? 0;
  const numeric = dtype === 'float32' || dtype === 'int32' || dtype === 'bool';
  if (rank < 1 || numClasses < minClasses || !numeric) {
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_PREDICTIONS',
      `Expected \`predictions\` to be a numeric tensor [..., numClasses] with ${minClasses} or more classes, ` +
        `got ${dtype} [${shape.join(', ')}].`,
    );
  }
  return numClasses;
}

/** @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION`. */
export function checkK(k: number, numClasses: number): void {
  if (!Number.isInteger(k) || k < 1 || k > numClasses) {
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_OPTION',
      `Expected \`k\` to be an integer from 1 to the number of classes (${numClasses}), got ${k}.`,
    );
  }
}
