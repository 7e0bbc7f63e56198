import * as fs from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { EntropyCheckpointError } from '../errors.js';
import { weightSizeBytes } from './weight-data.js';
import { makeFolder, readRegularFile, replaceFile, syncFolder, temporaryPath } from './durable-files.js';
import { FolderLock, realFolder } from './file-lock.js';
import {
  corrupt,
  decodeModelJson,
  encodeModelJson,
  isForeignModelJson,
  weightFileName,
} from './model-json.js';
import type { CheckpointStore, StoredCheckpoint } from './store.js';
import { readWeights } from './weights-file.js';

const MODEL_FILE = 'model.json';
const WEIGHT_FILE = /^weights\.[0-9a-f]{16}\.bin$/;
const TEMPORARY_FILE = /^\.(?:model\.json|weights\.[0-9a-f]{16}\.bin)\.[0-9a-f]{16}\.tmp$/;
const UNCHANGED = 'What was stored there before is unchanged.';

/** The saves under way in this thread, by folder; each begins when the one before it has ended. */
const savesUnderWay = new Map<string, Promise<void>>();

/**
 * One checkpoint in a folder: `model.json` in the tfjs layers-model format, and `weights.<hash>.bin` beside it.
 *
 * `model.json` is replaced last, by a rename; whatever it names is complete and on the disk. Files in the
 * folder that are not this store's own are never touched.
 */
export class FileStore implements CheckpointStore {
  readonly name: string;
  readonly #folder: string;
  #lock: FolderLock | null = null;
  #isOpen = false;
  #pendingSaves = 0;

  /** @param folder path, absolute or relative to the current directory; need not exist. */
  constructor(folder: string) {
    this.name = `folder "${folder}"`;
    this.#folder = resolve(folder);
  }

  async open(): Promise<void> {
    // A save that a closed store has begun still owns the folder, for a moment.
    await savesUnderWay.get(realFolder(this.#folder));
    await this.#claim();
    this.#isOpen = true;
  }

  /** Without `open` the folder is claimed for the time of this one save. */
  async save(checkpoint: StoredCheckpoint): Promise<void> {
    const modelJson = this.#encode(checkpoint);
    const key = realFolder(this.#folder);
    const turn = this.#saveAfter(savesUnderWay.get(key), checkpoint, modelJson);
    const settled = turn.catch(() => undefined);
    savesUnderWay.set(key, settled);
    try {
      await turn;
    } finally {
      if (savesUnderWay.get(key) === settled) savesUnderWay.delete(key);
    }
  }

  async load(): Promise<StoredCheckpoint | null> {
    const path = join(this.#folder, MODEL_FILE);
    for (let before: Buffer | null = null; ;) {
      const bytes = await this.#attempt(`read "${path}"`, '', () => readRegularFile(path));
      if (bytes === null) return null;
      const modelJson = decodeModelJson(bytes, path);
      const dataPath = join(this.#folder, weightFileName(modelJson.weightChecksum));
      const weightData = await this.#attempt(`read "${dataPath}"`, '', () =>
        readWeights(dataPath, modelJson),
      );
      if (weightData !== null) return { ...modelJson, weightData };
      // A save in another process may have replaced both files since `model.json` was read.
      if (before?.equals(bytes))
        throw corrupt(dataPath, `expected the weights that "${path}" names, got no file`);
      before = bytes;
    }
  }

  close(): void {
    this.#isOpen = false;
    this.#releaseIfIdle();
  }

  #releaseIfIdle(): void {
    if (this.#isOpen || this.#pendingSaves > 0) return;
    this.#lock?.release();
    this.#lock = null;
  }

  async #claim(): Promise<void> {
    const advice = 'Give `filepath` a folder that can be created and written.';
    await this.#attempt('create', advice, () => makeFolder(this.#folder));
    const lock = FolderLock.acquire(this.#folder);
    try {
      await this.#attempt('write', advice, async () => {
        // Permissions alone do not tell: file systems are mounted read-only, quotas used up.
        const probe = temporaryPath(this.#folder, MODEL_FILE);
        await (await fs.open(probe, 'wx')).close();
        await fs.unlink(probe);
      });
      await this.#refuseForeignModel();
    } catch (error) {
      lock.release();
      throw error;
    }
    this.#lock = lock;
  }

  async #refuseForeignModel(): Promise<void> {
    const path = join(this.#folder, MODEL_FILE);
    let bytes: Buffer | null;
    try {
      bytes = await readRegularFile(path);
    } catch (error) {
      if (error instanceof EntropyCheckpointError) throw error;
      return;
    }
    if (bytes === null || !isForeignModelJson(bytes)) return;
    throw new EntropyCheckpointError(
      'ENTROPY_NOT_A_CHECKPOINT',
      `"${path}" was not written by this package and will not be overwritten. Use another \`filepath\`, or move that file away.`,
    );
  }

  async #saveAfter(
    before: Promise<void> | undefined,
    checkpoint: StoredCheckpoint,
    modelJson: Buffer,
  ): Promise<void> {
    this.#pendingSaves++;
    try {
      await before;
      if (this.#lock === null) await this.#claim();
      await this.#commit(checkpoint, modelJson);
    } finally {
      this.#pendingSaves--;
      this.#releaseIfIdle();
    }
  }

  async #commit(checkpoint: StoredCheckpoint, modelJson: Buffer): Promise<void> {
    const folder = this.#folder;
    const dataFile = weightFileName(checkpoint.weightChecksum);
    await this.#attempt(`write ${dataFile}`, UNCHANGED, async () => {
      await makeFolder(folder);
      // Also when a file of this name exists: it may be damaged.
      await replaceFile(folder, dataFile, checkpoint.weightData);
      await syncFolder(folder);
    });
    await this.#attempt(`write ${MODEL_FILE}`, UNCHANGED, () => replaceFile(folder, MODEL_FILE, [modelJson]));
    const unsure = 'The new checkpoint is in place, but a power failure may bring back the previous one.';
    await this.#attempt('flush it to the disk', unsure, () => syncFolder(folder));
    await removeLeftovers(folder, dataFile);
  }

  /** Refuses what `load` would refuse, while the previous checkpoint is still there. */
  #encode(checkpoint: StoredCheckpoint): Buffer {
    const modelJson = Buffer.from(encodeModelJson(checkpoint));
    try {
      const { weightChecksum, weightSpecs } = decodeModelJson(modelJson, join(this.#folder, MODEL_FILE));
      if (weightChecksum !== checkpoint.weightChecksum) throw new Error('It names two different checksums.');
      const sizes = checkpoint.weightData.map((data) => data.byteLength);
      if (weightSpecs.map(weightSizeBytes).join() !== sizes.join())
        throw new Error('Specs and data differ in size.');
    } catch (cause) {
      const message = `Refused to save to ${this.name} what could not be loaded again: ${String(cause)} ${UNCHANGED}`;
      throw new EntropyCheckpointError('ENTROPY_STORE_FAILED', message, { cause });
    }
    return modelJson;
  }

  async #attempt<T>(what: string, advice: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      if (cause instanceof EntropyCheckpointError) throw cause;
      const message = `Could not ${what} in ${this.name}: ${String(cause)}. ${advice}`.trim();
      throw new EntropyCheckpointError('ENTROPY_STORE_FAILED', message, { cause });
    }
  }
}

/** Never fails: the save has succeeded, and the next one tries again. */
async function removeLeftovers(folder: string, dataFile: string): Promise<void> {
  const entries = await fs.readdir(folder, { withFileTypes: true }).catch(() => []);
  const leftovers = entries.filter(
    (entry) =>
      entry.isFile() &&
      entry.name !== dataFile &&
      (WEIGHT_FILE.test(entry.name) || TEMPORARY_FILE.test(entry.name)),
  );
  await Promise.allSettled(leftovers.map((entry) => fs.unlink(join(folder, entry.name))));
}
