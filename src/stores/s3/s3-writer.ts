import { sameBytes } from '../../platform/bytes.js';
import { sha256 } from '../../platform/sha256.js';
import { EntropyCheckpointError } from '../../errors.js';
import { notLoadable } from '../check-manifest.js';
import { isShardFile, shardFileName, slotFileName, slotOfFile } from '../file-names.js';
import { MAX_MANIFEST_BYTES } from '../json-limits.js';
import { mapConcurrent } from '../map-concurrent.js';
import { decodeModelJson, encodeModelJson, refuseForeign } from '../model-json.js';
import { readShards } from '../read-shards.js';
import { attempt, UNCHANGED } from '../store-failure.js';
import {
  SHARD_BYTES,
  type CheckpointManifest,
  type CheckpointSlot,
  type CheckpointSource,
  type ShardSpec,
  type SlotUpdate,
} from '../store.js';
import { isManifestName, manifestName, type IndexedCheckpoint } from './checkpoint-index.js';
import { MAX_REQUESTS, type S3Folder, type WriteCondition } from './s3-folder.js';
import { CLOCK_NAME, S3Lease, type IndexedSlots } from './s3-lease.js';
import { Uploads } from './uploads.js';

/** How often the copy of a manifest is written again because another program has replaced it. */
const MAX_TRIES = 8;
const FOREIGN_REMEDY = 'Use another `prefix`, or move that object away.';

/**
 * Writes the checkpoints of one training to a prefix whose lease it holds.
 *
 * A save writes the shards and the manifest under names that their content gives them. Then it replaces the index, which
 * is the commit. Then it copies the manifest to where others look for it: `model.json`. Last, it removes what the index
 * no longer names: only what was there when the lease was taken, and what it has written itself.
 */
export class S3Writer {
  readonly #folder: S3Folder;
  readonly #lease: S3Lease;
  /** The objects that this writer may remove. */
  readonly #own = new Set<string>();
  /** The entity tag of each slot's `model.json`; null after a write whose outcome isn't known. */
  readonly #copies = new Map<CheckpointSlot, { readonly manifest: string; readonly etag: string | null }>();

  /** The last manifest that this writer has written. */
  #written: { readonly name: string; readonly bytes: Uint8Array } | null = null;

  private constructor(folder: S3Folder, lease: S3Lease) {
    this.#folder = folder;
    this.#lease = lease;
  }

  /**
   * Takes the lease of a prefix, and finishes what a writer before may have left half done.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE`, `ENTROPY_NOT_A_CHECKPOINT`, `ENTROPY_STORE_FAILED`.
   */
  static async open(folder: S3Folder, leaseSeconds: number): Promise<S3Writer> {
    const { lease, hadIndex } = await S3Lease.acquire(folder, leaseSeconds);
    try {
      const writer = new S3Writer(folder, lease);
      await writer.#takeStock(hadIndex);
      return writer;
    } catch (error) {
      await lease.release();
      throw error;
    }
  }

  /** Releases the lease. Never rejects. */
  close(): Promise<void> {
    return this.#lease.release();
  }

  /** @returns the slots whose objects someone else has removed. */
  async save(source: CheckpointSource, { into, keep }: SlotUpdate): Promise<CheckpointSlot[]> {
    await this.#lease.confirm();
    const names = new Set((await this.#folder.list()).keys());
    const lost = this.#lostSlots(names);
    const named = namesIn(this.#lease.slots);
    const isStored = (name: string): boolean => named.has(name) && names.has(name);
    const checkpoint = await attempt(`save to ${this.#folder.name}`, UNCHANGED, () =>
      this.#writeParts(source, isStored),
    );
    const kept = [...this.#lease.slots].filter(([slot]) => keep.includes(slot) && !lost.includes(slot));
    await this.#lease.commit(new Map([...kept, ...into.map((slot) => [slot, checkpoint] as const)]));
    await this.#finish();
    return lost;
  }

  /** Writes shards and manifest. Once both are there, a commit may name them. */
  async #writeParts(
    source: CheckpointSource,
    isStored: (name: string) => boolean,
  ): Promise<IndexedCheckpoint> {
    const uploads = new Uploads((name, bytes) => this.#putContent(name, bytes));
    try {
      const take = async (bytes: Uint8Array<ArrayBuffer>, shard: ShardSpec): Promise<void> => {
        const name = shardFileName(shard);
        if (!isStored(name)) await uploads.start(name, bytes);
      };
      const manifest = await readShards(source, take, (shard) => isStored(shardFileName(shard)));
      const bytes = await this.#encode(manifest);
      const name = manifestName(await sha256(bytes));
      if (!isStored(name)) await uploads.start(name, bytes);
      await uploads.ended();
      this.#written = { name, bytes };
      return { manifest: name, shards: [...new Set(manifest.shards.map(shardFileName))] };
    } catch (error) {
      await uploads.ended().catch(() => undefined);
      throw error;
    }
  }

  /** Encodes a manifest. Refuses what `load` would refuse, while the previous checkpoint still exists. */
  async #encode(manifest: CheckpointManifest): Promise<Uint8Array<ArrayBuffer>> {
    try {
      const bytes = new TextEncoder().encode(encodeModelJson(manifest));
      await decodeModelJson(bytes, this.#folder.urlOf(slotFileName('best')));
      return bytes;
    } catch (cause) {
      throw notLoadable(this.#folder.name, cause);
    }
  }

  /** Writes an object that is named by its content. */
  async #putContent(name: string, bytes: Uint8Array): Promise<void> {
    this.#own.add(name);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      if ((await this.#folder.put(name, bytes, 'absent')) !== null) return;
      const found = await this.#folder.get(name, Math.max(bytes.length, SHARD_BYTES));
      if (found === null) continue;
      if (sameBytes(found.bytes, bytes)) return;
      // Someone has put other content there.
      if ((await this.#folder.put(name, bytes, { etag: found.etag })) !== null) return;
    }
    throw refusedAgain(this.#folder.urlOf(name));
  }

  /** Brings everything else in line with the index. */
  async #finish(): Promise<void> {
    const { slots } = this.#lease;
    // What TensorFlow.js reads comes last.
    const pending = [...slots].filter(
      ([slot, { manifest }]) => this.#copies.get(slot)?.manifest !== manifest,
    );
    pending.sort(([a], [b]) => Number(a === 'best') - Number(b === 'best'));
    for (const [slot, checkpoint] of pending) await this.#copy(slot, checkpoint);
    await this.#removeLeftovers();
  }

  /** Copies the manifest of a slot to where other programs look for it. */
  async #copy(slot: CheckpointSlot, { manifest }: IndexedCheckpoint): Promise<void> {
    const name = slotFileName(slot);
    const content =
      this.#written?.name === manifest ? this.#written : await this.#folder.get(manifest, MAX_MANIFEST_BYTES);
    // Someone has removed it. Whoever loads the slot is told.
    if (content === null) return;
    const known = this.#copies.get(slot);
    let condition: WriteCondition = known?.etag == null ? 'absent' : { etag: known.etag };
    this.#copies.set(slot, { manifest: '', etag: known?.etag ?? null });
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const etag = await this.#folder.put(name, content.bytes, condition);
      if (etag !== null) {
        this.#copies.set(slot, { manifest, etag });
        return;
      }
      // Either an earlier answer is lost, or another program has written it: perhaps the training that took over.
      await this.#lease.renew();
      const found = await this.#folder.get(name, MAX_MANIFEST_BYTES);
      if (found !== null) refuseForeign(found.bytes, this.#folder.urlOf(name), FOREIGN_REMEDY);
      condition = found === null ? 'absent' : { etag: found.etag };
    }
    throw refusedAgain(this.#folder.urlOf(name));
  }

  /** The slots of which an object is gone. */
  #lostSlots(names: ReadonlySet<string>): CheckpointSlot[] {
    const lost = [...this.#lease.slots].filter(([slot, { manifest, shards }]) => {
      const copy = this.#copies.get(slot)?.manifest === manifest ? [slotFileName(slot)] : [];
      return ![manifest, ...shards, ...copy].every((name) => names.has(name));
    });
    return lost.map(([slot]) => slot);
  }

  /** Removes what the index doesn't name. Never rejects: the next save tries again. */
  async #removeLeftovers(): Promise<void> {
    const { slots } = this.#lease;
    const emptied = [...this.#copies.keys()].filter((slot) => !slots.has(slot));
    const named = namesIn(slots);
    const leftovers = [...this.#own].filter((name) => !named.has(name));
    try {
      // A successor may need what this one doesn't. It waits until the lease has ended.
      await this.#lease.confirm();
      await this.#folder.remove([...emptied.map(slotFileName), ...leftovers]);
      for (const slot of emptied) this.#copies.delete(slot);
      for (const name of leftovers) this.#own.delete(name);
    } catch {
      // As said above.
    }
  }

  /** Learns what is there. A writer that was killed may have left a commit half copied, and parts of another. */
  async #takeStock(hadIndex: boolean): Promise<void> {
    const names = [...(await this.#folder.list()).keys()];
    for (const name of names) {
      if (isShardFile(name) || isManifestName(name) || name === CLOCK_NAME) this.#own.add(name);
    }
    const adopted = new Map(this.#lease.slots);
    await mapConcurrent(names, MAX_REQUESTS, async (name) => {
      const slot = slotOfFile(name);
      const found = slot === null ? null : await this.#folder.get(name, MAX_MANIFEST_BYTES);
      if (slot === null || found === null) return;
      refuseForeign(found.bytes, this.#folder.urlOf(name), FOREIGN_REMEDY);
      const manifest = manifestName(await sha256(found.bytes));
      this.#copies.set(slot, { manifest, etag: found.etag });
      if (hadIndex) return;
      // A folder that was copied here.
      await this.#putContent(manifest, found.bytes);
      adopted.set(slot, { manifest, shards: await shardsNamedIn(found.bytes, names.filter(isShardFile)) });
    });
    if (adopted.size > this.#lease.slots.size) await this.#lease.commit(adopted);
    await this.#finish();
  }
}

/** Every object that the index names. */
function namesIn(slots: IndexedSlots): Set<string> {
  return new Set([...slots.values()].flatMap(({ manifest, shards }) => [manifest, ...shards]));
}

/** @param all the names of all shards: a damaged manifest may name any of them. */
async function shardsNamedIn(modelJson: Uint8Array, all: readonly string[]): Promise<readonly string[]> {
  try {
    const { shards } = await decodeModelJson(modelJson, '');
    return [...new Set(shards.map(shardFileName))];
  } catch {
    return all;
  }
}

function refusedAgain(url: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_STORE_FAILED',
    `Could not write ${url}: expected nobody else to write there, but its condition was not met ${MAX_TRIES} times.`,
  );
}
