import * as tf from '@tensorflow/tfjs';
import { runTopKEntropy } from '../entropy/run-kernels.js';

/**
 * How much the predictions of an epoch depend on the row, computed on the device: the mutual information of row and
 * predicted class. It's the entropy of the mean probabilities minus the mean entropy of each row. A network that
 * predicts the same for every row has 0.
 *
 * @see Bridle, Heading, MacKay, Unsupervised Classifiers, Mutual Information and 'Phantom Targets', NIPS 1991
 */
export class MutualInformation {
  /** float32 `[numClasses + 1]`: the mean probabilities, then the mean entropy. */
  #means: tf.Tensor1D | null = null;
  #rows = 0;

  /** Adds a batch. @param probabilities float32 `[rows, numClasses]`; the caller keeps it. */
  append(probabilities: tf.Tensor2D): void {
    const previous = this.#means;
    const batchRows = probabilities.shape[0];
    const rows = this.#rows + batchRows;
    this.#means = tf.keep(
      tf.tidy(() => {
        const means = tf.concat1d([tf.mean(probabilities, 0), meanEntropy(probabilities)]);
        // A mean: a sum would overflow on a half-precision device.
        return previous === null
          ? means
          : tf.add(previous, tf.mul(tf.sub(means, previous), batchRows / rows));
      }),
    );
    this.#rows = rows;
    previous?.dispose();
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
   * @returns float32 `[1]`, kept: the information as a share of its maximum, ln numClasses; 0…1 except for rounding.
   *   The caller disposes it. null without rows.
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
  const entropyOfMean = meanEntropy(tf.reshape(tf.slice1d(means, 0, numClasses), [1, numClasses]));
  const information = tf.sub<tf.Tensor1D>(entropyOfMean, tf.slice1d(means, numClasses, 1));
  return tf.div<tf.Tensor1D>(information, Math.log(numClasses));
}

/** The mean entropy of rows of probabilities: float32 `[1]`, in nats. */
function meanEntropy(probabilities: tf.Tensor2D): tf.Tensor1D {
  return tf.mean<tf.Tensor1D>(runTopKEntropy(probabilities, probabilities.shape[1], false), 0, true);
}
