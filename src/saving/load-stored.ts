import { byValue } from '../epoch-record.js';
import { EntropyCheckpointError, excerpt } from '../errors.js';
import type { CheckpointSlot, CheckpointStore } from '../stores/store.js';
import { readManifests, withFirstWhole, type OpenCheckpoint, type SlotManifest } from './read-checkpoints.js';
import { isUnranked } from './slot-policy.js';
import { ofNewestTraining } from './training-identity.js';

/**
 * Runs `use` on a stored checkpoint of the newest training in the store.
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
  const slots = epoch === undefined ? await bestFirst(store) : await slotsOf(store, epoch);
  const result = await withFirstWhole(store, slots, async (checkpoint) => ({ value: await use(checkpoint) }));
  if (result !== null) return result.value;
  throw await nothingStored(store, epoch);
}

/** The best, and if that is damaged the next best. */
async function bestFirst(store: CheckpointStore): Promise<CheckpointSlot[]> {
  if (store.capacity === 'one') return ['best'];
  const { manifests } = await readManifests(store);
  const newest = ofNewestTraining(manifests);
  const isOfOther = manifests.some((one) => one.slot === 'best' && !newest.includes(one));
  // An epoch that is only in an unranked slot is a best one if its save was cut short before it reached 'best'.
  const isRanked = ({ slot, record }: SlotManifest): boolean =>
    slot !== 'best' && (!isUnranked(slot) || (isOfOther && record.isBest));
  const others = newest.filter(isRanked).sort((a, b) => byValue(a.mode)(a.record, b.record));
  return [...(isOfOther ? [] : ['best' as const]), ...others.map(({ slot }) => slot)];
}

/** The slots that hold an epoch, that of the latest `fit` first. */
async function slotsOf(store: CheckpointStore, epoch: number | 'last'): Promise<CheckpointSlot[]> {
  const { manifests, errors } = await readManifests(store);
  const newest = ofNewestTraining(manifests);
  if (epoch === 'last') {
    const isOfOther = manifests.some((one) => one.slot === 'last' && !newest.includes(one));
    return isOfOther ? [] : ['last'];
  }
  // A state within the epoch isn't that of the epoch.
  const found = newest
    .filter(({ record }) => record.epoch === epoch && record.batches === undefined)
    .sort((a, b) => b.record.fit - a.record.fit);
  // The caller may have asked for the damaged epoch.
  if (found.length === 0 && errors[0] !== undefined) throw errors[0];
  return found.map(({ slot }) => slot);
}

/** The error for a store that holds nothing of what is asked for. @param epoch undefined: the best. */
export async function nothingStored(
  store: CheckpointStore,
  epoch?: number | 'last',
): Promise<EntropyCheckpointError> {
  const { manifests } = await readManifests(store);
  const stored = ofNewestTraining(manifests).map(({ slot, record }) =>
    slot === 'last' ? "'last'" : String(record.epoch),
  );
  const wanted = epoch === undefined ? 'a best epoch' : `epoch ${epoch === 'last' ? "'last'" : epoch}`;
  const got = stored.length === 0 ? 'nothing' : `these: ${excerpt([...new Set(stored)].join(', '))}`;
  return new EntropyCheckpointError(
    'ENTROPY_NO_CHECKPOINT',
    `Expected ${wanted} in ${store.name}, got ${got}.`,
  );
}
