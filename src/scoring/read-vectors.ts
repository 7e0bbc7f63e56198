import * as tf from '@tensorflow/tfjs';

/**
 * Reads scalars and vectors from the device, by one read for all of them.
 *
 * @param tensors numeric; the caller keeps them.
 * @returns the values of each.
 */
export async function readVectors(tensors: readonly tf.Tensor[]): Promise<number[][]> {
  if (tensors.length === 0) return [];
  const joined = tf.tidy(() => tf.concat(tensors.map(asVector)));
  try {
    const values = Array.from(await joined.data());
    return tensors.map(({ size }) => values.splice(0, size));
  } finally {
    joined.dispose();
  }
}

/** Joined tensors must be of one type, and a metric may be an int32. */
function asVector(tensor: tf.Tensor): tf.Tensor {
  // Even a cast to the type that it has, or a reshape to its own shape, would run an operation.
  const floats = tensor.dtype === 'float32' ? tensor : tf.cast(tensor, 'float32');
  return tensor.rank === 1 ? floats : tf.reshape(floats, [-1]);
}
