import { byValue, type EpochRecord } from '../epoch-record.js';
import type { CheckpointSlot, CheckpointStore, Json } from '../stores/store.js';
import { textOf, warn } from '../warnings.js';
import { nothingStored } from './load-stored.js';
import { readManifests, type SlotManifest } from './read-checkpoints.js';
import { ofNewestTraining } from './training-identity.js';

/** Why an epoch is stored. */
type StoredAs = 'best' | 'kept' | 'last';

/** A stored epoch, without its weights. */
interface ListedEpoch {
  readonly record: EpochRecord;
  readonly storedAs: StoredAs[];
  readonly metadata: Json;
  readonly sizeBytes: number;
}

/**
 * The epochs of the newest training in the store, best first.
 *
 * @throws EntropyCheckpointError `ENTROPY_NO_CHECKPOINT` for an empty store; `ENTROPY_CORRUPT_CHECKPOINT` or
 *   `ENTROPY_NOT_A_CHECKPOINT` if everything there is damaged or foreign; `ENTROPY_STORE_FAILED`.
 */
export async function listStored(store: CheckpointStore): Promise<ListedEpoch[]> {
  const { manifests, errors } = await readManifests(store);
  if (manifests.length === 0) throw errors[0] ?? (await nothingStored(store));
  for (const error of errors) warn(`${textOf(error)} It is left out of the list.`);
  // An epoch in several slots is one checkpoint.
  const byChecksum = new Map<string, { manifest: SlotManifest; storedAs: Set<StoredAs> }>();
  for (const manifest of ofNewestTraining(manifests)) {
    const listed = byChecksum.get(manifest.checksum) ?? { manifest, storedAs: new Set() };
    listed.storedAs.add(reasonFor(manifest.slot));
    byChecksum.set(manifest.checksum, listed);
  }
  return [...byChecksum.values()].sort(bestFirst).map(({ manifest, storedAs }) => {
    const { record, metadata, sizeBytes } = manifest;
    return {
      record,
      storedAs: (['best', 'kept', 'last'] as const).filter((as) => storedAs.has(as)),
      metadata,
      sizeBytes,
    };
  });
}

function reasonFor(slot: CheckpointSlot): StoredAs {
  return slot === 'best' || slot === 'last' ? slot : 'kept';
}

interface Listed {
  readonly manifest: SlotManifest;
  readonly storedAs: ReadonlySet<StoredAs>;
}

function bestFirst(a: Listed, b: Listed): number {
  const [one, other] = [a.manifest, b.manifest];
  return (
    Number(b.storedAs.has('best')) - Number(a.storedAs.has('best')) ||
    Number(hasValue(other)) - Number(hasValue(one)) ||
    (hasValue(one) ? byValue(one.mode)(one.record, other.record) : 0) ||
    // Of equal epochs, the earlier is better.
    one.record.fit - other.record.fit ||
    one.record.epoch - other.record.epoch
  );
}

function hasValue({ record }: SlotManifest): boolean {
  return Number.isFinite(record.value);
}
