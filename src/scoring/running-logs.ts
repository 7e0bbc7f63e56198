import * as tf from '@tensorflow/tfjs';
import type { EpochProgress } from '../format/snapshot.js';
import { shareBuffer } from '../state/share-buffer.js';

type Progress = EpochProgress['logs'];

/**
 * What `fit` logs of the running epoch, summed over its rows on the device, as TensorFlow.js does: bit for bit the same
 * means. `fit` begins its own sums anew where an epoch is resumed, and these continue.
 *
 * Owns its tensors.
 *
 * @see `BaseLogger` in `tfjs-layers/src/base_callbacks.ts`
 */
export class RunningLogs {
  readonly #totals = new Map<string, tf.Tensor>();
  #rows = 0;

  /**
   * Adds a batch.
   *
   * @param logs of the batch, with the number of its rows as `size`; the caller keeps them.
   * @param names what is summed.
   */
  add(logs: Readonly<Record<string, number | tf.Scalar>>, names: readonly string[]): void {
    const size = Number(logs['size'] ?? 0);
    for (const name of names) {
      const value = logs[name];
      const total = this.#totals.get(name);
      // A sum that begins later, as with a metric that is new since the interruption, would lack the rows before.
      if (value === undefined || (total === undefined && this.#rows > 0)) continue;
      this.#totals.set(name, tf.keep(tf.tidy(() => tf.add(total ?? 0, tf.mul(value, size)))));
      total?.dispose();
    }
    this.#rows += size;
  }

  /** The sums so far, which continue. They share their buffers, and the caller owns them. */
  share(): Progress {
    const totals = [...this.#totals].map(([name, total]) => [name, shareBuffer(total)]);
    return { rows: this.#rows, totals: Object.fromEntries(totals) as Record<string, tf.Tensor> };
  }

  /** Continues the sums that `share` has returned. @param progress in memory; the caller keeps it. */
  restore({ rows, totals }: Progress): void {
    this.reset();
    for (const [name, total] of Object.entries(totals))
      this.#totals.set(name, shareBuffer(total as tf.Tensor));
    this.#rows = rows;
  }

  /**
   * Replaces the means in `logs` by those over all rows of the epoch; these belong to `logs`.
   *
   * @param names what `fit` logs now.
   */
  complete(logs: Record<string, number | tf.Scalar>, names: readonly string[]): void {
    for (const [name, total] of this.#totals) {
      if (!names.includes(name)) continue;
      const mean = tf.keep(tf.tidy(() => tf.mul<tf.Scalar>(tf.div(1, this.#rows), total)));
      const before = logs[name];
      if (before instanceof tf.Tensor) before.dispose();
      logs[name] = mean;
    }
  }

  /** Discards the sums. */
  reset(): void {
    for (const total of this.#totals.values()) total.dispose();
    this.#totals.clear();
    this.#rows = 0;
  }
}
