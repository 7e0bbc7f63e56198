import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EntropyCheckpointError } from '../errors.js';
import { hasErrorCode } from './error-code.js';

export async function makeFolder(folder: string): Promise<void> {
  const first = await fs.mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) {
    // A new folder outlives a power failure once its parent is flushed. A parent need not be readable, though.
    await syncFolder(dirname(made)).catch(() => undefined);
  }
}

export function temporaryPath(folder: string, name: string): string {
  return join(folder, `.${name}.${randomBytes(8).toString('hex')}.tmp`);
}

export async function replaceFile(
  folder: string,
  name: string,
  pieces: readonly Uint8Array[],
): Promise<void> {
  const temporary = temporaryPath(folder, name);
  try {
    const file = await fs.open(temporary, 'wx');
    try {
      // On an open file `writeFile` goes on from where the last one ended, and goes on after a short write.
      for (const piece of pieces) await file.writeFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await fs.rename(temporary, join(folder, name));
  } catch (error) {
    await fs.rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await fs.open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch (error) {
    // Windows has no such thing as flushing a folder.
    const isWindows = process.platform === 'win32';
    if (!isWindows || !hasErrorCode(error, 'EPERM', 'EISDIR', 'EINVAL', 'EACCES')) throw error;
  }
}

/** Null where there is none. */
export async function openRegularFile(path: string): Promise<fs.FileHandle | null> {
  try {
    if (!(await fs.lstat(path)).isFile()) throw notRegular(path);
    // Windows has no O_NOFOLLOW: `undefined`, which adds nothing to the flags.
    return await fs.open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return null;
    throw hasErrorCode(error, 'ELOOP') ? notRegular(path) : error;
  }
}

function notRegular(path: string): EntropyCheckpointError {
  const message = `Expected "${path}" to be a regular file, got a link, a folder or a device, which this package never writes. Put the file itself there, or use another \`filepath\`.`;
  return new EntropyCheckpointError('ENTROPY_NOT_A_CHECKPOINT', message);
}

export async function readRegularFile(path: string): Promise<Buffer | null> {
  const file = await openRegularFile(path);
  return file === null ? null : file.readFile().finally(() => file.close());
}
