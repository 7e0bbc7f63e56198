import * as tf from '@tensorflow/tfjs';

/** Added to every probability before its logarithm, as in the original implementation: keeps 0·ln 0 finite. */
export const EPSILON = 1e-10;

/**
 * Top-k entropy composed of TensorFlow.js operations, for a backend without a fused kernel.
 *
 * @param predictions float32 `[..., numClasses]`; a single class is the positive class of two.
 * @returns float32 `[rows]`; the caller disposes it.
 */
export function composedTopKEntropy(predictions: tf.Tensor, k: number, fromLogits: boolean): tf.Tensor1D {
  return tf.tidy(() => {
    // Several backends can't run top-k on an empty tensor.
    if (predictions.size === 0) return tf.zeros([0]);
    const classes = predictions.shape.at(-1) === 1 ? bothClasses(predictions, fromLogits) : predictions;
    const rows = tf.reshape(classes, [-1, classes.shape.at(-1)!]);
    const probabilities = fromLogits ? tf.softmax(rows) : rows;
    const { values } = tf.topk(probabilities, k);
    const terms = tf.mul(values, tf.log(tf.add(values, EPSILON)));
    // In half precision the epsilon rounds to 0, and 0·ln 0 is NaN.
    const entropy = tf.neg(tf.sum(tf.where(tf.equal(values, 0), 0, terms), -1));
    // Top-k may drop a NaN. Softmax has already spread it over the row; for probabilities, the sum restores it.
    const nanOrZero = tf.mul(tf.sum(probabilities, -1), 0);
    return tf.add<tf.Tensor1D>(entropy, nanOrZero);
  });
}

/**
 * One step of a running mean, composed of TensorFlow.js operations: moves `mean` by `share` towards the mean of
 * `values`.
 *
 * @param values float32 `[rows]`.
 * @param mean float32 `[1]`; null for the first batch.
 * @returns float32 `[1]`; the caller disposes it.
 */
export function composedRunningMean(
  values: tf.Tensor1D,
  mean: tf.Tensor1D | null,
  share: number,
): tf.Tensor1D {
  return tf.tidy(() => {
    const batchMean = tf.mean<tf.Tensor1D>(values, 0, true);
    if (mean === null) return batchMean;
    return tf.add<tf.Tensor1D>(tf.mul(mean, 1 - share), tf.mul(batchMean, share));
  });
}

/** `[..., 1]` → `[..., 2]`: p becomes (p, 1 − p). A logit z becomes (z, 0), whose softmax is (p, 1 − p). */
export function bothClasses(positive: tf.Tensor, fromLogits: boolean): tf.Tensor {
  const negative = fromLogits ? tf.zerosLike(positive) : tf.sub(1, positive);
  return tf.concat([positive, negative], -1);
}
