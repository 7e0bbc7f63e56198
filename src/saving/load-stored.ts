import { EntropyCheckpointError } from '../errors.js';
import type { CheckpointSlot, CheckpointStore } from '../stores/store.js';
import {
  readManifests,
  withFirstWhole,
  type OpenCheckpoint,
  type StoredManifest,
} from './read-checkpoints.js';

/**
 * Runs `use` on a stored checkpoint.
 *
 * @param epoch counted from 0, or `'last'`; undefined: the best, or if that is damaged the next best.
 * @throws EntropyCheckpointError `ENTROPY_NO_CHECKPOINT`, `ENTROPY_CORRUPT_CHECKPOINT`,
 *   `ENTROPY_NOT_A_CHECKPOINT`, `ENTROPY_STORE_FAILED`; and what `use` throws.
 */
export async function withStoredEpoch<T>(
  store: CheckpointStore,
  epoch: number | 'last' | undefined,
  use: (checkpoint: OpenCheckpoint) => Promise<T>,
): Promise<T> {
  const slots = epoch === undefined ? bestFirst(store) : await slotsOf(store, epoch);
  const result = await withFirstWhole(store, slots, async (checkpoint) => ({ value: await use(checkpoint) }));
  if (result !== null) return result.value;
  throw await nothingStored(store, epoch);
}

/** The best, and if that is damaged the next best. */
async function* bestFirst(store: CheckpointStore): AsyncGenerator<CheckpointSlot> {
  yield 'best';
  if (store.capacity === 'one') return;
  const { manifests } = await readManifests(store);
  const others = manifests.filter(({ slot }) => slot !== 'best' && slot !== 'last');
  for (const { slot } of others.sort(byRank)) yield slot;
}

function byRank(a: StoredManifest, b: StoredManifest): number {
  const gain = (a.record.value ?? NaN) - (b.record.value ?? NaN);
  return a.mode === 'max' ? -gain : gain;
}

/** The slots that hold an epoch, that of the latest `fit` first. */
async function slotsOf(store: CheckpointStore, epoch: number | 'last'): Promise<CheckpointSlot[]> {
  if (epoch === 'last') return ['last'];
  const { manifests, errors } = await readManifests(store);
  const found = manifests
    .filter(({ record }) => record.epoch === epoch)
    .sort((a, b) => b.record.fit - a.record.fit);
  // The caller may have asked for the damaged epoch.
  if (found.length === 0 && errors[0] !== undefined) throw errors[0];
  return found.map(({ slot }) => slot);
}

async function nothingStored(
  store: CheckpointStore,
  epoch: number | 'last' | undefined,
): Promise<EntropyCheckpointError> {
  const { manifests } = await readManifests(store);
  const stored = manifests.map(({ slot, record }) => (slot === 'last' ? "'last'" : String(record.epoch)));
  const wanted = epoch === undefined ? 'a best epoch' : `epoch ${epoch === 'last' ? "'last'" : epoch}`;
  const got = stored.length === 0 ? 'nothing' : `these: ${[...new Set(stored)].join(', ')}`;
  return new EntropyCheckpointError(
    'ENTROPY_NO_CHECKPOINT',
    `Expected ${wanted} in ${store.name}, got ${got}.`,
  );
}
