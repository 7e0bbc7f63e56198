import { EntropyCheckpointError } from './errors.js';
import {
  decodeCheckpoint,
  decodeHead,
  type DecodedCheckpoint,
  type DecodedHead,
} from './state/decode-checkpoint.js';
import type { CheckpointHead, CheckpointStore, Slot } from './stores/store.js';
import { textOf, warn } from './warnings.js';

/** What is known of a slot without its weights. */
export interface StoredHead extends DecodedHead {
  readonly slot: Slot;
}

/** The slots of a store: those whose head is whole, and why others are not. */
export interface StoredHeads {
  readonly heads: readonly StoredHead[];
  readonly errors: readonly EntropyCheckpointError[];
}

/** A checkpoint that is open, and whose every byte has been verified. */
export interface OpenCheckpoint extends DecodedCheckpoint {
  readonly slot: Slot;
  readonly head: CheckpointHead;
  close(): Promise<void>;
}

/**
 * Reads the heads of all slots.
 *
 * @throws EntropyCheckpointError `ENTROPY_STORE_FAILED` and what else is no damage.
 */
export async function readHeads(store: CheckpointStore): Promise<StoredHeads> {
  const heads: StoredHead[] = [];
  const errors: EntropyCheckpointError[] = [];
  for (const slot of await store.slots()) {
    try {
      const head = await readHead(store, slot);
      if (head !== null) heads.push(head);
    } catch (error) {
      if (!isDamage(error)) throw error;
      errors.push(error);
    }
  }
  return { heads, errors };
}

async function readHead(store: CheckpointStore, slot: Slot): Promise<StoredHead | null> {
  const stored = await store.load(slot);
  if (stored === null) return null;
  try {
    return { slot, ...(await decodeHead(stored.head, stored.name)) };
  } finally {
    await stored.close();
  }
}

/**
 * Runs `use` on the first of `slots` that is whole; warns of the damaged ones before it.
 *
 * @param slots asked for one by one, as reading may be needed to tell the next.
 * @returns null where nothing is stored.
 * @throws EntropyCheckpointError that of the first damaged one where none is whole; what `use` throws.
 */
export async function withFirstWhole<T>(
  store: CheckpointStore,
  slots: AsyncIterable<Slot> | Iterable<Slot>,
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

/** @throws EntropyCheckpointError as `CheckpointStore.load` and `decodeCheckpoint`. */
async function openSlot(store: CheckpointStore, slot: Slot): Promise<OpenCheckpoint | null> {
  const stored = await store.load(slot);
  if (stored === null) return null;
  try {
    const decoded = await decodeCheckpoint(stored);
    return { slot, head: stored.head, close: () => stored.close(), ...decoded };
  } catch (error) {
    await stored.close();
    throw error;
  }
}

/** What is no damage is thrown again. */
function damageOf(error: unknown): EntropyCheckpointError {
  if (isDamage(error)) return error;
  throw error;
}

function isDamage(error: unknown): error is EntropyCheckpointError {
  return error instanceof EntropyCheckpointError && error.code === 'ENTROPY_CORRUPT_CHECKPOINT';
}
