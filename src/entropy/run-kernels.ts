import * as tf from '@tensorflow/tfjs';
import { composedRunningMean, composedTopKEntropy } from './composed.js';
import { RUNNING_MEAN } from './kernels/running-mean-kernel.js';
import { MAX_FUSED_K, TOP_K_ENTROPY } from './kernels/top-k-entropy-kernel.js';

/**
 * Top-k entropy on the current backend: by its fused kernel where that is registered (`all-kernels.ts`), else by
 * composed operations.
 *
 * @param predictions numeric `[..., numClasses]`; one class is the positive one of two.
 * @param k 1…numClasses.
 * @returns float32 `[rows]`; the caller disposes it.
 */
export function runTopKEntropy(predictions: tf.Tensor, k: number, fromLogits: boolean): tf.Tensor1D {
  return tf.tidy(() => {
    // Even a cast to the type that it has would copy it.
    const floats = predictions.dtype === 'float32' ? predictions : tf.cast(predictions, 'float32');
    const isFused = k <= MAX_FUSED_K || k === predictions.shape.at(-1);
    if (!isFused || !isRegistered(TOP_K_ENTROPY)) return composedTopKEntropy(floats, k, fromLogits);
    return tf.engine().runKernel<tf.Tensor1D>(TOP_K_ENTROPY, { predictions: floats }, { k, fromLogits });
  });
}

/**
 * One step of a running mean on the current backend: `mean` moved by `share` towards the mean of `values`.
 *
 * @param values float32 `[rows]`, one row or more.
 * @param mean what this returned for the batches before; null for the first.
 * @param share rows / rows so far; 1 for the first.
 * @returns float32 `[parts]`, whose sum is the mean; the caller disposes it.
 */
export function runRunningMean(values: tf.Tensor1D, mean: tf.Tensor1D | null, share: number): tf.Tensor1D {
  if (!isRegistered(RUNNING_MEAN)) return composedRunningMean(values, mean, share);
  const inputs: tf.NamedTensorMap = mean === null ? { values } : { values, mean };
  return tf.engine().runKernel<tf.Tensor1D>(RUNNING_MEAN, inputs, { share });
}

function isRegistered(kernelName: string): boolean {
  return (tf.getKernel(kernelName, tf.getBackend()) as tf.KernelConfig | undefined) !== undefined;
}
