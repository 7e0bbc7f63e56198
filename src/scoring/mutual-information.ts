import * as tf from '@tensorflow/tfjs';
import { runTopKEntropy } from '../entropy/run-kernels.js';

/**
 * How much the predictions of an epoch depend on the row, counted on the device: the mutual information of row
 * and predicted class. It's the entropy of the mean probabilities minus the mean entropy of all probabilities,
 * and 0 for a network that predicts the same for every row.
 *
 * @see Bridle, Heading, MacKay, Unsupervised Classifiers, Mutual Information and 'Phantom Targets', NIPS 1991
 */
export class MutualInformation {
  /** float32 `[numClasses + 1]`: the mean probabilities, then the mean entropy. */
  #means: tf.Tensor1D | null = null;
  #rows = 0;

  /** Adds a batch. @param probabilities float32 `[rows, numClasses]`; the caller keeps it. */
  append(probabilities: tf.Tensor2D): void {
    const former = this.#means;
    const batchRows = probabilities.shape[0];
    const rows = this.#rows + batchRows;
    this.#means = tf.keep(
      tf.tidy(() => {
        const means = tf.concat1d([tf.mean(probabilities, 0), meanEntropy(probabilities)]);
        // A mean and not a sum, so that a half-precision device doesn't overflow.
        return former === null ? means : tf.add(former, tf.mul(tf.sub(means, former), batchRows / rows));
      }),
    );
    this.#rows = rows;
    former?.dispose();
  }

  /** Discards the epoch. */
  reset(): void {
    this.#means?.dispose();
    this.#means = null;
    this.#rows = 0;
  }

  /**
   * Ends the epoch and begins the next.
   *
   * @returns float32 `[1]`, 0…1 but for rounding: a share of the maximum, ln numClasses. Kept; the caller
   *   disposes it. null without rows.
   */
  detach(): tf.Tensor1D | null {
    const means = this.#means;
    if (means === null) return null;
    const information = tf.keep(tf.tidy(() => informationOf(means)));
    this.reset();
    return information;
  }
}

function informationOf(means: tf.Tensor1D): tf.Tensor1D {
  const numClasses = means.size - 1;
  const ofMean = meanEntropy(tf.reshape(tf.slice1d(means, 0, numClasses), [1, numClasses]));
  const information = tf.sub<tf.Tensor1D>(ofMean, tf.slice1d(means, numClasses, 1));
  return tf.div<tf.Tensor1D>(information, Math.log(numClasses));
}

/** The mean entropy of rows of probabilities, in nats, `[1]`. */
function meanEntropy(probabilities: tf.Tensor2D): tf.Tensor1D {
  return tf.mean<tf.Tensor1D>(runTopKEntropy(probabilities, probabilities.shape[1], false), 0, true);
}
