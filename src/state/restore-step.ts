import type * as tf from '@tensorflow/tfjs';
import { StoredTensor, type TensorSource } from '../format/stored-tensor.js';

/** The tensor of a source, which must be in memory. The caller doesn't own it. */
export type TensorOf = (source: TensorSource) => tf.Tensor;

/** One part of restoring a state. */
export interface RestoreStep {
  /** What it needs in memory. */
  readonly sources: readonly TensorSource[];
  /** Synchronous, so that several steps are one change for all other code. */
  readonly apply: (tensorOf: TensorOf) => void;
}

/** Loads what `steps` need, one tensor after the other, and runs `use`. What was loaded is disposed afterwards. */
export async function withLoaded(
  steps: readonly RestoreStep[],
  use: (tensorOf: TensorOf) => void | Promise<void>,
): Promise<void> {
  const loaded = new Map<TensorSource, tf.Tensor>();
  try {
    for (const source of steps.flatMap(({ sources }) => sources)) {
      if (source instanceof StoredTensor && !loaded.has(source)) loaded.set(source, await source.load());
    }
    await use((source) => (source instanceof StoredTensor ? loaded.get(source)! : source));
  } finally {
    for (const tensor of loaded.values()) tensor.dispose();
  }
}
