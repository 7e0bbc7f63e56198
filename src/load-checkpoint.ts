import type * as tf from '@tensorflow/tfjs';
import {
  checkOptions,
  invalidOption,
  isBoolean,
  isIntegerFrom,
  isTimeoutMs,
  type OptionCheck,
} from './check-options.js';
import type { EpochRecord } from './epoch-record.js';
import { EntropyCheckpointError } from './errors.js';
import { loadCode } from './platform/load-code.js';
import { resolveLocation } from './stores/resolve-location.js';
import type { PartialRestore } from './state/partial-restore.js';
import type { CheckpointStore, Json } from './stores/store.js';
import { compiledOptimizer, isModel, isOptimizer } from './tfjs-internals.js';

/** Options of `loadCheckpoint`. All can be left out. */
export interface LoadCheckpointOptions {
  /** The model to restore; the caller keeps it. @default a new one of the stored architecture, not compiled */
  model?: tf.LayersModel;
  /** The optimizer to restore; the caller keeps it. @default the one that `model` is compiled with */
  optimizer?: tf.Optimizer;
  /** The number of a stored epoch, counted from 0; `'last'`: the latest (`saveLast`). @default the best */
  epoch?: number | 'last';
  /**
   * For transfer learning: restores the weights that fit into `model`, and leaves its other weights and its optimizer as
   * they are. A weight of a layer that you named fits by its name, any other by the position and class of its layer;
   * shape and dtype must be equal.
   *
   * @default false
   */
  partial?: boolean;
  /**
   * In milliseconds: how long a `tf.io.IOHandler` or IndexedDB may take for one answer. A number above 0, or `Infinity`.
   *
   * @default 120000
   */
  storeTimeoutMs?: number;
}

/** What `loadCheckpoint` returns. */
export interface LoadedCheckpoint {
  /** The given model, or a new one that the caller disposes. */
  model: tf.LayersModel;
  /** The record of the epoch that was loaded. */
  record: EpochRecord;
  /** The `metadata` that was stored with the epoch; null for none. */
  metadata: Json;
}

/** What `loadCheckpoint` returns with `partial: true`. */
export interface PartiallyLoadedCheckpoint extends LoadedCheckpoint, PartialRestore {}

const CHECKS: Readonly<Record<keyof LoadCheckpointOptions, OptionCheck>> = {
  model: [isModel, 'a tf.LayersModel'],
  optimizer: [isOptimizer, 'a tf.Optimizer'],
  epoch: [(value) => value === 'last' || isIntegerFrom(0)(value), "an integer from 0 up, or 'last'"],
  partial: [isBoolean, 'true or false'],
  storeTimeoutMs: [isTimeoutMs, 'a number of milliseconds above 0, or Infinity'],
};

/**
 * Restores the weights of a checkpoint that fit into another model, and says which: for transfer learning.
 *
 * @param source a path, a URL, a `tf.io.IOHandler` or a store, as for the option `filepath`.
 * @throws EntropyCheckpointError `ENTROPY_MODEL_MISMATCH` if no weight fits; and whatever is thrown without `partial`.
 *   Nothing is changed then.
 * @example
 * const { restored, skipped } = await loadCheckpoint('checkpoints/run-7', { model, partial: true });
 */
export function loadCheckpoint(
  source: string | URL | tf.io.IOHandler | CheckpointStore,
  options: LoadCheckpointOptions & { partial: true },
): Promise<PartiallyLoadedCheckpoint>;
/**
 * Loads a checkpoint, in this or another process: weights, states of recurrent layers and the optimizer, exactly as
 * they were. Everything is verified before anything in memory is changed.
 *
 * If the best epoch is damaged and others are stored (`maxToKeep`), the next best is loaded, with a warning.
 *
 * @param source a path, a URL, a `tf.io.IOHandler` or a store, as for the option `filepath`.
 * @throws EntropyCheckpointError `ENTROPY_NO_CHECKPOINT`, `ENTROPY_NOT_A_CHECKPOINT`, `ENTROPY_CORRUPT_CHECKPOINT`,
 *   `ENTROPY_MODEL_MISMATCH`, `ENTROPY_OPTIMIZER_MISMATCH`, `ENTROPY_MODEL_DISPOSED`, `ENTROPY_UNSUPPORTED_MODEL`,
 *   `ENTROPY_STORE_FAILED`, `ENTROPY_INVALID_OPTION`.
 * @example
 * const { model, record } = await loadCheckpoint('checkpoints/run-7');
 */
export function loadCheckpoint(
  source: string | URL | tf.io.IOHandler | CheckpointStore,
  options?: LoadCheckpointOptions,
): Promise<LoadedCheckpoint>;
export async function loadCheckpoint(
  source: string | URL | tf.io.IOHandler | CheckpointStore,
  options: LoadCheckpointOptions = {},
): Promise<LoadedCheckpoint> {
  // A model has fields with the names of these options.
  if (isModel(options)) throw modelAsOptions();
  checkOptions(options, CHECKS);
  const { model, optimizer, epoch, partial = false, storeTimeoutMs } = options;
  if (partial) refuseWholeOptions(options);
  const location = resolveLocation(source);
  const [{ withStoredEpoch }, { requireLiveModel, restoreState }, { buildModel }, partialRestore, store] =
    await Promise.all([
      loadCode(import('./saving/load-stored.js')),
      loadCode(import('./state/training-state.js')),
      loadCode(import('./state/model/build-model.js')),
      partial ? loadCode(import('./state/partial-restore.js')) : null,
      location.loadStore(storeTimeoutMs),
    ]);
  if (model !== undefined) requireLiveModel(model);
  return withStoredEpoch(store, epoch, async ({ state, manifest, record, metadata }) => {
    if (optimizer !== undefined && state.optimizer === null) throw withoutOptimizer(store.name);
    if (model === undefined) {
      const built = await buildModel(manifest, (empty) =>
        restoreState(state, empty, optimizer ?? null, { isUnseen: true }),
      );
      return { model: built, record, metadata };
    }
    if (partialRestore !== null) {
      return { model, record, metadata, ...(await partialRestore.restoreFitting(state, model)) };
    }
    await restoreState(state, model, optimizer ?? compiledOptimizer(model));
    return { model, record, metadata };
  });
}

/** @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` for options that contradict `partial: true`. */
function refuseWholeOptions({ model, optimizer }: LoadCheckpointOptions): void {
  if (model === undefined) {
    throw invalidOption('Pass `model` with `partial: true`: a new model gets every weight that is stored.');
  }
  if (optimizer !== undefined) {
    throw invalidOption('Leave out `optimizer` with `partial: true`, which leaves every optimizer as it is.');
  }
}

function modelAsOptions(): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_INVALID_ARGUMENT',
    'Pass the model as `loadCheckpoint(source, { model })`: expected an object of options, got a model.',
  );
}

function withoutOptimizer(source: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_OPTIMIZER_MISMATCH',
    `Leave out \`optimizer\`: ${source} was saved with \`includeOptimizer: false\`, and holds weights alone.`,
  );
}
