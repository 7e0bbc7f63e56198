import * as tf from '@tensorflow/tfjs';
import { bothClasses } from '../entropy/composed.js';
import { EntropyCheckpointError } from '../errors.js';
import type { ComparingMonitor } from '../selection/monitors/comparing-monitor.js';
import { addToConsensus } from './consensus-kernels.js';
import { MutualInformation } from './mutual-information.js';
import { RunningMean, type DetachedMean } from './running-mean.js';

/** The weight of the consensus so far when an epoch is added to it. */
const CONSENSUS_DECAY = 0.7;

export type ComparisonOptions = Pick<ComparingMonitor, 'comparesWith'>;

/** The part of the monitor state that belongs to an output. */
export interface ReferencePart {
  readonly reference: tf.Tensor1D;
  readonly start: number;
  readonly size: number;
}

/** The counts of an ended epoch and output, still on the device. The caller owns them. */
export interface DetachedOutput {
  /** The share of rows that have changed; null if there was nothing to compare with. */
  readonly mean: DetachedMean | null;
  /** How much the predictions depend on the row, float32 `[1]`; null without rows, undefined if it isn't counted. */
  readonly information: tf.Tensor1D | null | undefined;
  /** What the next epoch is compared with: the batches of this epoch, each flat. */
  readonly batches: readonly tf.Tensor1D[];
}

/** Counts how much the validation predictions of one output change from epoch to epoch. */
export class OutputChanges {
  readonly #maxRows: number;
  readonly #mean = new RunningMean();
  /** Only for the consensus; null where an epoch is compared with the previous one. */
  readonly #information: MutualInformation | null;
  #batches: tf.Tensor1D[] = [];
  #rows = 0;
  /** The total size of `#batches`: where the next batch begins in the reference. */
  #length = 0;
  #numClasses: number | null = null;
  #isComparable = true;

  constructor({ comparesWith }: ComparisonOptions, maxRows: number) {
    this.#information = comparesWith === 'consensus' ? new MutualInformation() : null;
    this.#maxRows = maxRows;
  }

  /** The rows of this epoch. */
  get rows(): number {
    return this.#rows;
  }

  /**
   * Compares one batch with the same rows of earlier epochs.
   *
   * @param predictions `[..., numClasses]`; a single class is the positive class of two. The caller keeps it.
   * @param part what this output is compared with; null for nothing.
   * @throws EntropyCheckpointError `ENTROPY_INVALID_PREDICTIONS` if their mean isn't defined.
   */
  append(predictions: tf.Tensor, fromLogits: boolean, part: ReferencePart | null): void {
    if (predictions.size === 0 || this.#rows === this.#maxRows) return;
    const units = predictions.shape.at(-1)!;
    const rows = Math.min(predictions.size / units, this.#maxRows - this.#rows);
    // A single unit is the positive class of two.
    const numClasses = Math.max(2, units);
    this.#checkClasses(numClasses);
    const probabilities = tf.tidy(() => probabilitiesOf(predictions, fromLogits, rows));
    try {
      const information = this.#information;
      const { changed, next } =
        information === null
          ? compareWithPrevious(probabilities, this.#referenceOf(part, rows))
          : this.#compareWithConsensus(
              probabilities,
              this.#referenceOf(part, probabilities.size),
              information,
            );
      this.#batches.push(next);
      this.#rows += rows;
      this.#length += next.size;
      if (changed === null) this.#isComparable = false;
      else this.#mean.add(changed);
    } finally {
      probabilities.dispose();
    }
  }

  /** Discards the rows of this epoch. */
  reset(): void {
    tf.dispose(this.#batches);
    this.#begin();
    this.#mean.reset();
    this.#information?.reset();
  }

  /** Ends the epoch and begins the next. @param part what this epoch was compared with; null for nothing. */
  detach(part: ReferencePart | null): DetachedOutput {
    const hasSameRows = this.#isComparable && part?.size === this.#length;
    const mean = hasSameRows ? this.#mean.detach() : null;
    const information = this.#information?.detach();
    const batches = this.#batches;
    this.#begin();
    this.#mean.reset();
    return { mean, information, batches };
  }

  #begin(): void {
    this.#batches = [];
    this.#rows = this.#length = 0;
    this.#numClasses = null;
    this.#isComparable = true;
  }

  /** Averaged probabilities need the same classes in every row. Predicted classes don't. */
  #checkClasses(numClasses: number): void {
    const expected = this.#numClasses ?? numClasses;
    this.#numClasses = expected;
    if (this.#information === null || numClasses === expected) return;
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_PREDICTIONS',
      `Append the validation predictions of one output alone: \`monitor: 'consensus'\` compares rows of the same classes, ` +
        `got ${expected} classes and then ${numClasses}.`,
    );
  }

  #compareWithConsensus(
    probabilities: tf.Tensor2D,
    before: BatchReference | null,
    information: MutualInformation,
  ): ComparedBatch {
    const [rows] = probabilities.shape;
    const { means } = information;
    const inputs = {
      probabilities,
      ...(before === null ? {} : { reference: before.reference }),
      ...(means === null ? {} : { means }),
    };
    const attrs = { start: before?.start ?? 0, decay: CONSENSUS_DECAY, share: information.shareOf(rows) };
    const step = addToConsensus(inputs, attrs);
    information.advance(tf.keep(step.means), rows);
    return {
      changed: step.changed === null ? null : tf.keep(step.changed),
      next: tf.keep(step.consensus),
    };
  }

  /** Where the next `batchSize` values are in the reference; null without one, or if it ends before. */
  #referenceOf(part: ReferencePart | null, batchSize: number): BatchReference | null {
    if (part === null || this.#length + batchSize > part.size) return null;
    return { reference: part.reference, start: part.start + this.#length };
  }
}

type BatchReference = Pick<ReferencePart, 'reference' | 'start'>;

/** The result of comparing one batch. Both tensors are kept; the caller owns them. */
interface ComparedBatch {
  /** float32 `[rows]`, 1 where the predicted class has changed; null if there was nothing to compare with. */
  readonly changed: tf.Tensor1D | null;
  /** What the next epoch is compared with, flat. */
  readonly next: tf.Tensor1D;
}

function compareWithPrevious(probabilities: tf.Tensor2D, before: BatchReference | null): ComparedBatch {
  const next = tf.keep(tf.argMax<tf.Tensor1D>(probabilities, -1));
  if (before === null) return { changed: null, next };
  const changed = tf.tidy(() => {
    const expected = tf.slice1d(before.reference, before.start, next.size);
    // No cast: on webgpu that would leave integers in the buffer.
    return tf.where<tf.Tensor1D>(tf.notEqual(next, expected), 1, 0);
  });
  return { changed: tf.keep(changed), next };
}

/** The probabilities of the first `rows` rows of `[..., numClasses]`, as `[rows, numClasses]`. */
function probabilitiesOf(predictions: tf.Tensor, fromLogits: boolean, rows: number): tf.Tensor2D {
  const classes = predictions.shape.at(-1) === 1 ? bothClasses(predictions, fromLogits) : predictions;
  const numClasses = classes.shape.at(-1)!;
  // A cast to the same type would still copy the tensor.
  const floats = classes.dtype === 'float32' ? classes : tf.cast(classes, 'float32');
  const all = tf.reshape<tf.Rank.R2>(floats, [-1, numClasses]);
  const first = rows < all.shape[0] ? tf.slice2d(all, [0, 0], [rows, numClasses]) : all;
  return fromLogits ? tf.softmax(first) : first;
}
