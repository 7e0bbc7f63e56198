import type * as tf from '@tensorflow/tfjs';
import type { WeightAverage } from '../averaging/weight-average.js';
import { invalidOption } from '../check-options.js';
import type { EpochRecord } from '../epoch-record.js';
import { EntropyCheckpointError } from '../errors.js';
import { mapValues } from '../format/checkpoint-metadata.js';
import type { EpochProgress, Snapshot } from '../format/snapshot.js';
import { SaveSchedule, type SaveIntervals } from '../saving/save-schedule.js';
import type { EpochScore } from './epoch-score.js';
import { RunningLogs } from './running-logs.js';
import { withLoaded, type TensorOf } from '../state/restore-step.js';

type Logs = Record<string, number | tf.Scalar>;

/** The used part of what `fit` passes to `setParams` of its callbacks. */
interface FitParams {
  readonly batchSize?: number | null;
  readonly epochs?: number;
  readonly steps?: number | null;
  /** The names of what it logs. */
  readonly metrics?: readonly string[];
}

/** A place within an epoch, after a batch. */
export interface BatchPosition {
  readonly epoch: number;
  readonly fit: number;
  /** How many batches of the epoch have ended. */
  readonly batches: number;
}

/**
 * The epoch that runs, where a training can be interrupted and resumed within it. Loaded only for such a training.
 *
 * Owns its tensors.
 */
export class RunningEpoch {
  readonly #schedule: SaveSchedule | null;
  readonly #logs = new RunningLogs();
  /** How many batches an epoch has, or an earlier one had; null if that's unknown. */
  #batchesPerEpoch: number | null = null;
  /** Whether `fit` knows how many. */
  #isSized = false;
  /** How many batches of the epoch were trained before it was resumed. */
  #numTrained = 0;
  #hasBegun = false;
  /** The names of the losses and metrics that `fit` logs. */
  #metrics: readonly string[] = [];

  /** @param intervals null: no state is kept within an epoch. */
  constructor(intervals: SaveIntervals | null) {
    this.#schedule = intervals === null ? null : new SaveSchedule(intervals);
  }

  /** Whether the epoch was resumed, and training hasn't continued yet. */
  get isWaiting(): boolean {
    return this.#numTrained > 0 && !this.#hasBegun;
  }

  /** How many batches of the epoch were trained before it was resumed; 0 if it wasn't. */
  get numTrained(): number {
    return this.#numTrained;
  }

  /**
   * Checks that a `fit` continues where the training was interrupted.
   *
   * @param epoch the one that was resumed.
   * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION`, `ENTROPY_WRONG_INITIAL_EPOCH`.
   */
  beginFit({ batchSize, epochs, steps, metrics = [] }: FitParams, epoch: number): void {
    const [rest, expected, numTrained] = [steps ?? null, this.#batchesPerEpoch, this.#numTrained];
    if (batchSize != null) {
      if (numTrained > 0) throw resumedByFit(epoch, numTrained);
      if (this.#schedule !== null) throw keptInFit();
    }
    if (numTrained > 0) {
      const isOther = rest !== null && expected !== null && rest + numTrained !== expected;
      if (epochs !== epoch + 1 || isOther) throw notTheRest(epoch, numTrained, isOther ? rest : null);
    }
    this.#metrics = metrics;
    this.#isSized = rest !== null;
    this.#batchesPerEpoch = rest === null ? expected : rest + numTrained;
  }

  /** The epoch begins, or continues if it was resumed. */
  begin(): void {
    this.#hasBegun = true;
  }

  /** Takes the end of a batch of `fit` into account. @param logs what `fit` has logged of it. */
  addLogs(logs: Logs): void {
    this.#logs.add(logs, this.#metrics);
  }

  /** Whether a state is to be kept after a batch. @param isStopping whether training ends after it. */
  isDue(numBatches: number, isStopping: boolean): boolean {
    if (this.#schedule === null) return false;
    // `fitDataset` may end without the validation of the epoch.
    if (isStopping) return true;
    // The state of the epoch's end follows.
    if (this.#isSized && numBatches === this.#batchesPerEpoch) return false;
    return this.#schedule.isDue(numBatches);
  }

  /** A state is kept now. @returns the record of the epoch, which hasn't ended. */
  keep({ epoch, fit, batches }: BatchPosition, isAveraged: boolean): EpochRecord {
    this.#schedule?.saved();
    return Object.freeze({
      epoch,
      fit,
      entropy: null,
      trainEntropy: null,
      valEntropy: null,
      value: null,
      isBest: false,
      ...(isAveraged ? { isAveraged: true as const } : {}),
      batches,
      logs: Object.freeze({}),
    });
  }

  /** Adds how far the epoch is. @param snapshot of the model now. The caller owns what is returned. */
  capture(snapshot: Snapshot, score: EpochScore, average: WeightAverage | null): Snapshot {
    const progress: EpochProgress = {
      batchesPerEpoch: this.#batchesPerEpoch,
      averagedSteps: average?.numSteps ?? 0,
      entropy: score.shareTrain(),
      logs: this.#logs.share(),
    };
    return { ...snapshot, state: { ...snapshot.state, progress } };
  }

  /**
   * Continues an epoch.
   *
   * @param record says how many of its batches are trained.
   * @param progress the caller keeps its tensors.
   * @param restore restores what else belongs to the state. If it fails, nothing is changed.
   */
  async resume(
    { batches = 0 }: EpochRecord,
    progress: EpochProgress,
    score: EpochScore,
    average: WeightAverage | null,
    restore: () => Promise<void>,
  ): Promise<void> {
    const { entropy, logs } = progress;
    const sources = [...(entropy === null ? [] : [entropy.parts]), ...Object.values(logs.totals)];
    const continueEpoch = (tensorOf: TensorOf): void => {
      this.#numTrained = batches;
      this.#hasBegun = false;
      this.#batchesPerEpoch = progress.batchesPerEpoch;
      if (entropy !== null) {
        score.restoreTrain({ parts: tensorOf(entropy.parts) as tf.Tensor1D, rows: entropy.rows });
      }
      this.#logs.restore({ rows: logs.rows, totals: mapValues(logs.totals, tensorOf) });
      average?.resumeWithin(progress.averagedSteps);
    };
    await withLoaded([{ sources, apply: continueEpoch }], async (tensorOf) => {
      await restore();
      continueEpoch(tensorOf);
    });
  }

  /**
   * Ends the epoch: gives `logs` the means over all of it.
   *
   * @param numBatches how many have ended in this `fit`.
   * @param isComplete whether the epoch ran to its end.
   * @returns a warning if it has other batches than were expected; else null.
   */
  end(logs: Logs, numBatches: number, isComplete: boolean): string | null {
    const [expected, numTrained] = [this.#batchesPerEpoch, this.#numTrained];
    if (numTrained > 0) this.#logs.complete(logs, this.#metrics);
    this.reset();
    if (!isComplete) return null;
    const total = numTrained + numBatches;
    this.#batchesPerEpoch = total;
    if (numTrained === 0 || expected === null || total === expected) return null;
    return (
      `Pass \`dataset.skip(initialBatch)\` for the epoch that \`resume\` continues: expected it to have ${expected} batches, ` +
      `got ${numTrained} before the interruption and ${numBatches} after it. It isn't selected.`
    );
  }

  /** Discards what is known of the running epoch. */
  reset(): void {
    this.#numTrained = 0;
    this.#hasBegun = false;
    this.#logs.reset();
    // The state of its end is kept.
    this.#schedule?.saved();
  }
}

const RECIPE =
  'Train the rest of the epoch by `fitDataset(dataset.skip(initialBatch), { initialEpoch, epochs: initialEpoch + 1 })`, and ' +
  'the epochs after it by another call (docs/resume.md)';

function resumedByFit(epoch: number, numTrained: number): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_WRONG_INITIAL_EPOCH',
    `${RECIPE}: ${numTrained} batches of epoch ${epoch} are trained, and \`fit\` can't begin within an epoch.`,
  );
}

function keptInFit(): EntropyCheckpointError {
  return invalidOption(
    "Use `saveLast: true` with `fit`, which can't begin within an epoch, so a state there could not be resumed. " +
      '`fitDataset` and custom training loops can.',
  );
}

function notTheRest(epoch: number, numTrained: number, got: number | null): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_WRONG_INITIAL_EPOCH',
    `${RECIPE}: ${numTrained} batches of epoch ${epoch} are trained` +
      (got === null ? ', and this call trains other epochs as well.' : `, and this call trains ${got} more.`),
  );
}
