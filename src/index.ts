/**
 * Everything that the package exports: the callback for `fit`, its twin for a loop of one's own, what loads a
 * checkpoint, the operation, and the types of stores.
 *
 * @module API
 */

export { EntropyCheckpointCallback } from './callback.js';
export { EntropyCheckpoint } from './checkpoint.js';
export type { CriterionName } from './criteria/criterion.js';
export type { Phase } from './entropy/entropy-score.js';
export { topKEntropy, type TopKEntropyOptions } from './entropy/top-k-entropy.js';
export type { LogValue } from './epoch-logs.js';
export type { EpochRecord } from './epoch-record.js';
export { EntropyCheckpointError, type EntropyCheckpointErrorCode } from './errors.js';
export { loadCheckpoint, type LoadCheckpointOptions, type LoadedCheckpoint } from './load-checkpoint.js';
export type { EntropyCheckpointOptions, YieldEvery } from './options.js';
export type { ReportOptions } from './report/report.js';
export { MemoryStore } from './stores/memory-store.js';
export type {
  CheckpointHead,
  CheckpointSource,
  CheckpointStore,
  Json,
  Placement,
  ShardInBuffer,
  ShardSpec,
  Slot,
  StoredCheckpoint,
} from './stores/store.js';
