import type { FitSize } from './inside/fit.js';
import type { KernelSample } from './inside/kernel.js';
import type { PeakMemory } from './inside/peak-memory.js';
import type { Machine } from './machine.js';
import type { BackendLabel, ContenderName, MemoryWay, WorkloadName } from './names.js';
import type { Round } from './rounds.js';
import type { SavingResults } from './saving/results.js';
import type { Estimate } from './statistics.js';

/** What is printed and written. */
export interface Results {
  /** The command that printed it. */
  readonly command: string;
  /** Whether it was only to be seen that all of it runs. */
  readonly isQuick: boolean;
  /** ISO 8601. */
  readonly finishedAt: string;
  readonly machine: Machine;
  /** Where each was measured, with the adapter's name. */
  readonly backends: Partial<Record<BackendLabel, string>>;
  readonly fits: readonly FitResult[];
  readonly kernels: readonly KernelResult[];
  readonly memory: readonly MemoryResult[];
  readonly saving: SavingResults;
  /** What could not be measured though it should have been. */
  readonly failures: readonly string[];
}

export interface FitResult {
  readonly backend: BackendLabel;
  readonly workload: WorkloadName;
  readonly outcome: FitOutcome | NotTrained;
}

export interface NotTrained {
  /** Why this backend cannot train it. */
  readonly reason: string;
}

export interface FitOutcome {
  readonly size: FitSize;
  readonly bareMs: number;
  /** Time over that of bare `fit`, the mean of both of the same round; the control over the bare one. */
  readonly ratios: Partial<Record<ContenderName, Estimate>>;
  /** Whether the intervals of callback and control are narrower than ±0.01. */
  readonly isSettled: boolean;
  /** Times in ms. */
  readonly rounds: readonly Round<ContenderName, number>[];
}

export type KernelVariant = 'fused' | 'composed';

export interface KernelResult {
  readonly backend: BackendLabel;
  readonly rows: number;
  readonly numClasses: number;
  readonly fromLogits: boolean;
  /** Medians, of one call. */
  readonly fused: KernelSample;
  readonly composed: KernelSample;
  /** Composed over fused, time until it was read. */
  readonly ratio: Estimate;
  readonly rounds: readonly Round<KernelVariant, KernelSample>[];
}

export interface MemoryResult {
  readonly way: MemoryWay;
  readonly rows: number;
  readonly numClasses: number;
  /** Medians; null where it was not run, for want of memory. */
  readonly peak: PeakMemory | null;
  readonly runs: readonly PeakMemory[];
  /** Of the process, for predictions that are held at the same time, as estimated beforehand. */
  readonly neededBytes: number;
}
