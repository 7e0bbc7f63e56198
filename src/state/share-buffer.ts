import * as tf from '@tensorflow/tfjs';

/**
 * A tensor that shares the buffer of `source` and outlives it, also outside a `tidy`.
 *
 * Nothing is copied: assigning to a variable gives it a new buffer, so this tensor keeps the old value.
 *
 * @returns the caller disposes it.
 */
export function shareBuffer<T extends tf.Tensor>(source: T): T {
  // On wasm `clone` copies every byte and `reshape` none. On tfjs-node `reshape` runs an operation and `clone` none.
  return tf.keep(tf.getBackend() === 'wasm' ? (tf.reshape(source, source.shape) as T) : tf.clone(source));
}
