import * as tf from '@tensorflow/tfjs';
import type { Criterion } from './criteria/criterion.js';
import { informationOf } from './criteria/information.js';
import { ValidationChanges, type DetachedChanges } from './criteria/validation-changes.js';
import {
  EntropyScore,
  readEpoch,
  type EpochEntropies,
  type EpochMeans,
  type Phase,
} from './entropy/entropy-score.js';

export interface EpochScoreOptions {
  readonly topK: number;
  /** null: the entropies alone. */
  readonly criterion: Criterion | null;
  readonly criterionRows: number;
}

/** What has been handed over of an epoch. */
export interface DetachedScore {
  readonly means: EpochMeans;
  /** null without a criterion that counts changes. */
  readonly changes: DetachedChanges | null;
}

/** The numbers of an epoch that has been read. */
export interface EpochNumbers {
  readonly entropies: EpochEntropies;
  /** As `EpochRecord.valChanges`; undefined where they are not counted. */
  readonly valChanges: number | null | undefined;
  /** As `EpochRecord.valInformation`; undefined where it is not counted. */
  readonly valInformation: number | null | undefined;
  /** The values of the scalars that were read along. */
  readonly others: readonly number[];
}

/** All that is scored of the predictions of an epoch, on the device. */
export class EpochScore {
  readonly #entropy: EntropyScore;
  readonly #changes: ValidationChanges | null;
  #numClasses: number | null = null;

  constructor({ topK, criterion, criterionRows }: EpochScoreOptions) {
    this.#entropy = new EntropyScore(topK);
    this.#changes = criterion === null ? null : new ValidationChanges(criterion, criterionRows);
  }

  /** The fewest classes of any output that has been seen; null before the first. */
  get numClasses(): number | null {
    return this.#numClasses;
  }

  /** What `ValidationChanges` remembers; null for nothing. Stays with this object. */
  get remembered(): tf.Tensor1D | null {
    return this.#changes?.remembered ?? null;
  }

  /** Rows seen of one phase in this epoch. */
  rows(phase: Phase): number {
    return this.#entropy.rows(phase);
  }

  /** Scores one batch and counts it in. @param predictions as `measure` takes them. */
  append(predictions: tf.Tensor, fromLogits: boolean, phase: Phase): void {
    this.add(this.measure(predictions, fromLogits), phase);
    if (phase === 'val') this.#changes?.append(predictions, fromLogits);
  }

  /** As `EntropyScore.measure`. */
  measure(predictions: tf.Tensor, fromLogits: boolean): tf.Tensor1D | null {
    const measured = this.#entropy.measure(predictions, fromLogits);
    // One unit is the positive one of two classes.
    const numClasses = Math.max(2, predictions.shape.at(-1)!);
    this.#numClasses = Math.min(numClasses, this.#numClasses ?? numClasses);
    return measured;
  }

  /** As `EntropyScore.add`. */
  add(batch: tf.Tensor1D | null, phase: Phase): void {
    this.#entropy.add(batch, phase);
  }

  /** Forgets what was appended in this epoch: all of it, or that of one phase. */
  reset(phase?: Phase): void {
    this.#entropy.reset(phase);
    if (phase !== 'train') this.#changes?.reset();
  }

  /** Hands the epoch over, to `read` or `reattach`, and begins the next. */
  detach(): DetachedScore {
    return { means: this.#entropy.detach(), changes: this.#changes?.detach() ?? null };
  }

  /** Takes back what `detach` has given: the epoch goes on. */
  reattach({ means, changes }: DetachedScore): void {
    this.#entropy.reattach(means);
    if (changes !== null) this.#changes?.reattach(changes);
  }

  /** Remembers what was remembered in another process. @param remembered the caller keeps it. */
  restore(remembered: tf.Tensor): void {
    this.#changes?.restore(remembered);
  }

  /** Frees what is remembered as well. */
  dispose(): void {
    this.reset();
    this.#changes?.dispose();
  }
}

/**
 * The numbers of an epoch, by one device read, together with those of `others`.
 *
 * @param detached disposed here.
 * @param others numeric scalars to read along; the caller keeps them.
 */
export async function readScore(
  { means, changes }: DetachedScore,
  others: readonly tf.Scalar[] = [],
): Promise<EpochNumbers> {
  changes?.former?.dispose();
  const information = changes?.information;
  const share = information == null ? [] : [informationOf(information)];
  try {
    const read = await readEpoch({ ...means, changes: changes?.mean ?? null }, [...share, ...others]);
    return {
      ...read,
      valChanges: changes === null ? undefined : read.valChanges,
      valInformation: information == null ? information : read.others[0]!,
      others: read.others.slice(share.length),
    };
  } finally {
    tf.dispose([...share, ...(information == null ? [] : [information.means])]);
  }
}
