import * as tf from '@tensorflow/tfjs';
import { runTopKEntropy } from '../entropy/run-kernels.js';

/** What an epoch has come to, still on the device. */
export interface DetachedInformation {
  /** float32 `[numClasses + 1]`: the mean probabilities, then the mean entropy. Kept; the caller's. */
  readonly means: tf.Tensor1D;
  readonly rows: number;
}

/**
 * How much the predictions of an epoch depend on the row: the mutual information of row and predicted class,
 * which is the entropy of the mean probabilities less the mean entropy of all probabilities. 0 for a network
 * that predicts the same for every row.
 *
 * @see Bridle, Heading, MacKay, Unsupervised Classifiers, Mutual Information and 'Phantom Targets', NIPS 1991
 */
export class PredictedInformation {
  #means: tf.Tensor1D | null = null;
  #rows = 0;

  /** Counts a batch in. @param probabilities float32 `[rows, numClasses]`; the caller keeps it. */
  append(probabilities: tf.Tensor2D): void {
    const rows = probabilities.shape[0];
    this.#move(() => tf.concat1d([tf.mean(probabilities, 0), meanEntropy(probabilities)]), rows);
  }

  /** Forgets the epoch. */
  reset(): void {
    this.detach()?.means.dispose();
  }

  /** Hands the epoch over, null without rows, and begins the next. */
  detach(): DetachedInformation | null {
    const detached = this.#means === null ? null : { means: this.#means, rows: this.#rows };
    this.#means = null;
    this.#rows = 0;
    return detached;
  }

  /** Takes back what `detach` has given, and disposes it; rows may have come meanwhile. */
  reattach({ means, rows }: DetachedInformation): void {
    this.#move(() => tf.clone(means), rows);
    means.dispose();
  }

  /** A mean and not a sum, so that a half-precision device does not overflow. */
  #move(meansOf: () => tf.Tensor1D, rows: number): void {
    const former = this.#means;
    const rowsSoFar = this.#rows + rows;
    this.#means = tf.keep(
      tf.tidy(() => {
        const means = meansOf();
        return former === null ? means : tf.add(former, tf.mul(tf.sub(means, former), rows / rowsSoFar));
      }),
    );
    this.#rows = rowsSoFar;
    former?.dispose();
  }
}

/** As a share of the largest possible, ln numClasses: 0…1 but for rounding, a scalar. The caller disposes it. */
export function informationOf({ means }: DetachedInformation): tf.Scalar {
  const numClasses = means.size - 1;
  return tf.tidy(() => {
    const ofMean = meanEntropy(tf.reshape(tf.slice1d(means, 0, numClasses), [1, numClasses]));
    const information = tf.sub(ofMean, tf.slice1d(means, numClasses, 1));
    return tf.reshape<tf.Rank.R0>(tf.div(information, Math.log(numClasses)), []);
  });
}

/** Of rows of probabilities, in nats, `[1]`. */
function meanEntropy(probabilities: tf.Tensor2D): tf.Tensor1D {
  return tf.mean<tf.Tensor1D>(runTopKEntropy(probabilities, probabilities.shape[1], false), 0, true);
}
