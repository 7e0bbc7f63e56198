import { encodeCheckpoint, type CheckpointDescription } from '../format/encode-checkpoint.js';
import type { Snapshot } from '../format/snapshot.js';
import type { CheckpointSlot, CheckpointStore, SlotUpdate } from '../stores/store.js';

/**
 * Stores a snapshot.
 *
 * @param beforeReading runs when the store begins to read it. If it rejects, nothing is stored.
 * @param onEncoded receives the checksum that identifies the checkpoint. A save may fail after it has stored everything.
 * @returns the slots that the store had lost.
 */
export async function saveSnapshot(
  store: CheckpointStore,
  snapshot: Snapshot,
  update: SlotUpdate,
  description: CheckpointDescription,
  beforeReading: () => Promise<void>,
  onEncoded: (checksum: string) => void,
): Promise<readonly CheckpointSlot[]> {
  const source = encodeCheckpoint(snapshot, description, onEncoded);
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
  return lost ?? [];
}
