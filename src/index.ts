/**
 * Everything that the package exports: the callback for `fit`, its counterpart for a custom training loop,
 * `loadCheckpoint` and `listCheckpoints`, `compareReports`, the top-k entropy operation, and the types for custom stores.
 *
 * @module API
 * @group API
 */

export { EntropyCheckpointCallback } from './callback.js';
export { EntropyCheckpoint } from './checkpoint.js';
export { compareReports } from './report/compare-reports.js';
export { topKEntropy, type TopKEntropyOptions } from './entropy/top-k-entropy.js';
export type { EpochRecord, MonitoredEpoch, Phase } from './epoch-record.js';
export { EntropyCheckpointError, type EntropyCheckpointErrorCode } from './errors.js';
export {
  listCheckpoints,
  type ListCheckpointsOptions,
  type ListedCheckpoint,
} from './saving/list-checkpoints.js';
export {
  loadCheckpoint,
  type LoadCheckpointOptions,
  type LoadedCheckpoint,
  type PartiallyLoadedCheckpoint,
} from './load-checkpoint.js';
export type { AveragingOptions, EntropyCheckpointOptions, SaveLastOptions, YieldEvery } from './options.js';
export type { CheckpointJson } from './report/checkpoint-json.js';
export type { ComparedTraining } from './report/check-trainings.js';
export type { ComparisonOptions } from './report/comparison.js';
export type { EpochRow, EpochTable } from './report/epoch-table.js';
export type { ReportChart, ReportCurve, ReportFact, ReportJson } from './report/report-json.js';
export type { ReportJsonOptions, ReportOptions } from './report/report.js';
export type { EpochSummary } from './report/summary.js';
export type { LogValue } from './scoring/epoch-logs.js';
export type { MonitorFunction, MonitorName } from './selection/monitor.js';
export type { PartialRestore, SkippedWeight } from './state/partial-restore.js';
export { MemoryStore } from './stores/memory-store.js';
export type {
  CheckpointManifest,
  CheckpointSlot,
  CheckpointSource,
  CheckpointStore,
  Json,
  ShardBuffer,
  ShardInBuffer,
  SharedShard,
  ShardSpec,
  SlotUpdate,
  StoredCheckpoint,
  StoredManifest,
} from './stores/store.js';
export type { CallbackInstance, CallbackLike } from './tfjs-internals.js';
export type { CheckpointAccess, InitialPosition } from './training-session.js';
