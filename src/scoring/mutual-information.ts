import * as tf from '@tensorflow/tfjs';
import { meanEntropy, type ConsensusStep } from './consensus-kernels.js';

/**
 * How much the predictions of an epoch depend on the row, computed on the device: the mutual information of row and
 * predicted class. It's the entropy of the mean probabilities minus the mean entropy of each row. A network that
 * predicts the same for every row has 0.
 *
 * @see Bridle, Heading, MacKay, Unsupervised Classifiers, Mutual Information and 'Phantom Targets', NIPS 1991
 */
export class MutualInformation {
  #means: ConsensusStep['means'] | null = null;
  #rows = 0;

  /** The means over the rows so far; null without rows. This object owns them. */
  get means(): ConsensusStep['means'] | null {
    return this.#means;
  }

  /** The weight that a batch of so many rows has among the rows so far and itself. */
  shareOf(batchRows: number): number {
    return batchRows / (this.#rows + batchRows);
  }

  /** Adds a batch of so many rows. @param means over all rows so far and those, kept; this object owns them from now on. */
  advance(means: ConsensusStep['means'], batchRows: number): void {
    this.#means?.dispose();
    this.#means = means;
    this.#rows += batchRows;
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
