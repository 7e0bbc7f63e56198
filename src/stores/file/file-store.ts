import { DurableFolder } from './durable-folder.js';
import { FileCheckpoint } from './file-checkpoint.js';
import { FolderLock } from './file-lock.js';
import { slotFileName, slotOfFile } from '../file-names.js';
import { ShardBuffers } from './file-shards.js';
import { saveToFolder } from './file-save.js';
import { nodeFileSystem, type FileSystem } from './file-system.js';
import { KnownFiles } from './known-files.js';
import { decodeModelJson } from '../model-json.js';
import { realFolder } from './real-folder.js';
import type {
  CheckpointSource,
  CheckpointStore,
  SlotUpdate,
  CheckpointSlot,
  StoredCheckpoint,
} from '../store.js';

/** The last pending save of this thread for each folder. Each save starts when the one before it has ended. */
const pendingSaves = new Map<string, Promise<unknown>>();

/**
 * Stores checkpoints in a folder: `model.json` in TensorFlow.js's layers-model format, with `weights.<hash>.bin` beside
 * it, and `model.<slot>.json` for slots other than `'best'`. Equal shards share a file.
 *
 * A save replaces a slot's file last, by a rename. All shards that it names are on the disk by then. The store never
 * touches other files in the folder: neither those of other names, nor those that another program puts there while the
 * store is open.
 *
 * Links are followed once, when the folder is first used.
 */
export class FileStore implements CheckpointStore {
  readonly name: string;
  readonly capacity = 'many';
  readonly #folder: DurableFolder;
  /** Kept in memory while the folder is locked. */
  readonly #buffers = new ShardBuffers();
  /** What holds the folder while it is locked. */
  #held: { readonly lock: FolderLock; readonly files: KnownFiles } | null = null;
  #isOpen = false;
  #pendingSaveCount = 0;

  /** @param folder a path, absolute or relative to the current directory. The folder needn't exist. */
  constructor(folder: string, fileSystem: FileSystem = nodeFileSystem) {
    this.#folder = new DurableFolder(folder, fileSystem);
    this.name = this.#folder.name;
  }

  /** Absolute; without links once the folder was used. */
  get path(): string {
    return this.#folder.path;
  }

  async open(): Promise<void> {
    // A closed store holds the lock until its last save has ended.
    await this.#settled();
    this.#held = await this.#acquireLock();
    this.#isOpen = true;
  }

  /** Saves a checkpoint. Without `open`, the folder is locked for this one save. */
  async save(checkpoint: CheckpointSource, update: SlotUpdate): Promise<readonly CheckpointSlot[]> {
    const key = realFolder(this.#folder.path);
    const save = this.#saveAfter(pendingSaves.get(key), checkpoint, update);
    const settled = save.catch(() => undefined);
    pendingSaves.set(key, settled);
    try {
      return await save;
    } finally {
      if (pendingSaves.get(key) === settled) pendingSaves.delete(key);
    }
  }

  async slots(): Promise<readonly CheckpointSlot[]> {
    await this.#settled();
    const entries = await this.#folder.attempt('list the files', '', () => this.#folder.entries());
    return entries
      .filter((entry) => entry.isFile())
      .map(({ name }) => slotOfFile(name))
      .filter((slot) => slot !== null);
  }

  async load(slot: CheckpointSlot): Promise<StoredCheckpoint | null> {
    await this.#settled();
    const path = this.#folder.pathOf(slotFileName(slot));
    const read = () =>
      this.#folder.attempt(`read "${path}"`, '', () => this.#folder.read(slotFileName(slot)));
    for (let bytes = await read(); bytes !== null;) {
      try {
        const manifest = await decodeModelJson(bytes, path);
        return await FileCheckpoint.open(this.#folder, manifest, `"${path}"`);
      } catch (error) {
        // A save in another process may have removed the files that the slot's file named when it was read.
        const now = await read();
        if (now !== null && Buffer.from(now).equals(bytes)) throw error;
        bytes = now;
      }
    }
    return null;
  }

  close(): void {
    this.#isOpen = false;
    this.#releaseIfIdle();
  }

  /** Resolves when every save to this folder that this thread has begun has succeeded or failed. */
  async #settled(): Promise<void> {
    this.#folder.followLinks();
    await pendingSaves.get(realFolder(this.#folder.path));
  }

  #releaseIfIdle(): void {
    if (this.#isOpen || this.#pendingSaveCount > 0) return;
    this.#held?.lock.release();
    this.#held = null;
    this.#buffers.free();
  }

  async #acquireLock(): Promise<{ lock: FolderLock; files: KnownFiles }> {
    const folder = this.#folder;
    const advice = 'Give `filepath` a folder that can be created, read and written.';
    await folder.attempt('create', advice, () => folder.create());
    folder.followLinks();
    const lock = FolderLock.acquire(folder.path);
    try {
      // Checking permissions is not enough: the file system may be mounted read-only, or the quota used up.
      await folder.attempt('write', advice, async () => {
        await folder.remove(await folder.writeTemporary(new Uint8Array()));
        await folder.sync();
      });
      const entries = await folder.attempt('list the files', advice, () => folder.entries());
      const files = await KnownFiles.read(folder, entries);
      // A killed process may have left files.
      await files.removeLeftovers(entries);
      return { lock, files };
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  async #saveAfter(
    before: Promise<unknown> | undefined,
    checkpoint: CheckpointSource,
    update: SlotUpdate,
  ): Promise<readonly CheckpointSlot[]> {
    this.#pendingSaveCount++;
    try {
      await before;
      this.#held?.lock.confirm();
      this.#held ??= await this.#acquireLock();
      return await saveToFolder(this.#folder, checkpoint, update, this.#buffers, this.#held.files);
    } finally {
      this.#pendingSaveCount--;
      this.#releaseIfIdle();
    }
  }
}
