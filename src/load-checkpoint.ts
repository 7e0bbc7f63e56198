import * as tf from '@tensorflow/tfjs';
import type { EpochRecord } from './epoch-record.js';
import { EntropyCheckpointError } from './errors.js';
import { loadCode } from './load-code.js';
import { resolvePlace } from './stores/resolve-place.js';
import type { CheckpointStore } from './stores/store.js';

/** Options of `loadCheckpoint`; each may be left out. */
export interface LoadCheckpointOptions {
  /** The model to put the state into; stays the caller's. @default a new one, of the stored architecture, not compiled */
  model?: tf.LayersModel;
  /** The optimizer to put the state into; stays the caller's. @default the one that `model` is compiled with */
  optimizer?: tf.Optimizer;
  /** Which of the stored epochs, counted from 0; `'last'`: the latest (`saveLast`). @default the best */
  epoch?: number | 'last';
}

/** What `loadCheckpoint` gives. */
export interface LoadedCheckpoint {
  /** The given model, or a new one, which the caller disposes. */
  model: tf.LayersModel;
  /** The epoch that was loaded: the best, if no other was asked for. */
  best: EpochRecord;
}

/**
 * Loads a checkpoint, in this or another process: weights, states of recurrent layers and the optimizer,
 * exactly as they were. Everything is verified before anything in memory is changed.
 *
 * If the best is damaged and others are stored (`maxToKeep`), the next best is loaded, with a warning.
 *
 * @param source a path, a URL, a `tf.io.IOHandler` or a store, as `filepath` takes it.
 * @throws EntropyCheckpointError `ENTROPY_NO_CHECKPOINT`, `ENTROPY_NOT_A_CHECKPOINT`,
 *   `ENTROPY_CORRUPT_CHECKPOINT`, `ENTROPY_MODEL_MISMATCH`, `ENTROPY_OPTIMIZER_MISMATCH`,
 *   `ENTROPY_STORE_FAILED`, `ENTROPY_INVALID_OPTION`.
 */
export async function loadCheckpoint(
  source: string | tf.io.IOHandler | CheckpointStore,
  options: LoadCheckpointOptions = {},
): Promise<LoadedCheckpoint> {
  checkOptions(options);
  const place = resolvePlace(source);
  const [{ loadStored }, store] = await Promise.all([
    loadCode(import('./load-stored.js')),
    place.loadStore(),
  ]);
  return loadStored(store, options);
}

function checkOptions(options: LoadCheckpointOptions): void {
  const { model, optimizer, epoch } = options;
  const isModel = model === undefined || model instanceof tf.LayersModel;
  const isOptimizer = optimizer === undefined || optimizer instanceof tf.Optimizer;
  const isEpoch = epoch === undefined || epoch === 'last' || (Number.isInteger(epoch) && epoch >= 0);
  // A model itself has fields of these names.
  if (isModel && isOptimizer && isEpoch && !((options as unknown) instanceof tf.LayersModel)) return;
  throw new EntropyCheckpointError(
    'ENTROPY_INVALID_OPTION',
    'Expected the options of `loadCheckpoint` to be `{model, optimizer, epoch}`, a tf.LayersModel, a tf.Optimizer ' +
      "(of the TensorFlow.js that this package imports), and an integer from 0 up or 'last', each of which may be left out.",
  );
}
