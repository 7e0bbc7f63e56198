import * as fs from 'node:fs/promises';

/** The part of `node:fs/promises` that `FileStore` uses. Tests replace it by one that fails or loses power. */
export interface FileSystem {
  /** @returns the first folder that was created. */
  mkdir(path: string, options: { recursive: true }): Promise<string | undefined>;
  readdir(path: string, options: { withFileTypes: true }): Promise<FolderEntry[]>;
  lstat(path: string): Promise<{ readonly size?: number; isFile(): boolean }>;
  open(path: string, flags: string | number): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
}

export interface FolderEntry {
  readonly name: string;
  /** Whether it is a regular file: not a folder, link or device. */
  isFile(): boolean;
}

export interface OpenFile {
  stat(): Promise<{ readonly size: number; isFile(): boolean }>;
  /** Reads the whole file. */
  readFile(): Promise<Uint8Array>;
  /** May read fewer bytes than requested. Reads none only at the end of the file. */
  read(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  /** Writes from where the last write ended. May write fewer bytes than given. */
  write(bytes: Uint8Array): Promise<{ bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export const nodeFileSystem: FileSystem = fs;
