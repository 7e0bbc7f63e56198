import type * as tf from '@tensorflow/tfjs';

/** Name under which the kernels that move a running mean are registered with tfjs, with the contract's number. */
export const RUNNING_MEAN = 'EntropyCheckpointRunningMean1';

/**
 * `values` is float32 `[rows]`, of one batch. `mean`, absent with the first batch, is what the kernel
 * returned for the batches before: float32 `[parts]`, whose sum is the mean. One part, but on a device of
 * half precision, where one number could not take in the small share of a late batch.
 */
export interface RunningMeanInputs extends tf.NamedTensorInfoMap {
  values: tf.TensorInfo;
  mean?: tf.TensorInfo;
}

/** `share`: what this batch counts, rows / rows so far; 1 for the first. */
export interface RunningMeanAttrs extends tf.NamedAttrMap {
  share: number;
}

/** The mean of `values`, or `former` moved by their share. */
export function movedMean(values: Float32Array, former: number | undefined, share: number): number {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  return former === undefined ? mean : former + (mean - former) * share;
}
