import { EntropyCheckpointError } from '../errors.js';
import { encodeCheckpoint, type CheckpointDescription } from '../format/encode-checkpoint.js';
import type { Snapshot } from '../format/snapshot.js';
import type { CheckpointStore, SlotUpdate } from '../stores/store.js';

/** Stores a snapshot. @returns the checksum that identifies the checkpoint. */
export async function saveSnapshot(
  store: CheckpointStore,
  snapshot: Snapshot,
  update: SlotUpdate,
  description: CheckpointDescription,
): Promise<string> {
  let checksum = '';
  const source = encodeCheckpoint(snapshot, description, (encoded) => {
    checksum = encoded;
  });
  await store.save(source, update);
  return checksum;
}

/** Wraps `cause` in an error of this package, unless it is one. */
export function asStoreError(cause: unknown, store: string): EntropyCheckpointError {
  if (cause instanceof EntropyCheckpointError) return cause;
  return new EntropyCheckpointError('ENTROPY_STORE_FAILED', `Could not save to ${store}: ${String(cause)}`, {
    cause,
  });
}
