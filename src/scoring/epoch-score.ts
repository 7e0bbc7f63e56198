import * as tf from '@tensorflow/tfjs';
import { checkK, checkPredictions } from '../entropy/check-arguments.js';
import { meanTopKEntropy } from '../entropy/mean-top-k-entropy.js';
import { runTopKEntropy } from '../entropy/run-kernels.js';
import type { Phase } from '../epoch-record.js';
import { withoutTape } from '../tfjs-internals.js';
import type { DetachedChanges, OutputSize, PredictionChanges } from './prediction-changes.js';
import { readVectors } from './read-vectors.js';
import { RunningMean, type DetachedMean, type Measured } from './running-mean.js';

export interface EpochScoreOptions {
  /** How many of the largest probabilities count. */
  readonly topK: number;
}

/** The scores of an ended epoch, still on the device. `readScore` disposes them. */
export interface DetachedScore {
  /** null for a phase without rows. */
  readonly means: Readonly<Record<Phase, DetachedMean | null>>;
  /** null if changes aren't counted. */
  readonly changes: DetachedChanges | null;
}

/** The numbers of an epoch, read from the device. Entropies are in nats, or null without rows. */
export interface EpochNumbers {
  readonly entropy: number | null;
  readonly trainEntropy: number | null;
  readonly valEntropy: number | null;
  /** See `EpochRecord.valChanges`; absent if it isn't counted. */
  readonly valChanges?: number | null;
  /** See `EpochRecord.valInformation`; absent if it isn't counted. */
  readonly valInformation?: number | null;
}

/**
 * Scores the predictions of an epoch batch by batch, on the device. It computes the mean top-k entropy of each phase,
 * and how much the validation predictions have changed.
 */
export class EpochScore {
  readonly #topK: number;
  readonly #means: Record<Phase, RunningMean> = { train: new RunningMean(), val: new RunningMean() };
  #changes: PredictionChanges | null = null;
  #numClasses: number | null = null;
  #mostClasses: number | null = null;

  constructor({ topK }: EpochScoreOptions) {
    this.#topK = topK;
  }

  /** Also counts changes from now on, once and for all. Owns `changes`. */
  compareBy(changes: PredictionChanges): void {
    this.#changes = changes;
  }

  /** Whether changes are counted. */
  get isComparing(): boolean {
    return this.#changes !== null;
  }

  /** The smallest number of classes of any output seen so far; null before the first. */
  get numClasses(): number | null {
    return this.#numClasses;
  }

  /** The largest number of classes of any output seen so far; null before the first. */
  get mostClasses(): number | null {
    return this.#mostClasses;
  }

  /** What the next epoch is compared with, on the device; null for nothing. This object owns it. */
  get monitorState(): tf.Tensor1D | null {
    return this.#changes?.monitorState ?? null;
  }

  /** Says which outputs will be appended, by their index in the model. Without that, there's one. */
  expect(outputs: ReadonlyMap<number, OutputSize>): void {
    this.#changes?.expect(outputs);
  }

  /** The number of rows of one phase seen in this epoch. */
  rows(phase: Phase): number {
    return this.#means[phase].rows;
  }

  /**
   * Scores one batch and adds it to the epoch.
   *
   * @param predictions `[..., numClasses]`; a single class is the positive class of two. The caller keeps it.
   * @param output the index of the output in the model.
   */
  append(predictions: tf.Tensor, fromLogits: boolean, phase: Phase, output = 0): void {
    const measured = this.measure(predictions, fromLogits);
    try {
      if (phase === 'val') this.#changes?.append(predictions, fromLogits, output);
    } catch (error) {
      measured?.dispose();
      throw error;
    }
    this.add(measured, phase);
  }

  /**
   * Scores one batch.
   *
   * @param predictions `[..., numClasses]`; a single class is the positive class of two. The caller keeps it.
   * @returns entropies `[rows]`, kept, or their mean; null for an empty batch. The caller passes it to `add` or disposes it.
   */
  measure(predictions: tf.Tensor, fromLogits: boolean): Measured | null {
    if (predictions.size === 0) return null;
    // A single unit is the positive class of two.
    const numClasses = Math.max(2, checkPredictions(predictions, 1));
    checkK(this.#topK, numClasses);
    this.#numClasses = Math.min(numClasses, this.#numClasses ?? numClasses);
    this.#mostClasses = Math.max(numClasses, this.#mostClasses ?? numClasses);
    return (
      meanTopKEntropy(predictions, this.#topK, fromLogits) ??
      tf.keep(withoutTape(() => runTopKEntropy(predictions, this.#topK, fromLogits)))
    );
  }

  /** Adds a measured batch to the epoch and disposes it. */
  add(measured: Measured | null, phase: Phase): void {
    if (measured !== null) this.#means[phase].add(measured);
  }

  /** Discards the rows of this epoch: those of one phase, or all of them. */
  reset(phase?: Phase): void {
    if (phase !== 'val') this.#means.train.reset();
    if (phase === 'train') return;
    this.#means.val.reset();
    this.#changes?.reset();
  }

  /** Ends the epoch and begins the next. The caller owns what is returned. */
  detach(): DetachedScore {
    const means = { train: this.#means.train.detach(), val: this.#means.val.detach() };
    return { means, changes: this.#changes?.detach() ?? null };
  }

  /** The mean of the training rows so far, which the caller owns; null without rows. */
  shareTrain(): DetachedMean | null {
    return this.#means.train.share();
  }

  /** Continues an epoch from the mean of its training rows. @param mean the caller keeps it. */
  restoreTrain(mean: DetachedMean): void {
    this.#means.train.restore(mean);
  }

  /** Sets what the next epoch is compared with. @param monitorState from a stored training; the caller keeps it. */
  restore(monitorState: tf.Tensor): void {
    this.#changes?.restore(monitorState);
  }

  /** Frees all tensors. */
  dispose(): void {
    this.reset();
    this.#changes?.dispose();
  }
}

/**
 * Reads the numbers of an epoch from the device, with a single read.
 *
 * @param score is disposed.
 * @param scalars numeric scalars to include in that read; the caller keeps them.
 * @returns the numbers, and the values of `scalars` in the same order.
 */
export async function readScore(
  { means: { train, val }, changes }: DetachedScore,
  scalars: readonly tf.Scalar[] = [],
): Promise<{ numbers: EpochNumbers; scalars: number[] }> {
  const results = [train?.parts, val?.parts, changes?.mean?.parts, changes?.information];
  const vectors = results.filter((vector) => vector != null);
  const values = await readVectors([...vectors, ...scalars]).finally(() => {
    tf.dispose(vectors);
  });
  const remaining = values.values();
  const [trainEntropy, valEntropy, valChanges, valInformation] = results.map((vector) =>
    vector == null ? null : sum(remaining.next().value!),
  ) as [number | null, number | null, number | null, number | null];
  const numbers: EpochNumbers = {
    entropy: pooledMean([trainEntropy, train?.rows ?? 0], [valEntropy, val?.rows ?? 0]),
    trainEntropy,
    valEntropy,
    ...(changes === null ? {} : { valChanges }),
    ...(changes?.information === undefined ? {} : { valInformation }),
  };
  return { numbers, scalars: [...remaining].flat() };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The mean over all rows of both phases; null without rows. */
function pooledMean(...phases: readonly [mean: number | null, rows: number][]): number | null {
  let sum = 0;
  let total = 0;
  for (const [mean, rows] of phases) {
    if (mean === null) continue;
    sum += mean * rows;
    total += rows;
  }
  return total === 0 ? null : sum / total;
}
