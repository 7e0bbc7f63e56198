import type * as tf from '@tensorflow/tfjs';
import { checkOptions, isBoolean, isIntegerFrom, type OptionCheck } from '../check-options.js';
import './all-kernels.js';
import { checkPredictions } from './check-arguments.js';
import { runTopKEntropy } from './run-kernels.js';

/** Options of `topKEntropy`. All are optional. */
export interface TopKEntropyOptions {
  /** How many of the largest probabilities count; an integer, 1…numClasses. @default 2 */
  k?: number;
  /** Whether `predictions` are logits; softmax is applied to them. @default true */
  fromLogits?: boolean;
}

/**
 * Entropy of the k largest class probabilities of each row: −Σ pᵢ·ln(pᵢ + 1e-10), not renormalised.
 *
 * It runs on the current backend and reads nothing back. Where the backend has a fused kernel, it runs that; else it
 * runs composed operations. It's a measure, not a loss: no gradient flows through it.
 *
 * @param predictions numeric `[..., numClasses]`, rank 1 or more: the last axis holds the classes, all others are rows.
 *   The caller keeps it.
 * @returns float32 `[rows]` in nats: 0…2/e for k = 2, 0…ln 2 with two classes, 0…1/e for k = 1. A row with a NaN gives
 *   NaN. The caller disposes it.
 * @throws EntropyCheckpointError `ENTROPY_INVALID_PREDICTIONS` for rank 0, fewer than 2 classes or a dtype that isn't
 *   numeric; `ENTROPY_INVALID_OPTION`.
 * @example
 * const entropies = topKEntropy(tf.zeros([2, 10])); // [0.4605, 0.4605]
 * @see OpenReview uv35Ndww94, "Preventing Overfitting on Noisy Labels Through Adaptive Checkpointing"
 */
export function topKEntropy(predictions: tf.Tensor, options: TopKEntropyOptions = {}): tf.Tensor1D {
  checkOptions(options, checksFor(checkPredictions(predictions, 2)));
  const { k = 2, fromLogits = true } = options;
  return runTopKEntropy(predictions, k, fromLogits);
}

function checksFor(numClasses: number): Readonly<Record<keyof TopKEntropyOptions, OptionCheck>> {
  return {
    k: [
      (k) => isIntegerFrom(1)(k) && (k as number) <= numClasses,
      `an integer from 1 to the number of classes (${numClasses})`,
    ],
    fromLogits: [isBoolean, 'true or false'],
  };
}
