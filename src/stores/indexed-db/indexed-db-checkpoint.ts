import { InMemoryCheckpoint } from '../in-memory-checkpoint.js';
import { readRecords, resultOf, writeRecords, type Connection, type Records } from './indexed-db-database.js';
import { damaged, manifestFromText } from '../check-manifest.js';
import {
  isCheckpointSlot,
  type SlotUpdate,
  type ShardSpec,
  type CheckpointSlot,
  type StoredCheckpoint,
  type StoredManifest,
} from '../store.js';

/** Writes one shard. Resolves once it is on the disk. The bytes are copied before this returns. */
export function putShard(
  connection: Connection,
  location: string,
  bytes: Uint8Array<ArrayBuffer>,
  sha256: string,
): Promise<void> {
  return writeRecords(connection, ({ shards }) => {
    // IndexedDB would store a view with its whole buffer. An existing shard is replaced too: it may be damaged.
    const isWhole = bytes.byteLength === bytes.buffer.byteLength;
    shards.put(isWhole ? bytes.buffer : bytes.slice().buffer, [location, sha256]);
  });
}

/**
 * Puts a checkpoint into the slots of `into`, once all its shards are written, and empties the slots not in `keep`.
 *
 * @returns the slots that were filled before, and those that are filled now.
 */
export async function putManifest(
  connection: Connection,
  location: string,
  manifest: { readonly text: string; readonly shards: readonly ShardSpec[] },
  { into, keep }: SlotUpdate,
): Promise<{ before: CheckpointSlot[]; after: CheckpointSlot[] }> {
  let before: string[] = [];
  await writeRecords(connection, async (records) => {
    const stored = new Set(await shardNames(records, location));
    // The user may delete the data of this site during the save, in another tab.
    const missing = manifest.shards.findIndex(({ sha256 }) => !stored.has(sha256));
    if (missing >= 0) throw new Error(`Shard ${missing} has been deleted since it was written.`);
    const wanted: readonly string[] = [...into, ...keep];
    before = await slotNames(records, location);
    for (const slot of before) {
      if (!wanted.includes(slot)) records.manifests.delete([location, slot]);
    }
    for (const slot of into) records.manifests.put(manifest.text, [location, slot]);
    await deleteUnnamedShards(records, location);
  });
  const slots = before.filter(isCheckpointSlot);
  return { before: slots, after: [...new Set([...into, ...slots.filter((slot) => keep.includes(slot))])] };
}

/** Deletes the shards that no manifest names: those of a failed save, or of a tab closed during a save. */
export function removeLeftovers(connection: Connection, location: string): Promise<void> {
  return writeRecords(connection, (records) => deleteUnnamedShards(records, location));
}

/** Rejects if nothing can be written. Leaves nothing behind. */
export function tryWriting(connection: Connection, location: string): Promise<void> {
  return writeRecords(connection, ({ shards }) => {
    shards.put(new ArrayBuffer(1), [location, 'probe']);
    shards.delete([location, 'probe']);
  });
}

export async function storedSlots(connection: Connection, location: string): Promise<CheckpointSlot[]> {
  const names = await readRecords(connection, (records) => slotNames(records, location));
  return names.filter(isCheckpointSlot);
}

/** The checksums of all shards. */
export function storedShards(connection: Connection, location: string): Promise<string[]> {
  return readRecords(connection, (records) => shardNames(records, location));
}

/**
 * Reads a manifest, and makes sure that its shards exist.
 *
 * @param storeName for messages.
 * @returns null for an empty slot.
 * @throws EntropyCheckpointError `ENTROPY_CORRUPT_CHECKPOINT`, `ENTROPY_NOT_A_CHECKPOINT`.
 */
export function readManifest(
  connection: Connection,
  location: string,
  slot: CheckpointSlot,
  storeName: string,
): Promise<StoredManifest | null> {
  return readRecords(connection, (records) => manifestIn(records, location, slot, storeName));
}

/**
 * Reads a checkpoint with all its weights.
 *
 * @param storeName for messages.
 * @returns null for an empty slot.
 * @throws EntropyCheckpointError `ENTROPY_CORRUPT_CHECKPOINT`, `ENTROPY_NOT_A_CHECKPOINT`.
 */
export function readCheckpoint(
  connection: Connection,
  location: string,
  slot: CheckpointSlot,
  storeName: string,
): Promise<StoredCheckpoint | null> {
  return readRecords(connection, async (records) => {
    const stored = await manifestIn(records, location, slot, storeName);
    if (stored === null) return null;
    const { name, manifest } = stored;
    const pieces = new Map<string, Uint8Array>();
    for (const [i, shard] of manifest.shards.entries()) {
      const known = pieces.get(shard.sha256) ?? (await readShard(records, [location, shard.sha256]));
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

/** Checks that all shards exist before any of them is read, as that takes memory. */
async function manifestIn(
  records: Records,
  location: string,
  slot: CheckpointSlot,
  storeName: string,
): Promise<StoredManifest | null> {
  const text = await resultOf<unknown>(records.manifests.get([location, slot]));
  if (text === undefined) return null;
  const name = `slot '${slot}' of ${storeName}`;
  const manifest = manifestFromText(text, name);
  const stored = new Set(await shardNames(records, location));
  for (const [i, { sha256 }] of manifest.shards.entries()) {
    if (!stored.has(sha256)) throw damaged(name, `shard ${i} (sha256 ${sha256}) is missing`);
  }
  return { name, manifest };
}

async function readShard({ shards }: Records, key: string[]): Promise<Uint8Array | null> {
  const value: unknown = await resultOf<unknown>(shards.get(key));
  return value instanceof ArrayBuffer ? new Uint8Array(value) : null;
}

async function deleteUnnamedShards(records: Records, location: string): Promise<void> {
  const manifests: unknown[] = await resultOf(records.manifests.getAll(keysAt(location)));
  // Everything that looks like a checksum counts as named, so that a damaged manifest keeps its shards.
  const named = new Set(manifests.flatMap((manifest) => String(manifest).match(/\b[0-9a-f]{64}\b/g) ?? []));
  for (const name of await shardNames(records, location)) {
    if (!named.has(name)) records.shards.delete([location, name]);
  }
}

function shardNames({ shards }: Records, location: string): Promise<string[]> {
  return namesAt(shards, location);
}

function slotNames({ manifests }: Records, location: string): Promise<string[]> {
  return namesAt(manifests, location);
}

async function namesAt(store: IDBObjectStore, location: string): Promise<string[]> {
  const keys = await resultOf(store.getAllKeys(keysAt(location)));
  return keys.map((key) => (key as [string, string])[1]);
}

/** The range of all keys `[location, name]`. Its end is right because an array sorts after every string. */
function keysAt(location: string): IDBKeyRange {
  return IDBKeyRange.bound([location], [location, []]);
}
