import type { LargeSize } from '../inside/saving/large-model.js';
import type { PauseSample, PauseSize, SnapshotSample } from '../inside/saving/pause.js';
import type { Resident } from '../inside/saving/peak-resident.js';
import type { SaveFitSample, SaveFitSize } from '../inside/saving/save-fit.js';
import type { Round } from '../rounds.js';
import type { Estimate } from '../statistics.js';
import type { OwnWay, PauseWay, ReadWay, SaveContenderName, SavingBackend, WriteWay } from './names.js';

/** What `--only save` has measured. */
export interface SavingResults {
  readonly fits: readonly SaveFitResult[];
  readonly pauses: readonly PauseResult[];
  /** One at most. */
  readonly large: readonly LargeModelResult[];
}

export interface SaveFitResult {
  readonly backend: SavingBackend;
  readonly size: SaveFitSize;
  /** Median. */
  readonly bareMs: number;
  /** Time over that of bare `fit`, the mean of both of the same round; the control over the bare one. */
  readonly ratios: Readonly<Partial<Record<SaveContenderName, Estimate>>>;
  /** Outside the training steps, in ms of an epoch; null where a contender was not measured. */
  readonly added: AddedBySaving | null;
  readonly rounds: readonly Round<SaveContenderName, SaveFitSample>[];
}

export interface AddedBySaving {
  /** By the callback without a store, to bare `fit`. */
  readonly notStored: Estimate;
  /** By storing, to the callback without a store. */
  readonly stored: Estimate;
  /** By saving by hand, to bare `fit`. */
  readonly byHand: Estimate;
}

export interface PauseResult {
  readonly backend: SavingBackend;
  readonly size: PauseSize;
  /** Of each round the longest pause while it was saved, above that of bare training, in ms. */
  readonly added: Estimate;
  readonly rounds: readonly Round<PauseWay, PauseSample>[];
  readonly snapshots: readonly SnapshotSample[];
}

/** Times in ms, by the way. */
export interface LargeModelResult {
  readonly size: LargeSize;
  readonly written: readonly Round<WriteWay, number>[];
  /** With the system's cache of files emptied before; none where this cannot be done. */
  readonly readCold: readonly Round<ReadWay, number>[];
  readonly readWarm: readonly Round<ReadWay, number>[];
  /** Each in a process of its own; none where the system does not tell. */
  readonly resident: Readonly<Record<OwnWay, readonly Resident[]>>;
}
