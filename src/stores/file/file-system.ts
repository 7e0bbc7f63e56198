import * as fs from 'node:fs/promises';

/** What `FileStore` needs of `node:fs/promises`: tests put one in its place that fails or loses power. */
export interface FileSystem {
  /** @returns the first folder that had to be made. */
  mkdir(path: string, options: { recursive: true }): Promise<string | undefined>;
  readdir(path: string, options: { withFileTypes: true }): Promise<FolderEntry[]>;
  lstat(path: string): Promise<Pick<FolderEntry, 'isFile'>>;
  open(path: string, flags: string | number): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
}

export interface FolderEntry {
  readonly name: string;
  /** Neither a folder nor a link. */
  isFile(): boolean;
}

export interface OpenFile {
  stat(): Promise<{ readonly size: number; isFile(): boolean }>;
  /** All of it. */
  readFile(): Promise<Uint8Array>;
  /** May read less than it is asked for; nothing at the end of the file only. */
  read(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  /** Goes on from where the last write ended; may write less than it is given. */
  write(bytes: Uint8Array): Promise<{ bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export const nodeFileSystem: FileSystem = fs;
