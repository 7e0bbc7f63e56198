import { EntropyCheckpointError } from './errors.js';
import type { LoadCheckpointOptions, LoadedCheckpoint } from './load-checkpoint.js';
import { buildModel } from './state/build-model.js';
import { restoreState } from './state/training-state.js';
import { readHeads, withFirstWhole, type OpenCheckpoint, type StoredHead } from './stored-checkpoints.js';
import type { CheckpointStore, Slot } from './stores/store.js';
import { compiledOptimizer } from './tfjs-internals.js';

/** As `loadCheckpoint`, of options that have been checked. */
export async function loadStored(
  store: CheckpointStore,
  options: LoadCheckpointOptions,
): Promise<LoadedCheckpoint> {
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

function withoutOptimizer(source: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_OPTIMIZER_MISMATCH',
    `Expected ${source} to hold the state of an optimizer, got weights alone: it was saved with \`includeOptimizer: false\`.`,
  );
}
