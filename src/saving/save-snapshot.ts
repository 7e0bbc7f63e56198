import { EntropyCheckpointError } from '../errors.js';
import { encodeCheckpoint, type CheckpointDescription } from '../format/encode-checkpoint.js';
import type { Snapshot } from '../format/snapshot.js';
import type { CheckpointStore, SlotUpdate } from '../stores/store.js';
import type { SavedCheckpoint } from './pending-saves.js';

/**
 * Stores a snapshot.
 *
 * @param beforeReading runs when the store begins to read it. If it rejects, nothing is stored.
 * @param onEncoded receives the checksum that identifies the checkpoint. A save may fail after it has stored everything.
 */
export async function saveSnapshot(
  store: CheckpointStore,
  snapshot: Snapshot,
  update: SlotUpdate,
  description: CheckpointDescription,
  beforeReading: () => Promise<void>,
  onEncoded: (checksum: string) => void,
): Promise<SavedCheckpoint> {
  let checksum = '';
  const source = encodeCheckpoint(snapshot, description, (encoded) => {
    checksum = encoded;
    onEncoded(encoded);
  });
  const lost = await store.save(
    {
      ...source,
      async readShard(buffer) {
        await beforeReading();
        return source.readShard(buffer);
      },
    },
    update,
  );
  return { checksum, lost: lost ?? [] };
}

/** Wraps `cause` in an error of this package, unless it is one. */
export function asStoreError(cause: unknown, store: string): EntropyCheckpointError {
  if (cause instanceof EntropyCheckpointError) return cause;
  return new EntropyCheckpointError('ENTROPY_STORE_FAILED', `Could not save to ${store}: ${String(cause)}`, {
    cause,
  });
}
