import { EntropyCheckpointError } from '../errors.js';
import {
  decodeCheckpoint,
  decodeManifest,
  type DecodedCheckpoint,
  type DecodedManifest,
} from '../format/decode-checkpoint.js';
import { verifyShards } from '../format/verify-shards.js';
import {
  sizeOfShards,
  type CheckpointManifest,
  type CheckpointSource,
  type CheckpointStore,
  type CheckpointSlot,
  type StoredCheckpoint,
  type StoredManifest,
} from '../stores/store.js';
import { sha256 } from '../platform/sha256.js';
import { textOf, warn } from '../warnings.js';

/** What a slot holds, without the weights. */
export interface SlotManifest extends DecodedManifest {
  readonly slot: CheckpointSlot;
}

/** The undamaged manifests of a store, and the errors of the others. */
export interface StoredManifests {
  /** All slots, damaged ones too. */
  readonly slots: readonly CheckpointSlot[];
  readonly manifests: readonly SlotManifest[];
  readonly errors: readonly EntropyCheckpointError[];
}

/** An open checkpoint, every byte of which has been verified. */
export interface OpenCheckpoint extends DecodedCheckpoint {
  readonly slot: CheckpointSlot;
  readonly manifest: CheckpointManifest;
  close(): Promise<void>;
}

/**
 * Reads the manifests of all slots. What isn't a checkpoint, or one of another format, counts as a damaged manifest.
 *
 * @throws EntropyCheckpointError any other error, such as `ENTROPY_STORE_FAILED`.
 */
export function readManifests(store: CheckpointStore): Promise<StoredManifests> {
  const read = async (slot: CheckpointSlot): Promise<DecodedManifest | null> => {
    if (store.loadManifest === undefined) return withStored(store, slot, decodeStored);
    const stored = await store.loadManifest(slot);
    return stored === null ? null : decodeStored(stored);
  };
  return readSlots(store, read, (error) => error.code === 'ENTROPY_NOT_A_CHECKPOINT' || isDamage(error));
}

/**
 * Reads the manifests of all slots, and verifies their weights. Damaged weights count as a damaged manifest.
 *
 * @throws EntropyCheckpointError any error that isn't damage, such as `ENTROPY_STORE_FAILED`.
 */
export function readWholeManifests(store: CheckpointStore): Promise<StoredManifests> {
  const whole = new Set<string>();
  const decode = async (stored: StoredCheckpoint): Promise<DecodedManifest> => {
    const manifest = await decodeStored(stored);
    // A checkpoint in several slots is read once.
    if (!whole.has(manifest.checksum)) await verifyShards(stored);
    whole.add(manifest.checksum);
    return manifest;
  };
  return readSlots(store, (slot) => withStored(store, slot, decode), isDamage);
}

function decodeStored({ manifest, name }: StoredManifest): Promise<DecodedManifest> {
  return decodeManifest(manifest, name);
}

async function readSlots(
  store: CheckpointStore,
  read: (slot: CheckpointSlot) => Promise<DecodedManifest | null>,
  isExpected: (error: EntropyCheckpointError) => boolean,
): Promise<StoredManifests> {
  const manifests: SlotManifest[] = [];
  const errors: EntropyCheckpointError[] = [];
  const slots = await store.slots();
  for (const slot of slots) {
    try {
      const manifest = await read(slot);
      if (manifest !== null) manifests.push({ slot, ...manifest });
    } catch (error) {
      if (!(error instanceof EntropyCheckpointError) || !isExpected(error)) throw error;
      errors.push(error);
    }
  }
  return { slots, manifests, errors };
}

/** Runs `use` on what a slot holds; null if it's empty. */
async function withStored<T>(
  store: CheckpointStore,
  slot: CheckpointSlot,
  use: (stored: StoredCheckpoint) => Promise<T>,
): Promise<T | null> {
  const stored = await store.load(slot);
  if (stored === null) return null;
  try {
    return await use(stored);
  } finally {
    await stored.close();
  }
}

/**
 * Copies what one slot holds.
 *
 * @param save stores it in other slots.
 * @throws EntropyCheckpointError `ENTROPY_CORRUPT_CHECKPOINT`, `ENTROPY_NO_CHECKPOINT` if the slot is empty,
 *   `ENTROPY_STORE_FAILED`; and what `save` throws.
 */
export async function copySlot(
  store: CheckpointStore,
  from: CheckpointSlot,
  save: (source: CheckpointSource) => Promise<void>,
): Promise<void> {
  const copied = await withStored(store, from, async (stored) => {
    await verifyShards(stored);
    await save(sourceOf(stored));
    return true;
  });
  if (copied !== null) return;
  throw new EntropyCheckpointError(
    'ENTROPY_NO_CHECKPOINT',
    `Expected a checkpoint in slot "${from}" of ${store.name}, got nothing.`,
  );
}

/** A stored checkpoint as the source of another slot. */
function sourceOf(stored: StoredCheckpoint): CheckpointSource {
  const { manifest } = stored;
  let index = 0;
  let position = 0;
  return {
    sizeBytes: sizeOfShards(manifest.shards),
    async readShard(buffer) {
      const shard = manifest.shards[index++];
      if (shard === undefined) return null;
      const bytes = buffer.subarray(0, shard.sizeBytes);
      await stored.read(position, bytes);
      position += shard.sizeBytes;
      return { sizeBytes: shard.sizeBytes, sha256: sha256(bytes) };
    },
    manifest: () => Promise.resolve(manifest),
  };
}

/**
 * Runs `use` on the first of `slots` that is whole, and warns of the damaged ones before it.
 *
 * @param slots iterated one by one, because finding the next may require a read.
 * @returns null if nothing is stored.
 * @throws EntropyCheckpointError the error of the first damaged slot if no slot is whole. And what `use` throws.
 */
export async function withFirstWhole<T>(
  store: CheckpointStore,
  slots: AsyncIterable<CheckpointSlot> | Iterable<CheckpointSlot>,
  use: (checkpoint: OpenCheckpoint) => Promise<T>,
): Promise<T | null> {
  const damages: EntropyCheckpointError[] = [];
  for await (const slot of slots) {
    const opened = await openSlot(store, slot).catch(damageOf);
    if (opened instanceof EntropyCheckpointError) damages.push(opened);
    if (opened === null || opened instanceof EntropyCheckpointError) continue;
    try {
      for (const damage of damages) warn(`${textOf(damage)} Epoch ${opened.record.epoch} is used instead.`);
      return await use(opened);
    } finally {
      await opened.close();
    }
  }
  if (damages[0] !== undefined) throw damages[0];
  return null;
}

/** @throws EntropyCheckpointError `ENTROPY_CORRUPT_CHECKPOINT`, `ENTROPY_NOT_A_CHECKPOINT`, `ENTROPY_STORE_FAILED`. */
async function openSlot(store: CheckpointStore, slot: CheckpointSlot): Promise<OpenCheckpoint | null> {
  const stored = await store.load(slot);
  if (stored === null) return null;
  try {
    const decoded = await decodeCheckpoint(stored);
    return { slot, manifest: stored.manifest, close: () => stored.close(), ...decoded };
  } catch (error) {
    await stored.close();
    throw error;
  }
}

/** Returns an error that is damage, and throws any other. */
function damageOf(error: unknown): EntropyCheckpointError {
  if (isDamage(error)) return error;
  throw error;
}

function isDamage(error: unknown): error is EntropyCheckpointError {
  return error instanceof EntropyCheckpointError && error.code === 'ENTROPY_CORRUPT_CHECKPOINT';
}
