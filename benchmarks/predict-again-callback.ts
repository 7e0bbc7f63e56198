import * as tf from '@tensorflow/tfjs';

/**
 * What one writes without this package: at the end of each epoch, all data is predicted once more.
 *
 * @param parts inputs of training and of validation; they stay the caller's.
 */
export function predictAgainCallback(
  model: tf.LayersModel,
  parts: readonly tf.Tensor2D[],
  batchSize: number,
): tf.CustomCallback {
  const entropies: number[] = [];
  return new tf.CustomCallback({
    onEpochEnd: () => {
      const mean = tf.tidy(() => {
        const predicted = parts.map((part) => model.predict(part, { batchSize }) as tf.Tensor2D);
        const { values } = tf.topk(tf.concat2d(predicted, 0), 2);
        return values.mul(values.add(1e-10).log()).sum(-1).neg().mean();
      });
      entropies.push(mean.dataSync<'float32'>()[0] ?? NaN);
      mean.dispose();
    },
  });
}
