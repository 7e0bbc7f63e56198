import type { FitSize } from './inside/fit.js';
import type { KernelSample } from './inside/kernel.js';
import type { PeakMemory } from './inside/peak-memory.js';
import type { Machine } from './machine.js';
import type { BackendLabel, ContenderName, MemoryMethod, WorkloadName } from './names.js';
import type { Round } from './rounds.js';
import type { SavingResults } from './saving/results.js';
import type { Estimate } from './statistics.js';

/** Everything that is printed and written. */
export interface Results {
  /** The command that was run. */
  readonly command: string;
  /** Whether the run was only to check that everything runs. */
  readonly isQuick: boolean;
  /** As ISO 8601. */
  readonly finishedAt: string;
  readonly machine: Machine;
  /** The description of each backend that was measured, with the name of its adapter. */
  readonly backends: Partial<Record<BackendLabel, string>>;
  readonly fits: readonly FitResult[];
  readonly kernels: readonly KernelResult[];
  readonly memory: readonly MemoryResult[];
  readonly saving: SavingResults;
  /** Measurements that failed, and why. */
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
  /** Time over the mean of both bare fits of the same round. The control is compared with the other bare `fit`. */
  readonly ratios: Partial<Record<ContenderName, Estimate>>;
  /**
   * CPU time over that without the samples of this package; null where the device computes by itself. That of the average
   * of the weights is over that of the same callback without it.
   */
  readonly attributed: Partial<Record<ContenderName, Estimate>> | null;
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
  /** Medians of the time of one call. */
  readonly fused: KernelSample;
  readonly composed: KernelSample;
  /** Composed over fused: the time until the result was read. */
  readonly ratio: Estimate;
  readonly rounds: readonly Round<KernelVariant, KernelSample>[];
}

export interface MemoryResult {
  readonly method: MemoryMethod;
  readonly rows: number;
  readonly numClasses: number;
  /** Medians; null if the cell was not run because memory was short. */
  readonly peak: PeakMemory | null;
  readonly runs: readonly PeakMemory[];
  /** Estimate of the memory for predictions that are held at the same time. */
  readonly neededBytes: number;
}
