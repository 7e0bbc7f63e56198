import type * as tf from '@tensorflow/tfjs';

/** Name under which the fused kernels are registered with tfjs. */
export const TOP_K_ENTROPY = 'EntropyCheckpointTopKEntropy';

/**
 * `predictions` is float32 `[..., numClasses]`, where one class is the positive one of two; the kernel
 * returns float32 `[rows]`.
 */
export interface TopKEntropyInputs extends tf.NamedTensorInfoMap {
  predictions: tf.TensorInfo;
}

/** `k`: 1…numClasses. `fromLogits`: softmax is applied first. */
export interface TopKEntropyAttrs extends tf.NamedAttrMap {
  k: number;
  fromLogits: boolean;
}

/** Rows and classes of predictions of any rank. */
export function rowsAndClasses({ shape }: tf.TensorInfo): { numRows: number; numClasses: number } {
  const numRows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  return { numRows, numClasses: shape.at(-1) ?? 0 };
}
