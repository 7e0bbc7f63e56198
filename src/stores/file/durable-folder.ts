import { constants, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { EntropyCheckpointError } from '../../errors.js';
import { newTemporaryFileName } from './temporary-file-names.js';
import { damaged } from '../check-manifest.js';
import { MAX_MANIFEST_BYTES } from '../json-limits.js';
import { attempt } from '../store-failure.js';
import type { FileSystem, FolderEntry, OpenFile } from './file-system.js';

/** What Windows answers while another program reads a file. */
const IN_USE = ['EPERM', 'EBUSY', 'EACCES'];
/** A rename is tried again after each of these times. */
const RENAME_DELAYS_MS = [20, 60, 180];

/** A folder whose files are replaced atomically and survive a power failure. Methods take the names of its files. */
export class DurableFolder {
  /** The folder, for messages. */
  readonly name: string;
  readonly #fileSystem: FileSystem;
  #path: string;
  #hasFollowedLinks = false;
  /** The files that were adopted or written. */
  readonly #own = new Set<string>();

  /** @param path absolute or relative to the current directory. The folder needn't exist. */
  constructor(path: string, fileSystem: FileSystem) {
    this.name = `folder "${path}"`;
    this.#path = resolve(path);
    this.#fileSystem = fileSystem;
  }

  get path(): string {
    return this.#path;
  }

  /** Follows links, once: if a link is moved later, this stays the folder that it was. Waits until the folder exists. */
  followLinks(): void {
    if (this.#hasFollowedLinks) return;
    try {
      this.#path = realpathSync.native(this.#path);
      this.#hasFollowedLinks = true;
    } catch {
      // It doesn't exist yet.
    }
  }

  /** The files that may be removed: found when the folder was locked, or written since. */
  get ownFiles(): readonly string[] {
    return [...this.#own];
  }

  isOwn(name: string): boolean {
    return this.#own.has(name);
  }

  /** Counts these files as own, and no others but those that are written from now on. */
  adopt(names: readonly string[]): void {
    this.#own.clear();
    for (const name of names) this.#own.add(name);
  }

  pathOf(name: string): string {
    return join(this.path, name);
  }

  /** Runs `action`. An error that isn't this package's is wrapped in one that says what failed, in which folder. */
  attempt<T>(what: string, advice: string, action: () => Promise<T>): Promise<T> {
    return attempt(`${what} in ${this.name}`, advice, action);
  }

  async create(): Promise<void> {
    const first = await this.#fileSystem.mkdir(this.path, { recursive: true });
    if (first === undefined) return;
    for (let made = this.path; made.length >= first.length; made = dirname(made)) {
      // A new folder survives a power failure only once its parent is flushed. But the parent may be unreadable.
      await this.#syncFolder(dirname(made)).catch(() => undefined);
    }
  }

  /** Lists the folder. A folder that doesn't exist has no entries. */
  async entries(): Promise<FolderEntry[]> {
    try {
      return await this.#fileSystem.readdir(this.path, { withFileTypes: true });
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return [];
      throw error;
    }
  }

  /** Flushes file names. Before that, a power failure may undo any of the renames and removals, in any order. */
  sync(): Promise<void> {
    return this.#syncFolder(this.path);
  }

  /**
   * Writes and flushes a new temporary file.
   *
   * @param onWritten called when `bytes` may be changed again, unless the write fails first.
   * @returns the name of the file.
   */
  async writeTemporary(bytes: Uint8Array, onWritten?: () => void): Promise<string> {
    const name = newTemporaryFileName();
    this.#own.add(name);
    try {
      const file = await this.#fileSystem.open(this.pathOf(name), 'wx');
      await thenClose(file, async () => {
        await writeAll(file, bytes);
        onWritten?.();
        await file.sync();
      });
      return name;
    } catch (error) {
      await this.remove(name).catch(() => undefined);
      throw error;
    }
  }

  async rename(from: string, to: string): Promise<void> {
    // A rename that fails may have had its effect.
    this.#own.add(to);
    await this.#renameOnceFree(this.pathOf(from), this.pathOf(to));
    this.#own.delete(from);
  }

  /** Windows refuses a rename while a scanner or an indexer reads one of the files, and nothing tells when it's done. */
  async #renameOnceFree(from: string, to: string): Promise<void> {
    for (const delayMs of RENAME_DELAYS_MS) {
      try {
        await this.#fileSystem.rename(from, to);
        return;
      } catch (error) {
        if (!IN_USE.some((code) => hasErrorCode(error, code))) throw error;
      }
      await wait(delayMs);
    }
    await this.#fileSystem.rename(from, to);
  }

  async remove(name: string): Promise<void> {
    try {
      await this.#fileSystem.unlink(this.pathOf(name));
    } catch (error) {
      if (!hasErrorCode(error, 'ENOENT')) throw error;
    }
    this.#own.delete(name);
  }

  /** Opens a file for reading; null if it doesn't exist. */
  async open(name: string): Promise<OpenFile | null> {
    const path = this.pathOf(name);
    try {
      if (!(await this.#fileSystem.lstat(path)).isFile()) throw notRegular(path);
      // Another program may have replaced the file by a link or a pipe since then. Opening a pipe could wait forever.
      // On Windows both flags are undefined, and change nothing.
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      const file = await this.#fileSystem.open(path, flags);
      if (await isRegular(file)) return file;
      await file.close();
      throw notRegular(path);
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return null;
      throw hasErrorCode(error, 'ELOOP') ? notRegular(path) : error;
    }
  }

  /** The size of a file in bytes; null if it's unknown or there's no regular file of this name. */
  async sizeOf(name: string): Promise<number | null> {
    try {
      const entry = await this.#fileSystem.lstat(this.pathOf(name));
      return entry.isFile() ? (entry.size ?? null) : null;
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return null;
      throw error;
    }
  }

  /**
   * Reads the whole file of a manifest; null if it doesn't exist.
   *
   * @throws EntropyCheckpointError `ENTROPY_CORRUPT_CHECKPOINT` if it's larger than any manifest: reading it could take
   *   all memory.
   */
  async read(name: string): Promise<Uint8Array | null> {
    const file = await this.open(name);
    if (file === null) return null;
    return thenClose(file, async () => {
      const { size } = await file.stat();
      if (size > MAX_MANIFEST_BYTES) {
        throw damaged(
          `"${this.pathOf(name)}"`,
          `the file has ${size} bytes, more than ${MAX_MANIFEST_BYTES}`,
        );
      }
      return file.readFile();
    });
  }

  async #syncFolder(path: string): Promise<void> {
    try {
      const folder = await this.#fileSystem.open(path, 'r');
      await thenClose(folder, () => folder.sync());
    } catch (error) {
      // Windows and some network file systems cannot flush a folder.
      const isWindows = process.platform === 'win32';
      const codes = isWindows ? ['EPERM', 'EISDIR', 'EACCES', 'EINVAL'] : ['EINVAL', 'EBADF'];
      if (!hasErrorCode(error, ...codes)) throw error;
    }
  }
}

async function isRegular(file: OpenFile): Promise<boolean> {
  try {
    return (await file.stat()).isFile();
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
}

/** Closes `file` after `action`. If both fail, the error of `action` is thrown. */
async function thenClose<T>(file: OpenFile, action: () => Promise<T>): Promise<T> {
  const [outcome] = await Promise.allSettled([action()]);
  const closing = file.close();
  if (outcome.status === 'fulfilled') {
    await closing;
    return outcome.value;
  }
  await closing.catch(() => undefined);
  throw outcome.reason;
}

async function writeAll(file: OpenFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await file.write(bytes.subarray(written));
    if (bytesWritten === 0) throw new Error(`Only ${written} of ${bytes.length} bytes could be written`);
    written += bytesWritten;
  }
}

function notRegular(path: string): EntropyCheckpointError {
  const message = `Expected "${path}" to be a regular file, got a link, a folder or a device, which this package never writes. Put the file itself there, or use another \`filepath\`.`;
  return new EntropyCheckpointError('ENTROPY_NOT_A_CHECKPOINT', message);
}

/** Whether a system error has one of these codes. It avoids `instanceof Error`, which fails across realms. */
export function hasErrorCode(error: unknown, ...codes: string[]): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && codes.includes(String(error.code));
}
