import * as tf from '@tensorflow/tfjs';
import { movedMean } from '../entropy/kernels/running-mean-kernel.js';
import { runRunningMean } from '../entropy/run-kernels.js';
import { shareBuffer } from '../state/share-buffer.js';

/** The mean over all rows of a phase, still on the device. The caller owns it. */
export interface DetachedMean {
  /** float32 `[parts]`, kept; their sum is the mean. */
  readonly parts: tf.Tensor1D;
  readonly rows: number;
}

/** The rows of a batch, or their mean where JavaScript has computed it. Who owns it adds or disposes it. */
export type Measured = tf.Tensor1D | BatchMean;

/** The mean over the rows of a batch, in memory. */
export interface BatchMean {
  /** A float32 number. */
  readonly mean: number;
  readonly rows: number;
  /** Does nothing: so it's disposed as a tensor is. */
  dispose(): void;
}

/**
 * The mean over rows that are added batch by batch, on the device. It takes constant memory and reads nothing back.
 * Where the backend has a kernel, a batch costs one dispatch.
 *
 * Each batch moves the mean by its share of the rows so far: `mean + (batchMean − mean)·w` with `w = batchRows / rows`.
 * A running sum would overflow on a half-precision device.
 */
export class RunningMean {
  /** What was added as tensors. */
  #parts: tf.Tensor1D | null = null;
  /** What was added as means in memory, a float32 number; null for nothing, and where there are parts. */
  #mean: number | null = null;
  #rows = 0;

  /** The number of rows in the mean. */
  get rows(): number {
    return this.#rows;
  }

  /** Adds a batch and disposes it. If that fails, the batch isn't counted. */
  add(batch: Measured): void {
    if (batch instanceof tf.Tensor) {
      this.#addTensor(batch, batch.size);
    } else if (this.#parts !== null) {
      this.#addTensor(tf.tensor1d([batch.mean]), batch.rows);
    } else {
      this.#rows += batch.rows;
      this.#mean = Math.fround(movedMean(this.#mean, batch.mean, batch.rows / this.#rows));
    }
  }

  /** @param values whose mean is that of so many rows. */
  #addTensor(values: tf.Tensor1D, batchRows: number): void {
    this.#parts ??= this.#meanAsParts();
    const previous = this.#parts;
    const rows = this.#rows + batchRows;
    try {
      this.#parts = tf.keep(runRunningMean(values, previous, batchRows / rows));
    } finally {
      values.dispose();
    }
    this.#mean = null;
    this.#rows = rows;
    previous?.dispose();
  }

  #meanAsParts(): tf.Tensor1D | null {
    return this.#mean === null ? null : tf.keep(tf.tensor1d([this.#mean]));
  }

  /** Ends the mean and begins a new one. @returns null without rows. */
  detach(): DetachedMean | null {
    const parts = this.#parts ?? this.#meanAsParts();
    const detached = parts === null ? null : { parts, rows: this.#rows };
    this.#clear();
    return detached;
  }

  /** The mean so far, which continues. It shares its buffer, and the caller owns it. @returns null without rows. */
  share(): DetachedMean | null {
    const parts = this.#parts === null ? this.#meanAsParts() : shareBuffer(this.#parts);
    return parts === null ? null : { parts, rows: this.#rows };
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
    this.#parts?.dispose();
    this.#clear();
  }

  #clear(): void {
    this.#parts = null;
    this.#mean = null;
    this.#rows = 0;
  }
}
