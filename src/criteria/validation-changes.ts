import * as tf from '@tensorflow/tfjs';
import { bothClasses } from '../entropy/composed.js';
import { RunningMean, type DetachedMean } from '../entropy/running-mean.js';
import { shareBuffer } from '../state/share-buffer.js';
import type { Criterion } from './criterion.js';
import { PredictedInformation, type DetachedInformation } from './information.js';

/** How much of the consensus so far is kept when an epoch is added to it. */
const CONSENSUS_DECAY = 0.7;

/** What an epoch has come to. */
export interface DetachedChanges {
  /** How many have been remembered of it; 0: there was no validation. */
  readonly rows: number;
  /** Of the share of rows that have changed; null where there was nothing to compare with. The caller's. */
  readonly mean: DetachedMean | null;
  /** What was remembered before this epoch; null for nothing. The caller's. */
  readonly former: tf.Tensor1D | null;
  /** How much the predictions depend on the row; null without rows, undefined where it is not asked for. The caller's. */
  readonly information: DetachedInformation | null | undefined;
}

type Counted = Pick<Criterion, 'comparesWith' | 'needsInformation'>;

/**
 * How much the predictions of validation change from epoch to epoch, on the device: nothing is read back.
 *
 * Rows are told by their order, which must be the same in every epoch. Remembered is a class a row
 * (`'previous'`, int32), or its averaged probabilities (`'consensus'`, float32 a class), of at most `maxRows`
 * rows; twice that while an epoch is under way.
 */
export class ValidationChanges {
  readonly #comparesWith: Criterion['comparesWith'];
  readonly #maxRows: number;
  readonly #mean = new RunningMean();
  readonly #information: PredictedInformation | null;
  /** All rows of the epoch before, one after the other. */
  #former: tf.Tensor1D | null = null;
  /** The batches of this epoch, each flat. */
  #batches: tf.Tensor1D[] = [];
  #rows = 0;
  /** Elements seen in this epoch: where the next batch begins in `#former`. */
  #length = 0;
  #isComparable = true;

  constructor({ comparesWith, needsInformation }: Counted, maxRows: number) {
    this.#comparesWith = comparesWith;
    this.#information = needsInformation ? new PredictedInformation() : null;
    this.#maxRows = maxRows;
  }

  /** What is remembered of the last epoch that was closed; null for nothing. Stays with this object. */
  get remembered(): tf.Tensor1D | null {
    return this.#former;
  }

  /**
   * Compares one batch with the same rows of the epoch before.
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

  /** Forgets what was appended in this epoch. */
  reset(): void {
    tf.dispose(this.#batches);
    this.#batches = [];
    this.#rows = this.#length = 0;
    this.#isComparable = true;
    this.#mean.reset();
    this.#information?.reset();
  }

  /** Hands the epoch over, to whoever disposes or `reattach`es it, and begins the next. */
  detach(): DetachedChanges {
    // An epoch without validation is passed over.
    const information = this.#information === null ? undefined : this.#information.detach();
    if (this.#rows === 0) return { rows: 0, mean: null, former: null, information };
    const isSameRows = this.#isComparable && this.#former?.size === this.#length;
    const mean = isSameRows ? this.#mean.detach() : null;
    const [rows, former] = [this.#rows, this.#former];
    this.#former = tf.keep(tf.tidy(() => tf.concat1d(this.#batches)));
    this.reset();
    return { rows, mean, former, information };
  }

  /** Takes back what `detach` has given: the epoch goes on. */
  reattach({ rows, mean, former, information }: DetachedChanges): void {
    if (rows === 0) return;
    this.#rows += rows;
    this.#length += this.#former!.size;
    this.#batches.unshift(this.#former!);
    this.#former = former;
    if (mean === null) this.#isComparable = false;
    else this.#mean.reattach(mean);
    if (information != null) this.#information?.reattach(information);
  }

  /** Remembers what was remembered in another process. @param remembered the caller keeps it. */
  restore(remembered: tf.Tensor): void {
    this.reset();
    this.#former?.dispose();
    this.#former = shareBuffer(tf.reshape(remembered, [remembered.size]));
  }

  dispose(): void {
    this.reset();
    this.#former?.dispose();
    this.#former = null;
  }

  /** The same rows of the epoch before, `[rows]` or `[rows, numClasses]`, the caller's; null where there are none. */
  #formerOf(rows: number, numClasses: number): tf.Tensor | null {
    const shape = this.#comparesWith === 'previous' ? [rows] : [rows, numClasses];
    const size = tf.util.sizeFromShape(shape);
    const former = this.#former;
    if (former === null || this.#length + size > former.size) return null;
    return tf.tidy(() => tf.reshape(tf.slice1d(former, this.#length, size), shape));
  }
}

/** What one batch has come to. Both are kept, and the caller's. */
interface Compared {
  /** float32 `[rows]`, 1 where the predicted class has changed; null without anything to compare with. */
  readonly changed: tf.Tensor1D | null;
  /** What is remembered of it, flat. */
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

/** `[..., numClasses]` → `[rows, classes]` of the first `rows` rows. */
function probabilitiesOf(predictions: tf.Tensor, fromLogits: boolean, rows: number): tf.Tensor2D {
  const classes = predictions.shape.at(-1) === 1 ? bothClasses(predictions, fromLogits) : predictions;
  const numClasses = classes.shape.at(-1)!;
  // A cast to what it is already would copy it.
  const floats = classes.dtype === 'float32' ? classes : tf.cast(classes, 'float32');
  const all = tf.reshape<tf.Rank.R2>(floats, [-1, numClasses]);
  const first = rows < all.shape[0] ? tf.slice2d(all, [0, 0], [rows, numClasses]) : all;
  return fromLogits ? tf.softmax(first) : first;
}
