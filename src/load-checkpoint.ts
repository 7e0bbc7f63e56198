import * as tf from '@tensorflow/tfjs';
import type { EpochRecord } from './epoch-record.js';
import { EntropyCheckpointError } from './errors.js';
import { buildModel } from './state/build-model.js';
import { restoreState } from './state/training-state.js';
import { readHeads, withFirstWhole, type OpenCheckpoint, type StoredHead } from './stored-checkpoints.js';
import { resolveStore } from './stores/resolve-store.js';
import type { CheckpointStore, Slot } from './stores/store.js';
import { compiledOptimizer } from './tfjs-internals.js';

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
  const store = resolveStore(source);
  const { epoch } = options;
  const slots = epoch === undefined ? bestFirst(store) : await slotsOf(store, epoch);
  const loaded = await withFirstWhole(store, slots, (checkpoint) => restore(checkpoint, options, store.name));
  if (loaded !== null) return loaded;
  throw await nothingStored(store, epoch);
}

async function restore(
  { state, head, record }: OpenCheckpoint,
  { model, optimizer }: LoadCheckpointOptions,
  source: string,
): Promise<LoadedCheckpoint> {
  if (optimizer !== undefined && state.optimizer === null) throw withoutOptimizer(source);
  if (model !== undefined) {
    await restoreState(state, model, optimizer ?? compiledOptimizer(model));
    return { model, best: record };
  }
  const built = await buildModel(head, (empty) => restoreState(state, empty, optimizer ?? null));
  return { model: built, best: record };
}

/** The best, and if that is damaged the next best. */
async function* bestFirst(store: CheckpointStore): AsyncGenerator<Slot> {
  yield 'best';
  if (store.capacity === 'one') return;
  const { heads } = await readHeads(store);
  const others = heads.filter(({ slot }) => slot !== 'best' && slot !== 'last');
  for (const { slot } of others.sort(byRank)) yield slot;
}

function byRank(a: StoredHead, b: StoredHead): number {
  const gain = (a.record.value ?? NaN) - (b.record.value ?? NaN);
  return a.mode === 'max' ? -gain : gain;
}

/** The slots that hold an epoch, that of the latest `fit` first. */
async function slotsOf(store: CheckpointStore, epoch: number | 'last'): Promise<Slot[]> {
  if (epoch === 'last') return ['last'];
  const { heads, errors } = await readHeads(store);
  const found = heads
    .filter(({ record }) => record.epoch === epoch)
    .sort((a, b) => b.record.fit - a.record.fit);
  // It may be what is damaged.
  if (found.length === 0 && errors[0] !== undefined) throw errors[0];
  return found.map(({ slot }) => slot);
}

async function nothingStored(
  store: CheckpointStore,
  epoch: number | 'last' | undefined,
): Promise<EntropyCheckpointError> {
  const { heads } = await readHeads(store);
  const held = heads.map(({ slot, record }) => (slot === 'last' ? "'last'" : String(record.epoch)));
  const wanted = epoch === undefined ? 'a best epoch' : `epoch ${epoch === 'last' ? "'last'" : epoch}`;
  const got = held.length === 0 ? 'nothing' : `these: ${[...new Set(held)].join(', ')}`;
  return new EntropyCheckpointError(
    'ENTROPY_NO_CHECKPOINT',
    `Expected ${wanted} in ${store.name}, got ${got}.`,
  );
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
    'Expected the options of `loadCheckpoint` to be `{model, optimizer, epoch}`, a tf.LayersModel, a tf.Optimizer, ' +
      "and an integer from 0 up or 'last', each of which may be left out.",
  );
}

function withoutOptimizer(source: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_OPTIMIZER_MISMATCH',
    `Expected ${source} to hold the state of an optimizer, got weights alone: it was saved with \`includeOptimizer: false\`.`,
  );
}
