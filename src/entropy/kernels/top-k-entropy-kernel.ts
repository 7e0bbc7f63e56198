import type * as tf from '@tensorflow/tfjs';

/** Name under which the fused kernels are registered with tfjs. */
export const TOP_K_ENTROPY = 'EntropyCheckpointTopKEntropy';

/** `predictions` is float32 `[numRows, numClasses]`; the kernel returns float32 `[numRows]`. */
export interface TopKEntropyInputs extends tf.NamedTensorInfoMap {
  predictions: tf.TensorInfo;
}

/** `k`: 1…numClasses. `fromLogits`: softmax is applied first. */
export interface TopKEntropyAttrs extends tf.NamedAttrMap {
  k: number;
  fromLogits: boolean;
}
