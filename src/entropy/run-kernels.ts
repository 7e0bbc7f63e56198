import * as tf from '@tensorflow/tfjs';
import { isRegistered } from '../tfjs-internals.js';
import { composedRunningMean, composedTopKEntropy } from './composed.js';
import { RUNNING_MEAN } from './kernels/running-mean-kernel.js';
import { isFused, TOP_K_ENTROPY } from './kernels/top-k-entropy-kernel.js';

/**
 * Top-k entropy on the current backend. It uses the fused kernel where `all-kernels.ts` has registered one, else
 * composed operations.
 *
 * @param predictions numeric `[..., numClasses]`; a single class is the positive class of two.
 * @param k 1…numClasses.
 * @returns float32 `[rows]`; the caller disposes it.
 */
export function runTopKEntropy(predictions: tf.Tensor, k: number, fromLogits: boolean): tf.Tensor1D {
  return tf.tidy(() => {
    // A cast to the same type would still copy the tensor.
    const floats = predictions.dtype === 'float32' ? predictions : tf.cast(predictions, 'float32');
    if (!isFused(k, predictions.shape.at(-1)) || !isRegistered(TOP_K_ENTROPY, tf.getBackend()))
      return composedTopKEntropy(floats, k, fromLogits);
    return tf.engine().runKernel<tf.Tensor1D>(TOP_K_ENTROPY, { predictions: floats }, { k, fromLogits });
  });
}

/**
 * One step of a running mean on the current backend: moves `mean` by `share` towards the mean of `values`.
 *
 * @param values float32 `[rows]`, at least one row.
 * @param mean the result for the batches before; null for the first.
 * @param share this batch's rows / all rows so far; 1 for the first batch.
 * @returns float32 `[parts]`, whose sum is the mean; the caller disposes it.
 */
export function runRunningMean(values: tf.Tensor1D, mean: tf.Tensor1D | null, share: number): tf.Tensor1D {
  if (!isRegistered(RUNNING_MEAN, tf.getBackend())) return composedRunningMean(values, mean, share);
  const inputs: tf.NamedTensorMap = mean === null ? { values } : { values, mean };
  return tf.engine().runKernel<tf.Tensor1D>(RUNNING_MEAN, inputs, { share });
}
