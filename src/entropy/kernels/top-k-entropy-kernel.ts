import type * as tf from '@tensorflow/tfjs';

/**
 * Name under which the fused kernels are registered with tfjs. It ends in the number of the contract: two
 * copies of this package in one process share tfjs's registry, and the first to come is there for both.
 */
export const TOP_K_ENTROPY = 'EntropyCheckpointTopKEntropy1';

/**
 * `predictions` is float32 `[..., numClasses]`, where one class is the positive one of two; the kernel
 * returns float32 `[rows]`.
 */
export interface TopKEntropyInputs extends tf.NamedTensorInfoMap {
  predictions: tf.TensorInfo;
}

/**
 * Largest k that a fused kernel is asked for, other than numClasses: it passes over the row once more for
 * each of more than two, where a sort would not.
 */
export const MAX_FUSED_K = 16;

/** `k`: 1…`MAX_FUSED_K`, or numClasses. `fromLogits`: softmax is applied first. */
export interface TopKEntropyAttrs extends tf.NamedAttrMap {
  k: number;
  fromLogits: boolean;
}

/** Rows and classes of predictions of any rank. */
export function rowsAndClasses({ shape }: tf.TensorInfo): { numRows: number; numClasses: number } {
  const numRows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  return { numRows, numClasses: shape.at(-1) ?? 0 };
}
