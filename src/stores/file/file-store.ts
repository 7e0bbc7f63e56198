import { EntropyCheckpointError } from '../../errors.js';
import { DurableFolder } from './durable-folder.js';
import { FileCheckpoint } from './file-checkpoint.js';
import { removeLeftovers } from './file-leftovers.js';
import { FolderLock, realFolder } from './file-lock.js';
import { slotFileName, slotOfFile } from './file-names.js';
import { ShardBuffers } from './file-shards.js';
import { saveToFolder } from './file-save.js';
import { nodeFileSystem, type FileSystem } from './file-system.js';
import { decodeModelJson, isForeignModelJson } from './model-json.js';
import type {
  CheckpointSource,
  CheckpointStore,
  SlotUpdate,
  CheckpointSlot,
  StoredCheckpoint,
} from '../store.js';

/** The saves under way in this thread, by folder; each begins when the one before it has ended. */
const savesUnderWay = new Map<string, Promise<void>>();

/**
 * Checkpoints in a folder: `model.json` in the tfjs layers-model format and `weights.<hash>.bin` beside it;
 * `model.<slot>.json` for slots other than `'best'`. Shards of the same content are one file.
 *
 * A slot's file is replaced last, by a rename; whatever it names is complete and on the disk. Files in the
 * folder that are not this store's own are never touched.
 */
export class FileStore implements CheckpointStore {
  readonly name: string;
  readonly capacity = 'many';
  readonly #folder: DurableFolder;
  /** Kept while the folder is claimed. */
  readonly #buffers = new ShardBuffers();
  #lock: FolderLock | null = null;
  #isOpen = false;
  #pendingSaves = 0;

  /** @param folder path, absolute or relative to the current directory; need not exist. */
  constructor(folder: string, fileSystem: FileSystem = nodeFileSystem) {
    this.#folder = new DurableFolder(folder, fileSystem);
    this.name = this.#folder.name;
  }

  async open(): Promise<void> {
    // A save that a closed store has begun still owns the folder, for a moment.
    await this.#savesBefore();
    await this.#claim();
    this.#isOpen = true;
  }

  /** Without `open` the folder is claimed for the time of this one save. */
  async save(checkpoint: CheckpointSource, update: SlotUpdate): Promise<void> {
    const key = realFolder(this.#folder.path);
    const turn = this.#saveAfter(savesUnderWay.get(key), checkpoint, update);
    const settled = turn.catch(() => undefined);
    savesUnderWay.set(key, settled);
    try {
      await turn;
    } finally {
      if (savesUnderWay.get(key) === settled) savesUnderWay.delete(key);
    }
  }

  async slots(): Promise<readonly CheckpointSlot[]> {
    await this.#savesBefore();
    const entries = await this.#folder.attempt('list the files', '', () => this.#folder.entries());
    return entries
      .filter((entry) => entry.isFile())
      .map(({ name }) => slotOfFile(name))
      .filter((slot) => slot !== null);
  }

  async load(slot: CheckpointSlot): Promise<StoredCheckpoint | null> {
    await this.#savesBefore();
    const path = this.#folder.pathOf(slotFileName(slot));
    const read = () =>
      this.#folder.attempt(`read "${path}"`, '', () => this.#folder.read(slotFileName(slot)));
    for (let bytes = await read(); bytes !== null;) {
      try {
        const manifest = await decodeModelJson(bytes, path);
        return await FileCheckpoint.open(this.#folder, manifest, `"${path}"`);
      } catch (error) {
        // A save in another process may have removed what was named when the slot's file was read.
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

  /** Resolves when what this thread has begun to save there is saved, or has failed. */
  async #savesBefore(): Promise<void> {
    await savesUnderWay.get(realFolder(this.#folder.path));
  }

  #releaseIfIdle(): void {
    if (this.#isOpen || this.#pendingSaves > 0) return;
    this.#lock?.release();
    this.#lock = null;
    this.#buffers.free();
  }

  async #claim(): Promise<void> {
    const folder = this.#folder;
    const advice = 'Give `filepath` a folder that can be created, read and written.';
    await folder.attempt('create', advice, () => folder.create());
    const lock = FolderLock.acquire(folder.path);
    try {
      // Permissions alone do not tell: file systems are mounted read-only, quotas used up.
      await folder.attempt('write', advice, async () => {
        await folder.remove(await folder.writeTemporary(new Uint8Array()));
        await folder.sync();
      });
      await this.#refuseForeignModels(advice);
    } catch (error) {
      lock.release();
      throw error;
    }
    // What a killed process has left.
    await removeLeftovers(folder);
    this.#lock = lock;
  }

  async #refuseForeignModels(advice: string): Promise<void> {
    const entries = await this.#folder.attempt('list the files', advice, () => this.#folder.entries());
    for (const { name } of entries.filter((entry) => slotOfFile(entry.name) !== null)) {
      const bytes = await this.#folder.read(name).catch((error: unknown) => {
        if (error instanceof EntropyCheckpointError) throw error;
        // What cannot be read may be replaced, as what is damaged.
        return null;
      });
      if (bytes === null || !isForeignModelJson(bytes)) continue;
      throw new EntropyCheckpointError(
        'ENTROPY_NOT_A_CHECKPOINT',
        `"${this.#folder.pathOf(name)}" was not written by this package and will not be overwritten. Use another \`filepath\`, or move that file away.`,
      );
    }
  }

  async #saveAfter(
    before: Promise<void> | undefined,
    checkpoint: CheckpointSource,
    update: SlotUpdate,
  ): Promise<void> {
    this.#pendingSaves++;
    try {
      await before;
      if (this.#lock === null) await this.#claim();
      await saveToFolder(this.#folder, checkpoint, update, this.#buffers);
    } finally {
      this.#pendingSaves--;
      this.#releaseIfIdle();
    }
  }
}
