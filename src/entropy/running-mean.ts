import * as tf from '@tensorflow/tfjs';

/** The mean of the rows of one batch, or of more, and how many they are. */
export interface BatchMean {
  /** float32, on the device; kept, so that it outlives a `tidy`. */
  readonly mean: tf.Scalar;
  readonly rows: number;
}

/**
 * Mean over rows that come batch by batch, as one scalar on the device: constant size, nothing read back.
 *
 * A mean and not a sum, so that a half-precision device does not overflow. Each batch moves the mean by
 * its share of the rows so far, `mean·(1 − w) + batchMean·w` with `w = batchRows / rows`.
 */
export class RunningMean {
  #mean: tf.Scalar | null = null;
  #rows = 0;

  /** Rows seen since the last reset. */
  get rows(): number {
    return this.#rows;
  }

  /** Takes a batch in, and disposes it. */
  add({ mean, rows }: BatchMean): void {
    const previous = this.#mean;
    this.#rows += rows;
    if (previous === null) {
      this.#mean = mean;
      return;
    }
    const share = rows / this.#rows;
    const next = tf.tidy(() => tf.add<tf.Scalar>(tf.mul(previous, 1 - share), tf.mul(mean, share)));
    this.#mean = tf.keep(next);
    tf.dispose([previous, mean]);
  }

  /** Hands the mean over, null without rows, and begins anew. The caller disposes it. */
  detach(): BatchMean | null {
    const detached = this.#mean === null ? null : { mean: this.#mean, rows: this.#rows };
    this.#mean = null;
    this.#rows = 0;
    return detached;
  }

  reset(): void {
    this.detach()?.mean.dispose();
  }
}
