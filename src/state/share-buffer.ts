import * as tf from '@tensorflow/tfjs';

/**
 * A tensor that shares the buffer of `source` and outlives it, also out of a `tidy`.
 *
 * Nothing is copied: a variable that is assigned to gets a new buffer, so this one keeps the old value.
 * (`clone` would do on most backends, but wasm's copies every byte; its `reshape` does not.)
 *
 * @returns the caller disposes it.
 */
export function shareBuffer<T extends tf.Tensor>(source: T): T {
  return tf.keep(tf.reshape(source, source.shape)) as T;
}
