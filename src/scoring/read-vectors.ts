import * as tf from '@tensorflow/tfjs';

/**
 * Reads scalars and vectors from the device, with a single read.
 *
 * @param tensors numeric; the caller keeps them.
 * @returns the values of each tensor.
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

/** A float32 vector: joined tensors must have the same type, and a metric may be int32. */
function asVector(tensor: tf.Tensor): tf.Tensor {
  // A cast to the same type, or a reshape to the same shape, would still run an operation.
  const floats = tensor.dtype === 'float32' ? tensor : tf.cast(tensor, 'float32');
  return tensor.rank === 1 ? floats : tf.reshape(floats, [-1]);
}
