import * as tf from '@tensorflow/tfjs';

/**
 * A tensor that shares the buffer of `source` and outlives it, also out of a `tidy`.
 *
 * Nothing is copied: a variable that is assigned to gets a new buffer, so this one keeps the old value.
 *
 * @returns the caller disposes it.
 */
export function shareBuffer<T extends tf.Tensor>(source: T): T {
  // wasm's `clone` copies every byte, its `reshape` does not; that of tfjs-node is an operation of TensorFlow's.
  return tf.keep(tf.getBackend() === 'wasm' ? (tf.reshape(source, source.shape) as T) : tf.clone(source));
}
