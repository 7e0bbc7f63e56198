import type * as tf from '@tensorflow/tfjs';

/** The name under which running mean kernels are registered with tfjs. It ends in the version of their contract. */
export const RUNNING_MEAN = 'EntropyCheckpointRunningMean1';

/** The inputs of a running mean kernel, which returns the new `mean`. */
export interface RunningMeanInputs extends tf.NamedTensorInfoMap {
  /** One batch: float32 `[rows]`. */
  values: tf.TensorInfo;
  /**
   * The kernel's result for the batches before: float32 `[parts]`, whose sum is the mean. Absent for the first batch.
   * There's one part, or two on a device with half precision: one half-precision number would lose the small share of a
   * late batch.
   */
  mean?: tf.TensorInfo;
}

export interface RunningMeanAttrs extends tf.NamedAttrMap {
  /** The weight of this batch: its rows / all rows so far; 1 for the first batch. */
  share: number;
}

export function meanOf(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** `previous` moved by `share` towards the mean of a batch; that mean itself for the first batch. */
export function movedMean(previous: number | null, batchMean: number, share: number): number {
  return previous === null ? batchMean : previous + (batchMean - previous) * share;
}
