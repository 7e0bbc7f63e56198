import type * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../errors.js';
import './all-kernels.js';
import { checkK, checkPredictions } from './check-arguments.js';
import { runTopKEntropy } from './run-kernels.js';

/** Options of `topKEntropy`. */
export interface TopKEntropyOptions {
  /** How many of the largest probabilities count; an integer, 1…numClasses. @default 2 */
  k?: number;
  /** Whether `predictions` are logits; softmax is applied to them. @default true */
  fromLogits?: boolean;
}

/**
 * Entropy of the k largest class probabilities of each row: −Σ pᵢ·ln(pᵢ + 1e-10), not renormalised.
 *
 * Runs on the current backend, as one fused kernel where there is one, else as composed operations, and
 * reads nothing back. It is a measure, not a loss: no gradient flows through it.
 *
 * @param predictions numeric `[..., numClasses]`, rank 1 or more: the last axis is the classes, all
 *   others are rows. The caller keeps it.
 * @returns float32 `[rows]` in nats: 0…2/e for k = 2, 0…ln 2 with two classes, 0…1/e for k = 1; NaN for
 *   a row that holds a NaN. The caller disposes it.
 * @throws EntropyCheckpointError `ENTROPY_INVALID_PREDICTIONS` for rank 0, fewer than 2 classes or a
 *   dtype that is not numeric; `ENTROPY_INVALID_OPTION` for a `k` that is not an integer in 1…numClasses.
 * @see OpenReview uv35Ndww94, "Preventing Overfitting on Noisy Labels Through Adaptive Checkpointing"
 */
export function topKEntropy(predictions: tf.Tensor, options: TopKEntropyOptions = {}): tf.Tensor1D {
  const { k = 2, fromLogits = true } = options;
  const numClasses = checkPredictions(predictions, 2);
  checkK(k, numClasses);
  if (typeof fromLogits !== 'boolean') {
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_OPTION',
      `Expected \`fromLogits\` to be true or false, got ${String(fromLogits)}.`,
    );
  }
  return runTopKEntropy(predictions, k, fromLogits);
}
