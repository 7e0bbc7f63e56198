import * as tf from '@tensorflow/tfjs';
import { runRunningMean } from './run-kernels.js';

/** The mean of all rows of a phase, still on the device. */
export interface DetachedMean {
  /** float32 `[parts]`, whose sum is the mean; kept. */
  readonly parts: tf.Tensor1D;
  readonly rows: number;
}

/**
 * Mean over rows that come batch by batch, on the device: constant size, nothing read back, one dispatch
 * a batch where there is a kernel.
 *
 * A mean and not a sum, so that a half-precision device does not overflow. Each batch moves the mean by
 * its share of the rows so far, `mean + (batchMean − mean)·w` with `w = batchRows / rows`.
 */
export class RunningMean {
  #parts: tf.Tensor1D | null = null;
  #rows = 0;

  /** Rows seen since the last reset. */
  get rows(): number {
    return this.#rows;
  }

  /** Takes a batch in, and disposes it. */
  add(values: tf.Tensor1D): void {
    this.#move(values, values.size);
  }

  /** Takes back what `detach` has given, and disposes it; rows may have come meanwhile. */
  reattach({ parts, rows }: DetachedMean): void {
    try {
      this.#move(
        tf.tidy(() => tf.sum(parts, 0, true)),
        rows,
      );
    } finally {
      parts.dispose();
    }
  }

  /** Hands the mean over, null without rows, and begins anew. The caller disposes it. */
  detach(): DetachedMean | null {
    const detached = this.#parts === null ? null : { parts: this.#parts, rows: this.#rows };
    this.#parts = null;
    this.#rows = 0;
    return detached;
  }

  reset(): void {
    this.detach()?.parts.dispose();
  }

  /** @param values whose mean counts as `rows` rows; disposed here, and not counted should that fail. */
  #move(values: tf.Tensor1D, rows: number): void {
    const former = this.#parts;
    const rowsSoFar = this.#rows + rows;
    try {
      this.#parts = tf.keep(runRunningMean(values, former, rows / rowsSoFar));
    } finally {
      values.dispose();
    }
    this.#rows = rowsSoFar;
    former?.dispose();
  }
}
