import * as tf from '@tensorflow/tfjs';

/**
 * A callback as users write it without this package: at the end of each epoch, it predicts all data again.
 *
 * @param parts inputs of training and validation. The caller disposes them.
 */
export function predictAgainCallback(
  model: tf.LayersModel,
  parts: readonly tf.Tensor[],
  batchSize: number,
): tf.CustomCallback {
  const entropies: number[] = [];
  return new tf.CustomCallback({
    onEpochEnd: async () => {
      const mean = tf.tidy(() => {
        const predicted = parts.map((part) => model.predict(part, { batchSize }) as tf.Tensor);
        return meanEntropy(tf.concat(predicted));
      });
      entropies.push((await mean.data())[0] ?? NaN);
      mean.dispose();
    },
  });
}

/** @param probabilities `[..., numClasses]`. */
export function meanEntropy(probabilities: tf.Tensor): tf.Scalar {
  return tf.tidy(() => {
    const { values } = tf.topk(probabilities, 2);
    return values.mul(values.add(1e-10).log()).sum(-1).neg().mean();
  });
}
