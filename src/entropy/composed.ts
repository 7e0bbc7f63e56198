import * as tf from '@tensorflow/tfjs';
import { EPSILON } from './row-entropy.js';

/**
 * Top-k entropy from tfjs's own operations, for a backend without a fused kernel.
 *
 * @param predictions float32 `[rows, numClasses]`.
 * @returns float32 `[rows]`; the caller disposes it.
 */
export function composedTopKEntropy(predictions: tf.Tensor2D, k: number, fromLogits: boolean): tf.Tensor1D {
  return tf.tidy(() => {
    const [numRows] = predictions.shape;
    // Several backends cannot run top-k on an empty tensor.
    if (numRows === 0) return tf.zeros([0]);
    const probabilities = fromLogits ? tf.softmax(predictions) : predictions;
    const { values } = tf.topk(probabilities, k);
    const entropy = tf.neg(tf.sum(tf.mul(values, tf.log(tf.add(values, EPSILON))), -1));
    // A sort may pass a NaN by; softmax has spread it over the row already, for probabilities the sum does.
    const nanOrZero = tf.mul(tf.sum(probabilities, -1), 0);
    return tf.add<tf.Tensor1D>(entropy, nanOrZero);
  });
}
