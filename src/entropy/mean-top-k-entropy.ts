import type * as tf from '@tensorflow/tfjs';
import { valuesInMemory } from '../platform/backend-memory.js';
import { meanOf } from './kernels/running-mean-kernel.js';
import { MAX_VALUES_IN_JAVASCRIPT } from './kernels/tensorflow.js';
import { isFused, rowsAndClasses } from './kernels/top-k-entropy-kernel.js';
import { topKEntropyRows } from './row-entropy.js';

/** A mean that JavaScript has computed. */
class MeanInMemory {
  constructor(
    readonly mean: number,
    readonly rows: number,
  ) {}

  dispose(): void {
    // Has no tensor.
  }
}

/** What it was computed from, for the next batch of as many rows: an allocation takes longer than a few rows. */
let entropies = new Float32Array(0);

/**
 * The mean top-k entropy of a batch, without a tensor, where JavaScript can read the backend's memory: a call of the engine
 * takes as long as the scan of 128 rows of ten classes.
 *
 * @param predictions `[..., numClasses]`; a single class is the positive class of two. The caller keeps it.
 * @param k 1…numClasses.
 * @returns null elsewhere.
 */
export function meanTopKEntropy(predictions: tf.Tensor, k: number, fromLogits: boolean): MeanInMemory | null {
  const { numRows, numClasses } = rowsAndClasses(predictions);
  const values = isFused(k, numClasses) ? valuesInMemory(predictions, MAX_VALUES_IN_JAVASCRIPT) : null;
  if (values === null) return null;
  if (entropies.length !== numRows) entropies = new Float32Array(numRows);
  topKEntropyRows(values, numClasses, k, fromLogits, entropies);
  return new MeanInMemory(Math.fround(meanOf(entropies)), numRows);
}
