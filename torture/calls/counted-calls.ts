import {
  nodeFileSystem,
  type FileSystem,
  type FolderEntry,
  type OpenFile,
} from '../../src/stores/file/file-system.js';

/** Whether the call with this number fails, counted from 0. */
export type Fails = (call: number) => boolean;

/** The file system of Node, with calls that fail: those that write, rename, remove or flush. */
export class CountedCalls implements FileSystem {
  fails: Fails = () => false;
  calls = 0;
  failed = 0;

  mkdir(path: string, options: { recursive: true }): Promise<string | undefined> {
    return nodeFileSystem.mkdir(path, options);
  }

  readdir(path: string, options: { withFileTypes: true }): Promise<FolderEntry[]> {
    return nodeFileSystem.readdir(path, options);
  }

  lstat(path: string): ReturnType<FileSystem['lstat']> {
    return nodeFileSystem.lstat(path);
  }

  async open(path: string, flags: string | number): Promise<OpenFile> {
    const file = await nodeFileSystem.open(path, flags);
    return {
      stat: () => file.stat(),
      readFile: () => file.readFile(),
      read: (...range) => file.read(...range),
      close: () => file.close(),
      write: (bytes) => this.#count(() => file.write(bytes)),
      sync: () => this.#count(() => file.sync()),
    };
  }

  rename(from: string, to: string): Promise<void> {
    return this.#count(() => nodeFileSystem.rename(from, to));
  }

  unlink(path: string): Promise<void> {
    return this.#count(() => nodeFileSystem.unlink(path));
  }

  async #count<T>(call: () => Promise<T>): Promise<T> {
    if (!this.fails(this.calls++)) return call();
    this.failed++;
    throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  }
}
