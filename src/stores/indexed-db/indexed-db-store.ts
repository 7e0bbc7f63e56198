import {
  putManifest,
  putShard,
  readCheckpoint,
  removeLeftovers,
  storedSlots,
  tryWriting,
} from './indexed-db-checkpoint.js';
import { withDatabase } from './indexed-db-database.js';
import { lockAcrossTabs } from './indexed-db-lock.js';
import { StoreLock } from '../store-lock.js';
import { readShards } from '../read-shards.js';
import { attempt, UNCHANGED } from '../store-failure.js';
import { manifestText } from '../check-manifest.js';
import type {
  CheckpointSource,
  CheckpointStore,
  SlotUpdate,
  CheckpointSlot,
  StoredCheckpoint,
} from '../store.js';

/**
 * Checkpoints in the browser's IndexedDB, in a database of this package's own; for pages and workers.
 *
 * Weights are written shard by shard, each in a transaction of its own, so that a save needs little memory.
 * What is in the slots changes in one last transaction. `load` takes all weights into memory.
 *
 * One training at a time writes to a place, in all tabs and workers of the origin. In an insecure context
 * (`http:` from another host) browsers have no Web Locks API: there, only trainings of the same page or worker
 * are told apart, and of two tabs that save at the same moment one can fail with `ENTROPY_STORE_FAILED`.
 */
export class IndexedDbStore implements CheckpointStore {
  readonly name: string;
  readonly capacity = 'many';
  readonly #place: string;
  readonly #claim: StoreLock;

  /** @param place any text but ''; equal texts are one place. */
  constructor(place: string) {
    this.name = `indexeddb://${place}`;
    this.#place = place;
    this.#claim = new StoreLock(this.name, this.name, () =>
      attempt(`claim ${this.name}`, '', () => lockAcrossTabs(this.name)),
    );
  }

  open(): Promise<void> {
    return this.#claim.open(() =>
      attempt(`write to ${this.name}`, '', () =>
        withDatabase(async (database) => {
          await removeLeftovers(database, this.#place);
          // Better before the first epoch than after it.
          await tryWriting(database, this.#place);
        }),
      ),
    );
  }

  save(checkpoint: CheckpointSource, update: SlotUpdate): Promise<void> {
    return this.#claim.run(() =>
      attempt(`save to ${this.name}`, UNCHANGED, () =>
        withDatabase((database) => this.#write(database, checkpoint, update)),
      ),
    );
  }

  slots(): Promise<readonly CheckpointSlot[]> {
    return this.#read((database) => storedSlots(database, this.#place));
  }

  load(slot: CheckpointSlot): Promise<StoredCheckpoint | null> {
    return this.#read((database) => readCheckpoint(database, this.#place, slot, this.name));
  }

  close(): void {
    this.#claim.close();
  }

  async #write(database: IDBDatabase, checkpoint: CheckpointSource, update: SlotUpdate): Promise<void> {
    let writing = Promise.resolve();
    try {
      const manifest = await readShards(checkpoint, async (bytes, { sha256 }) => {
        // One is written while the next is read.
        await writing;
        writing = putShard(database, this.#place, bytes, sha256);
        writing.catch(() => undefined);
      });
      await writing;
      const text = manifestText(manifest, this.name);
      await putManifest(database, this.#place, { text, shards: manifest.shards }, update);
    } catch (error) {
      // After the one that is being written. If this fails, the next `open` or `save` does it.
      await writing.catch(() => undefined);
      await removeLeftovers(database, this.#place).catch(() => undefined);
      throw error;
    }
  }

  async #read<T>(use: (database: IDBDatabase) => Promise<T>): Promise<T> {
    await this.#claim.settled();
    return attempt(`read ${this.name}`, '', () => withDatabase(use));
  }
}
