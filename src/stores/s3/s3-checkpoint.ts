import { damaged } from '../check-manifest.js';
import { shardFileName, slotFileName, slotOfFile } from '../file-names.js';
import { InMemoryCheckpoint } from '../in-memory-checkpoint.js';
import { MAX_MANIFEST_BYTES } from '../json-limits.js';
import { mapConcurrent } from '../map-concurrent.js';
import { decodeModelJson } from '../model-json.js';
import type { CheckpointSlot, StoredCheckpoint, StoredManifest } from '../store.js';
import { readIndex } from './checkpoint-index.js';
import { MAX_REQUESTS, type S3Folder } from './s3-folder.js';

/** The slots that hold something, by the name of the object with its manifest. */
export async function storedManifests(folder: S3Folder): Promise<Map<CheckpointSlot, string>> {
  const index = await readIndex(folder);
  if (index !== null) return new Map([...index.slots].map(([slot, { manifest }]) => [slot, manifest]));
  // A folder that was copied here.
  const names = [...(await folder.list()).keys()];
  return new Map(names.flatMap((name) => [[slotOfFile(name), name] as const]).filter(isSlotEntry));
}

function isSlotEntry(entry: readonly [CheckpointSlot | null, string]): entry is [CheckpointSlot, string] {
  return entry[0] !== null;
}

/**
 * Reads the manifest of a slot, and passes it to `read`. If it is replaced meanwhile, the new one is read.
 *
 * @returns null for an empty slot.
 * @throws EntropyCheckpointError `ENTROPY_CORRUPT_CHECKPOINT`, `ENTROPY_NOT_A_CHECKPOINT`, `ENTROPY_STORE_FAILED`.
 */
async function readCurrent<T>(
  folder: S3Folder,
  slot: CheckpointSlot,
  read: (stored: StoredManifest) => Promise<T>,
): Promise<T | null> {
  const currentName = async () => (await storedManifests(folder)).get(slot);
  for (let name = await currentName(); name !== undefined;) {
    try {
      return await read(await readManifest(folder, name, slot));
    } catch (error) {
      const now = await currentName();
      if (now === name) throw error;
      name = now;
    }
  }
  return null;
}

async function readManifest(folder: S3Folder, name: string, slot: CheckpointSlot): Promise<StoredManifest> {
  // What users know it by.
  const path = folder.urlOf(slotFileName(slot));
  const found = await folder.get(name, MAX_MANIFEST_BYTES);
  if (found === null) throw damaged(`"${path}"`, `${folder.urlOf(name)} is missing`);
  return { name: `"${path}"`, manifest: await decodeModelJson(found.bytes, path) };
}

export function loadManifest(folder: S3Folder, slot: CheckpointSlot): Promise<StoredManifest | null> {
  return readCurrent(folder, slot, (stored) => Promise.resolve(stored));
}

/** Reads a checkpoint with all its weights: a later save may remove them from the store. */
export function loadCheckpoint(folder: S3Folder, slot: CheckpointSlot): Promise<StoredCheckpoint | null> {
  return readCurrent(folder, slot, async ({ manifest, name }) => {
    const pieces = new Map<string, Uint8Array>();
    const sizes = new Map(manifest.shards.map((shard) => [shardFileName(shard), shard.sizeBytes]));
    await mapConcurrent([...sizes], MAX_REQUESTS, async ([shard, sizeBytes]) => {
      const found = await folder.get(shard, sizeBytes);
      if (found?.bytes.length !== sizeBytes) {
        const size = found === null ? 'none' : found.bytes.length;
        throw damaged(`"${folder.urlOf(shard)}"`, `expected ${sizeBytes} bytes, got ${size}`);
      }
      pieces.set(shard, found.bytes);
    });
    const inOrder = manifest.shards.map((shard) => pieces.get(shardFileName(shard))!);
    return new InMemoryCheckpoint(manifest, inOrder, name);
  });
}
