import type * as tf from '@tensorflow/tfjs';

/**
 * The name under which the fused kernels are registered with tfjs. It ends in the version of their contract: two copies
 * of this package in one process share tfjs's registry, and both use the kernels of the copy that loads first.
 */
export const TOP_K_ENTROPY = 'EntropyCheckpointTopKEntropy1';

/** The inputs of a top-k entropy kernel, which returns float32 `[rows]`. */
export interface TopKEntropyInputs extends tf.NamedTensorInfoMap {
  /** float32 `[..., numClasses]`; a single class is the positive class of two. */
  predictions: tf.TensorInfo;
}

/**
 * The largest k for which a fused kernel is used, apart from k = numClasses. For k above 2 a kernel passes over the row
 * up to k more times, so a sort is better for a large k.
 */
export const MAX_FUSED_K = 16;

/** Whether a fused kernel is used. */
export function isFused(k: number, numClasses: number | undefined): boolean {
  return k <= MAX_FUSED_K || k === numClasses;
}

export interface TopKEntropyAttrs extends tf.NamedAttrMap {
  /** 1…`MAX_FUSED_K`, or numClasses. */
  k: number;
  /** Whether softmax is applied first. */
  fromLogits: boolean;
}

/** The number of rows and classes of predictions of any rank. */
export function rowsAndClasses({ shape }: tf.TensorInfo): { numRows: number; numClasses: number } {
  const numRows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  return { numRows, numClasses: shape.at(-1) ?? 0 };
}
