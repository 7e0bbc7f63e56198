import { InMemoryCheckpoint } from '../in-memory-checkpoint.js';
import { readRecords, resultOf, writeRecords, type Records } from './indexed-db-database.js';
import { damaged, manifestFromText } from '../check-manifest.js';
import {
  isCheckpointSlot,
  type SlotUpdate,
  type ShardSpec,
  type CheckpointSlot,
  type StoredCheckpoint,
} from '../store.js';

/** Writes one shard; resolves once it is on the disk. The bytes are copied before this returns. */
export function putShard(
  database: IDBDatabase,
  place: string,
  bytes: Uint8Array<ArrayBuffer>,
  sha256: string,
): Promise<void> {
  return writeRecords(database, ({ shards }) => {
    // Of a view, the whole buffer would be stored. Also where one of this name exists: it may be damaged.
    const isWhole = bytes.byteLength === bytes.buffer.byteLength;
    shards.put(isWhole ? bytes.buffer : bytes.slice().buffer, [place, sha256]);
  });
}

/** Makes a checkpoint, all of whose shards have been written, the one in the slots of `into`. */
export function putManifest(
  database: IDBDatabase,
  place: string,
  manifest: { readonly text: string; readonly shards: readonly ShardSpec[] },
  { into, keep }: SlotUpdate,
): Promise<void> {
  return writeRecords(database, async (records) => {
    const stored = new Set(await shardNames(records, place));
    // Whoever deletes the data of this site, in another tab, does so while we write.
    const missing = manifest.shards.findIndex(({ sha256 }) => !stored.has(sha256));
    if (missing >= 0) throw new Error(`Shard ${missing} has been deleted since it was written.`);
    const wanted: readonly string[] = [...into, ...keep];
    for (const slot of await slotNames(records, place)) {
      if (!wanted.includes(slot)) records.manifests.delete([place, slot]);
    }
    for (const slot of into) records.manifests.put(manifest.text, [place, slot]);
    await deleteUnnamed(records, place);
  });
}

/** Deletes the shards that belong to no checkpoint: left by a save that failed, or by a tab that was closed. */
export function removeLeftovers(database: IDBDatabase, place: string): Promise<void> {
  return writeRecords(database, (records) => deleteUnnamed(records, place));
}

/** Fails where nothing can be written, and leaves nothing behind. */
export function tryWriting(database: IDBDatabase, place: string): Promise<void> {
  return writeRecords(database, ({ shards }) => {
    shards.put(new ArrayBuffer(1), [place, 'probe']);
    shards.delete([place, 'probe']);
  });
}

export async function storedSlots(database: IDBDatabase, place: string): Promise<CheckpointSlot[]> {
  const names = await readRecords(database, (records) => slotNames(records, place));
  return names.filter(isCheckpointSlot);
}

/**
 * @param storeName for messages.
 * @throws EntropyCheckpointError `ENTROPY_CORRUPT_CHECKPOINT`, `ENTROPY_NOT_A_CHECKPOINT`.
 */
export function readCheckpoint(
  database: IDBDatabase,
  place: string,
  slot: CheckpointSlot,
  storeName: string,
): Promise<StoredCheckpoint | null> {
  return readRecords(database, async (records) => {
    const text = await resultOf<unknown>(records.manifests.get([place, slot]));
    if (text === undefined) return null;
    const name = `slot '${slot}' of ${storeName}`;
    const manifest = manifestFromText(text, name);
    // Before any is read, which takes memory.
    const stored = new Set(await shardNames(records, place));
    for (const [i, { sha256 }] of manifest.shards.entries()) {
      if (!stored.has(sha256)) throw damaged(name, `shard ${i} (sha256 ${sha256}) is missing`);
    }
    const pieces = new Map<string, Uint8Array>();
    for (const [i, shard] of manifest.shards.entries()) {
      const known = pieces.get(shard.sha256) ?? (await readShard(records, [place, shard.sha256]));
      if (known?.byteLength !== shard.sizeBytes) {
        throw damaged(
          name,
          `expected ${shard.sizeBytes} bytes of shard ${i}, got ${known?.byteLength ?? 'none'}`,
        );
      }
      pieces.set(shard.sha256, known);
    }
    return new InMemoryCheckpoint(
      manifest,
      manifest.shards.map(({ sha256 }) => pieces.get(sha256)!),
      name,
    );
  });
}

async function readShard({ shards }: Records, key: string[]): Promise<Uint8Array | null> {
  const value: unknown = await resultOf<unknown>(shards.get(key));
  return value instanceof ArrayBuffer ? new Uint8Array(value) : null;
}

async function deleteUnnamed(records: Records, place: string): Promise<void> {
  const manifests: unknown[] = await resultOf(records.manifests.getAll(rangeOf(place)));
  // Whatever could be the name of a shard counts as one: a manifest that is damaged must not lose its weights too.
  const named = new Set(manifests.flatMap((manifest) => String(manifest).match(/\b[0-9a-f]{64}\b/g) ?? []));
  for (const name of await shardNames(records, place)) {
    if (!named.has(name)) records.shards.delete([place, name]);
  }
}

function shardNames({ shards }: Records, place: string): Promise<string[]> {
  return secondParts(shards, place);
}

function slotNames({ manifests }: Records, place: string): Promise<string[]> {
  return secondParts(manifests, place);
}

async function secondParts(store: IDBObjectStore, place: string): Promise<string[]> {
  const keys = await resultOf(store.getAllKeys(rangeOf(place)));
  return keys.map((key) => (key as [string, string])[1]);
}

/** All keys of two parts whose first is the place: arrays come after all strings. */
function rangeOf(place: string): IDBKeyRange {
  return IDBKeyRange.bound([place], [place, []]);
}
