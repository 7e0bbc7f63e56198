import * as tf from '@tensorflow/tfjs';
import type { EpochRecord } from './epoch-record.js';
import { EntropyCheckpointError } from './errors.js';
import { withCheckpoint, type DecodedCheckpoint } from './state/decode-checkpoint.js';
import { restoreState } from './state/training-state.js';
import { joinBytes } from './stores/weight-data.js';
import { resolveStore } from './stores/resolve-store.js';
import type { CheckpointStore, StoredCheckpoint } from './stores/store.js';
import { compiledOptimizer } from './tfjs-internals.js';

export interface LoadCheckpointOptions {
  /** The model to put the state into; stays the caller's. @default a new one, of the stored architecture, not compiled */
  model?: tf.LayersModel;
  /** The optimizer to put the state into; stays the caller's. @default the one that `model` is compiled with */
  optimizer?: tf.Optimizer;
}

export interface LoadedCheckpoint {
  /** The given model, or a new one, which the caller disposes. */
  model: tf.LayersModel;
  /** The epoch that was kept. */
  best: EpochRecord;
}

/**
 * Loads a checkpoint, in this or another process: weights, states of recurrent layers and the optimizer,
 * exactly as they were. Everything is verified before anything in memory is changed.
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
  const store = resolveStore(source);
  const stored = await store.load();
  if (stored === null) {
    throw new EntropyCheckpointError(
      'ENTROPY_NO_CHECKPOINT',
      `Expected a checkpoint in ${store.name}, got nothing.`,
    );
  }
  return withCheckpoint(stored, store.name, async (checkpoint) => {
    checkOptimizer(checkpoint, options, store.name);
    if (options.model !== undefined) {
      restoreState(checkpoint.state, options.model, options.optimizer ?? compiledOptimizer(options.model));
      return { model: options.model, best: checkpoint.record };
    }
    const model = await buildModel(stored);
    try {
      restoreState(checkpoint.state, model, options.optimizer ?? null);
    } catch (error) {
      model.dispose();
      throw error;
    }
    return { model, best: checkpoint.record };
  });
}

function checkOptions(options: LoadCheckpointOptions): void {
  const { model, optimizer } = options;
  const isModel = model === undefined || model instanceof tf.LayersModel;
  const isOptimizer = optimizer === undefined || optimizer instanceof tf.Optimizer;
  // A model itself has fields of these names.
  if (isModel && isOptimizer && !((options as unknown) instanceof tf.LayersModel)) return;
  throw new EntropyCheckpointError(
    'ENTROPY_INVALID_OPTION',
    'Expected the options of `loadCheckpoint` to be `{model, optimizer}`, a tf.LayersModel and a tf.Optimizer, ' +
      'each of which may be left out.',
  );
}

function checkOptimizer(
  { state }: DecodedCheckpoint,
  { optimizer }: LoadCheckpointOptions,
  name: string,
): void {
  if (optimizer === undefined || state.optimizer !== null) return;
  throw new EntropyCheckpointError(
    'ENTROPY_OPTIMIZER_MISMATCH',
    `Expected ${name} to hold the state of an optimizer, got weights alone: it was saved with \`includeOptimizer: false\`.`,
  );
}

/** Whether tfjs can: it keeps a tensor for each constraint, and refuses two weights of one name in nested models. */
function canLoadWeights({ modelTopology, weightSpecs }: StoredCheckpoint): boolean {
  const names = new Set(weightSpecs.map(({ name }) => name));
  return names.size === weightSpecs.length && !JSON.stringify(modelTopology).includes('_constraint":{');
}

/** A model of the stored architecture. Its weights are not yet the stored ones. */
async function buildModel(stored: StoredCheckpoint): Promise<tf.LayersModel> {
  const { entropyCheckpoint, ...userDefinedMetadata } = stored.metadata;
  const modelTopology = stored.modelTopology as object;
  const { weightSpecs } = stored;
  // With weights, as tfjs then leaves out the initialisers, of which some are slow.
  const artifacts = canLoadWeights(stored)
    ? { modelTopology, weightSpecs: [...weightSpecs], weightData: joinBytes(stored.weightData) }
    : { modelTopology };
  try {
    const model = await tf.loadLayersModel(tf.io.fromMemory(artifacts));
    if (Object.keys(userDefinedMetadata).length > 0) model.setUserDefinedMetadata(userDefinedMetadata);
    return model;
  } catch (cause) {
    throw new EntropyCheckpointError(
      'ENTROPY_MODEL_MISMATCH',
      `The stored architecture could not be built: ${String(cause)} Register its custom layers, or pass the \`model\`.`,
      { cause },
    );
  }
}
