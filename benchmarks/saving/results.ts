import type { LargeSize } from '../inside/saving/large-model.js';
import type { LongTrainingSample, LongTrainingSize } from '../inside/saving/long-training.js';
import type { PauseSample, PauseSize, SnapshotSample } from '../inside/saving/pause.js';
import type { ResidentSet } from '../inside/saving/resident-set.js';
import type { SaveFitSample, SaveFitSize } from '../inside/saving/save-fit.js';
import type { Round } from '../rounds.js';
import type { Estimate } from '../statistics.js';
import type {
  PackageMethod,
  PauseMode,
  ReadMethod,
  SaveContenderName,
  SavingBackend,
  TrainingLength,
  WriteMethod,
} from './names.js';

/** The measurements of `--only save`, `--only long` and `--only large`. */
export interface SavingResults {
  readonly fits: readonly SaveFitResult[];
  readonly pauses: readonly PauseResult[];
  /** A result for each `maxToKeep`. */
  readonly long?: readonly LongTrainingResult[];
  /** One result at most. */
  readonly large: readonly LargeModelResult[];
}

export interface SaveFitResult {
  readonly backend: SavingBackend;
  readonly size: SaveFitSize;
  /** Median. */
  readonly bareMs: number;
  /** Time over the mean of both bare fits of the same round. The control is compared with the other bare `fit`. */
  readonly ratios: Readonly<Partial<Record<SaveContenderName, Estimate>>>;
  /** Time added outside the optimizer steps, in ms for each epoch; null if a contender was not measured. */
  readonly added: AddedBySaving | null;
  readonly rounds: readonly Round<SaveContenderName, SaveFitSample>[];
}

export interface AddedBySaving {
  /** Added by the callback without a store, to bare `fit`. */
  readonly notStored: Estimate;
  /** Added by storing, to the callback without a store. */
  readonly stored: Estimate;
  /** Added by a callback that calls `model.save`, to bare `fit`. */
  readonly modelSave: Estimate;
}

export interface PauseResult {
  readonly backend: SavingBackend;
  readonly size: PauseSize;
  /** The longest pause during a save minus that of bare training in the same round, in ms. */
  readonly added: Estimate;
  readonly rounds: readonly Round<PauseMode, PauseSample>[];
  readonly snapshots: readonly SnapshotSample[];
}

export interface LongTrainingResult {
  readonly maxToKeep: number;
  /** How many epochs had ended before the saves. */
  readonly epochs: Readonly<Record<TrainingLength, number>>;
  /** How many saves each measurement makes. */
  readonly saves: number;
  readonly size: LongTrainingSize;
  /** The cost of a save after many epochs, over that after few in the same round. */
  readonly ratio: Estimate;
  readonly rounds: readonly Round<TrainingLength, LongTrainingSample>[];
}

/** Times are in ms, by method. */
export interface LargeModelResult {
  readonly size: LargeSize;
  readonly written: readonly Round<WriteMethod, number>[];
  /** Reads after the system's file cache was emptied; empty if that is not possible. */
  readonly readCold: readonly Round<ReadMethod, number>[];
  readonly readWarm: readonly Round<ReadMethod, number>[];
  /** Each measured in a new process; empty if the system does not report it. */
  readonly resident: Readonly<Record<PackageMethod, readonly ResidentSet[]>>;
}
