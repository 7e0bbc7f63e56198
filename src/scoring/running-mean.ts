import * as tf from '@tensorflow/tfjs';
import { runRunningMean } from '../entropy/run-kernels.js';
import { shareBuffer } from '../state/share-buffer.js';

/** The mean over all rows of a phase, still on the device. The caller owns it. */
export interface DetachedMean {
  /** float32 `[parts]`, kept; their sum is the mean. */
  readonly parts: tf.Tensor1D;
  readonly rows: number;
}

/**
 * The mean over rows that are added batch by batch, on the device. It takes constant memory and reads nothing back.
 * Where the backend has a kernel, a batch costs one dispatch.
 *
 * Each batch moves the mean by its share of the rows so far: `mean + (batchMean − mean)·w` with `w = batchRows / rows`.
 * A running sum would overflow on a half-precision device.
 */
export class RunningMean {
  #parts: tf.Tensor1D | null = null;
  #rows = 0;

  /** The number of rows in the mean. */
  get rows(): number {
    return this.#rows;
  }

  /** Adds a batch and disposes it. If that fails, the batch isn't counted. */
  add(values: tf.Tensor1D): void {
    const previous = this.#parts;
    const rows = this.#rows + values.size;
    try {
      this.#parts = tf.keep(runRunningMean(values, previous, values.size / rows));
    } finally {
      values.dispose();
    }
    this.#rows = rows;
    previous?.dispose();
  }

  /** Ends the mean and begins a new one. @returns null without rows. */
  detach(): DetachedMean | null {
    const detached = this.#parts === null ? null : { parts: this.#parts, rows: this.#rows };
    this.#parts = null;
    this.#rows = 0;
    return detached;
  }

  /** The mean so far, which continues. It shares its buffer, and the caller owns it. @returns null without rows. */
  share(): DetachedMean | null {
    return this.#parts === null ? null : { parts: shareBuffer(this.#parts), rows: this.#rows };
  }

  /**
   * Continues a mean that `share` has returned, bit for bit. On a device that holds a mean in another number of parts, it
   * continues with the same value.
   *
   * @param mean the caller keeps it.
   */
  restore({ parts, rows }: DetachedMean): void {
    this.reset();
    const asHere = tf.tidy(() => runRunningMean(tf.sum<tf.Tensor1D>(parts, 0, true), null, 1));
    this.#parts = asHere.size === parts.size ? shareBuffer(parts) : tf.keep(asHere);
    if (this.#parts !== asHere) asHere.dispose();
    this.#rows = rows;
  }

  /** Discards all rows. */
  reset(): void {
    this.detach()?.parts.dispose();
  }
}
