import * as tf from '@tensorflow/tfjs';
import { bothClasses } from '../entropy/composed.js';
import type { ComparingMonitor } from '../selection/monitors/comparing-monitor.js';
import { shareBuffer } from '../state/share-buffer.js';
import { MutualInformation } from './mutual-information.js';
import { RunningMean, type DetachedMean } from './running-mean.js';

/** How much of the consensus so far is kept when an epoch is added to it. */
const CONSENSUS_DECAY = 0.7;

/** The counts of an epoch that has ended, still on the device. The caller owns them. */
export interface DetachedChanges {
  /** The share of rows that have changed; null where there was nothing to compare with. */
  readonly mean: DetachedMean | null;
  /** See `MutualInformation.detach`; undefined where it isn't counted. */
  readonly information: tf.Tensor1D | null | undefined;
}

type Counted = Pick<ComparingMonitor, 'comparesWith' | 'needsInformation'>;

/**
 * How much the validation predictions change from epoch to epoch, counted on the device. Nothing is read back.
 *
 * Rows are identified by their order, which must be the same in every epoch. Of at most `maxRows` rows it keeps
 * the predicted class (`'previous'`, int32) or the averaged probabilities (`'consensus'`, float32 for each
 * class); twice that while an epoch is under way.
 */
export class PredictionChanges {
  readonly #comparesWith: ComparingMonitor['comparesWith'];
  readonly #maxRows: number;
  readonly #mean = new RunningMean();
  readonly #information: MutualInformation | null;
  /** All rows of the epochs before, flat. */
  #former: tf.Tensor1D | null = null;
  /** The batches of this epoch, each flat. */
  #batches: tf.Tensor1D[] = [];
  #rows = 0;
  /** Elements seen in this epoch: where the next batch begins in `#former`. */
  #length = 0;
  #isComparable = true;

  constructor({ comparesWith, needsInformation }: Counted, maxRows: number) {
    this.#comparesWith = comparesWith;
    this.#information = needsInformation ? new MutualInformation() : null;
    this.#maxRows = maxRows;
  }

  /** What the next epoch is compared with; null for nothing. This object owns it. */
  get monitorState(): tf.Tensor1D | null {
    return this.#former;
  }

  /**
   * Compares one batch with the same rows of the epochs before.
   *
   * @param predictions `[..., numClasses]`; one class is the positive one of two. The caller keeps it.
   */
  append(predictions: tf.Tensor, fromLogits: boolean): void {
    if (predictions.size === 0 || this.#rows === this.#maxRows) return;
    const units = predictions.shape.at(-1)!;
    const rows = Math.min(predictions.size / units, this.#maxRows - this.#rows);
    // One unit is the positive one of two classes.
    const numClasses = Math.max(2, units);
    const former = this.#formerOf(rows, numClasses);
    const probabilities = tf.tidy(() => probabilitiesOf(predictions, fromLogits, rows));
    try {
      const compare = this.#comparesWith === 'consensus' ? compareWithConsensus : compareWithPrevious;
      const { changed, next } = compare(probabilities, former);
      this.#batches.push(next);
      this.#rows += rows;
      this.#length += next.size;
      this.#information?.append(probabilities);
      if (changed === null) this.#isComparable = false;
      else this.#mean.add(changed);
    } finally {
      tf.dispose([probabilities, ...(former === null ? [] : [former])]);
    }
  }

  /** Discards what was appended in this epoch. */
  reset(): void {
    tf.dispose(this.#batches);
    this.#batches = [];
    this.#rows = this.#length = 0;
    this.#isComparable = true;
    this.#mean.reset();
    this.#information?.reset();
  }

  /** Ends the epoch and begins the next, which is compared with it. */
  detach(): DetachedChanges {
    const information = this.#information?.detach();
    // The next epoch with validation is compared with the one before this.
    if (this.#rows === 0) return { mean: null, information };
    const hasSameRows = this.#isComparable && this.#former?.size === this.#length;
    const mean = hasSameRows ? this.#mean.detach() : null;
    this.#former?.dispose();
    this.#former = tf.keep(tf.tidy(() => tf.concat1d(this.#batches)));
    this.reset();
    return { mean, information };
  }

  /** Compares the next epoch with what another process remembered. @param monitorState the caller keeps it. */
  restore(monitorState: tf.Tensor): void {
    this.reset();
    this.#former?.dispose();
    this.#former = shareBuffer(tf.reshape(monitorState, [monitorState.size]));
  }

  dispose(): void {
    this.reset();
    this.#former?.dispose();
    this.#former = null;
  }

  /** The same rows of the epochs before, `[rows]` or `[rows, numClasses]`, the caller's; null where there are none. */
  #formerOf(rows: number, numClasses: number): tf.Tensor | null {
    const shape = this.#comparesWith === 'previous' ? [rows] : [rows, numClasses];
    const size = tf.util.sizeFromShape(shape);
    const former = this.#former;
    if (former === null || this.#length + size > former.size) return null;
    return tf.tidy(() => tf.reshape(tf.slice1d(former, this.#length, size), shape));
  }
}

/** One batch compared. Both tensors are kept; the caller owns them. */
interface Compared {
  /** float32 `[rows]`, 1 where the predicted class has changed; null without anything to compare with. */
  readonly changed: tf.Tensor1D | null;
  /** What the next epoch is compared with, flat. */
  readonly next: tf.Tensor1D;
}

type Compare = (probabilities: tf.Tensor2D, former: tf.Tensor | null) => Compared;

const compareWithPrevious: Compare = (probabilities, former) => {
  const classes = tf.keep(tf.argMax<tf.Tensor1D>(probabilities, -1));
  return { changed: former === null ? null : differences(classes, () => former), next: classes };
};

const compareWithConsensus: Compare = (probabilities, former) => {
  if (former === null) {
    return { changed: null, next: tf.keep(tf.tidy(() => tf.reshape(probabilities, [-1]))) };
  }
  const averaged = tf.tidy(() => {
    const kept = tf.mul(former, CONSENSUS_DECAY);
    return tf.reshape<tf.Rank.R1>(tf.add(kept, tf.mul(probabilities, 1 - CONSENSUS_DECAY)), [-1]);
  });
  const changed = tf.tidy(() => differences(tf.argMax(probabilities, -1), () => tf.argMax(former, -1)));
  return { changed, next: tf.keep(averaged) };
};

function differences(classes: tf.Tensor, expected: () => tf.Tensor): tf.Tensor1D {
  // Not a cast, which on webgpu leaves integers underneath.
  return tf.keep(tf.tidy(() => tf.where(tf.notEqual(classes, expected()), 1, 0) as tf.Tensor1D));
}

/** `[..., numClasses]` → probabilities `[rows, numClasses]` of the first `rows` rows. */
function probabilitiesOf(predictions: tf.Tensor, fromLogits: boolean, rows: number): tf.Tensor2D {
  const classes = predictions.shape.at(-1) === 1 ? bothClasses(predictions, fromLogits) : predictions;
  const numClasses = classes.shape.at(-1)!;
  // Even a cast to the type that it has would copy it.
  const floats = classes.dtype === 'float32' ? classes : tf.cast(classes, 'float32');
  const all = tf.reshape<tf.Rank.R2>(floats, [-1, numClasses]);
  const first = rows < all.shape[0] ? tf.slice2d(all, [0, 0], [rows, numClasses]) : all;
  return fromLogits ? tf.softmax(first) : first;
}
