import type { EpochRecord } from '../epoch-record.js';

/** What `JSON.stringify` writes of a checkpoint: plain data. */
export interface CheckpointJson {
  /** The name of the monitored value; `'(a function)'` for a function. */
  readonly monitor: string;
  /** Whether the largest or the smallest value is the best. */
  readonly mode: 'max' | 'min';
  /** Where checkpoints are stored: an absolute path, a URL, or what describes a store; null: in memory only. */
  readonly location: string | null;
  /** The best epoch; null before the first. */
  readonly best: EpochRecord | null;
  /** The best epochs, best first. */
  readonly kept: readonly EpochRecord[];
  /** Every epoch that has ended, in the order in which they ran. */
  readonly history: readonly EpochRecord[];
}
