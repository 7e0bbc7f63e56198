import {
  putManifest,
  putShard,
  readCheckpoint,
  readManifest,
  removeLeftovers,
  storedShards,
  storedSlots,
  tryWriting,
} from './indexed-db-checkpoint.js';
import { withDatabase, type Connection } from './indexed-db-database.js';
import { lockAcrossTabs } from './indexed-db-lock.js';
import { StoreLock } from '../store-lock.js';
import { readShards } from '../read-shards.js';
import { attempt, UNCHANGED } from '../store-failure.js';
import { STORE_TIMEOUT_MS } from '../store-location.js';
import { manifestText } from '../check-manifest.js';
import type {
  CheckpointSource,
  CheckpointStore,
  ShardSpec,
  SlotUpdate,
  CheckpointSlot,
  StoredCheckpoint,
  StoredManifest,
} from '../store.js';

/**
 * Stores checkpoints in the browser's IndexedDB, in this package's own database. Works in pages and workers.
 *
 * A save writes each shard in a separate transaction, so that it needs little memory. One last transaction changes the
 * slots. `load` reads all weights into memory.
 *
 * One training at a time writes to a location, among all tabs and workers of the origin. In an insecure context
 * (`http:` from another host) browsers have no Web Locks API. There, the lock holds only within one page or worker, and
 * if two tabs save at the same moment, one can fail with `ENTROPY_STORE_FAILED`.
 */
export class IndexedDbStore implements CheckpointStore {
  readonly name: string;
  readonly capacity = 'many';
  readonly #location: string;
  readonly #timeoutMs: number;
  readonly #lock: StoreLock;
  /** Which slots were filled when this store last looked: a user may clear the storage of the site. */
  #filled: readonly CheckpointSlot[] = [];
  /** The checksums of the shards that the last save shares with the next one. */
  #sharedShards: ReadonlySet<string> = new Set();

  /**
   * @param location any text but ''. Equal texts are the same location.
   * @param timeoutMs how long opening the database and each transaction may take.
   */
  constructor(location: string, timeoutMs: number = STORE_TIMEOUT_MS) {
    this.name = `indexeddb://${location}`;
    this.#location = location;
    this.#timeoutMs = timeoutMs;
    this.#lock = new StoreLock(this.name, this.name, () =>
      attempt(`lock ${this.name}`, '', () => lockAcrossTabs(this.name)),
    );
  }

  open(): Promise<void> {
    return this.#lock.open(() =>
      attempt(`write to ${this.name}`, '', () =>
        withDatabase(this.#timeoutMs, async (connection) => {
          await removeLeftovers(connection, this.#location);
          // It is better to fail before the first epoch than after it.
          await tryWriting(connection, this.#location);
          this.#filled = await storedSlots(connection, this.#location);
        }),
      ),
    );
  }

  save(checkpoint: CheckpointSource, update: SlotUpdate): Promise<readonly CheckpointSlot[]> {
    return this.#lock.run(() =>
      attempt(`save to ${this.name}`, UNCHANGED, () =>
        withDatabase(this.#timeoutMs, (connection) => this.#write(connection, checkpoint, update)),
      ),
    );
  }

  slots(): Promise<readonly CheckpointSlot[]> {
    return this.#read((connection) => storedSlots(connection, this.#location));
  }

  load(slot: CheckpointSlot): Promise<StoredCheckpoint | null> {
    return this.#read((connection) => readCheckpoint(connection, this.#location, slot, this.name));
  }

  loadManifest(slot: CheckpointSlot): Promise<StoredManifest | null> {
    return this.#read((connection) => readManifest(connection, this.#location, slot, this.name));
  }

  close(): void {
    this.#lock.close();
  }

  async #write(
    connection: Connection,
    checkpoint: CheckpointSource,
    update: SlotUpdate,
  ): Promise<CheckpointSlot[]> {
    let writing = Promise.resolve();
    try {
      const stored = new Set(await storedShards(connection, this.#location));
      const holds = ({ sha256 }: ShardSpec): boolean => this.#sharedShards.has(sha256) && stored.has(sha256);
      const take = async (bytes: Uint8Array<ArrayBuffer>, { sha256 }: ShardSpec): Promise<void> => {
        // One shard is written while the next is read.
        await writing;
        writing = putShard(connection, this.#location, bytes, sha256);
        writing.catch(() => undefined);
      };
      const manifest = await readShards(checkpoint, take, holds);
      await writing;
      const text = manifestText(manifest, this.name);
      const described = { text, shards: manifest.shards };
      const { before, after } = await putManifest(connection, this.#location, described, update);
      const lost = this.#filled.filter((slot) => !before.includes(slot));
      this.#filled = after;
      const shared = (await checkpoint.sharedShards?.()) ?? [];
      this.#sharedShards = new Set(shared.map(({ sha256 }) => sha256));
      return lost;
    } catch (error) {
      // First wait for the shard that is being written. If the removal fails, the next `open` or `save` repeats it.
      await writing.catch(() => undefined);
      await removeLeftovers(connection, this.#location).catch(() => undefined);
      throw error;
    }
  }

  async #read<T>(use: (connection: Connection) => Promise<T>): Promise<T> {
    await this.#lock.settled();
    return attempt(`read ${this.name}`, '', () => withDatabase(this.#timeoutMs, use));
  }
}
