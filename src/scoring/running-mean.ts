import * as tf from '@tensorflow/tfjs';
import { runRunningMean } from '../entropy/run-kernels.js';

/** The mean over all rows of a phase, still on the device. The caller owns it. */
export interface DetachedMean {
  /** float32 `[parts]`, whose sum is the mean; kept. */
  readonly parts: tf.Tensor1D;
  readonly rows: number;
}

/**
 * Mean over rows that come batch by batch, on the device. It takes constant memory, reads nothing back, and
 * costs one dispatch a batch where there's a kernel.
 *
 * A mean and not a sum, so that a half-precision device doesn't overflow. Each batch moves the mean by its share
 * of the rows so far: `mean + (batchMean − mean)·w` with `w = batchRows / rows`.
 */
export class RunningMean {
  #parts: tf.Tensor1D | null = null;
  #rows = 0;

  /** Rows seen since the last reset. */
  get rows(): number {
    return this.#rows;
  }

  /** Adds a batch and disposes it; if that fails, it isn't counted. */
  add(values: tf.Tensor1D): void {
    const former = this.#parts;
    const rows = this.#rows + values.size;
    try {
      this.#parts = tf.keep(runRunningMean(values, former, values.size / rows));
    } finally {
      values.dispose();
    }
    this.#rows = rows;
    former?.dispose();
  }

  /** Ends the mean and begins a new one. null without rows. */
  detach(): DetachedMean | null {
    const detached = this.#parts === null ? null : { parts: this.#parts, rows: this.#rows };
    this.#parts = null;
    this.#rows = 0;
    return detached;
  }

  /** Discards what was added. */
  reset(): void {
    this.detach()?.parts.dispose();
  }
}
