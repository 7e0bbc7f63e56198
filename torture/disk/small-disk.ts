import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Workspace } from '../workspace.js';

const CHUNK_BYTES = 2 ** 16;

export type DiskKind = 'tmpfs' | 'ext4' | 'tmpfs with few files';

const SIZE_BYTES: Record<DiskKind, number> = {
  tmpfs: 8 * 2 ** 20,
  ext4: 24 * 2 ** 20,
  'tmpfs with few files': 8 * 2 ** 20,
};
const FEW_FILES = 64;

/** A separate file system of a few MiB. */
export class SmallDisk {
  readonly kind: DiskKind;
  readonly path: string;

  private constructor(kind: DiskKind, path: string) {
    this.kind = kind;
    this.path = path;
  }

  /**
   * Mounts a file system until this process ends.
   *
   * @throws Error if mounting is not permitted here.
   */
  static mount(kind: DiskKind, workspace: Workspace): SmallDisk {
    const path = workspace.newPath('disk');
    fs.mkdirSync(path);
    if (kind === 'ext4') {
      const image = `${path}.image`;
      fs.closeSync(fs.openSync(image, 'w'));
      fs.truncateSync(image, SIZE_BYTES[kind]);
      run('mkfs.ext4', ['-q', '-F', '-m', '0', image]);
      run('mount', ['-o', 'loop', image, path]);
    } else {
      const files = kind === 'tmpfs' ? '' : `,nr_inodes=${FEW_FILES}`;
      run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_BYTES[kind]}${files}`, 'tmpfs', path]);
    }
    const disk = new SmallDisk(kind, path);
    workspace.onExit(() => {
      run('umount', [path]);
    });
    return disk;
  }

  /** Fills the disk. @param free the space to leave: in bytes, or in files for `'tmpfs with few files'`. */
  leave(free: number): void {
    fs.mkdirSync(join(this.path, 'filler'));
    if (this.kind === 'tmpfs with few files') this.#leaveFiles(free);
    else this.#leaveBytes(free);
  }

  makeRoom(): void {
    fs.rmSync(join(this.path, 'filler'), { recursive: true, force: true });
    // Before a sync, ext4 does not reuse the space of removed files.
    const folder = fs.openSync(this.path, 'r');
    fs.fsyncSync(folder);
    fs.closeSync(folder);
  }

  /** @throws Error if remounting is not permitted here. */
  setReadOnly(isReadOnly: boolean): void {
    run('mount', ['-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, this.path]);
  }

  #leaveBytes(free: number): void {
    const file = join(this.path, 'filler', 'bytes');
    const descriptor = fs.openSync(file, 'w');
    try {
      untilFull(() => {
        const { bavail, bsize } = fs.statfsSync(this.path);
        const length = Math.min(CHUNK_BYTES, bavail * bsize - free);
        if (length <= 0) return false;
        fs.writeSync(descriptor, Buffer.alloc(length, 1));
        fs.fsyncSync(descriptor);
        return true;
      });
      const { bavail, bsize } = fs.statfsSync(this.path);
      const excess = Math.max(0, free - bavail * bsize);
      fs.ftruncateSync(descriptor, Math.max(0, fs.fstatSync(descriptor).size - excess));
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  }

  #leaveFiles(free: number): void {
    const names: string[] = [];
    untilFull(() => {
      const name = join(this.path, 'filler', String(names.length));
      fs.writeFileSync(name, '');
      names.push(name);
      return true;
    });
    for (const name of names.slice(names.length - free)) fs.unlinkSync(name);
  }
}

function untilFull(write: () => boolean): void {
  try {
    while (write());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

function run(command: string, args: readonly string[]): void {
  try {
    execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new Error(`${command}: ${stderr?.trim().split('\n')[0] ?? message}`, { cause: error });
  }
}
