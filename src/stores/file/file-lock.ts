import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { EntropyCheckpointError } from '../../errors.js';
import { hasErrorCode } from './durable-folder.js';
import { isRunning, processStart, type ProcessIdentity } from './process-identity.js';

const LOCK_FILE_NAME = /^\d{15}-(?<pid>\d+)-(?<start>[0-9a-f]{16}|unknown)-\d{8}-[0-9a-f]{16}$/;
/** How long an older contender waits for a younger one to back off. Long enough for a process that was descheduled. */
const TIE_TIMEOUT_MS = 500;

const heldLockFiles = new Set<string>();
let lockCount = 0;

/** The canonical path of a folder, however it is spelled, and even if it doesn't exist yet. */
export function realFolder(folder: string): string {
  const absolute = resolve(folder);
  try {
    // `native` also unifies upper and lower case where the file system ignores case.
    return fs.realpathSync.native(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(realFolder(parent), basename(absolute));
  }
}

/**
 * Locks a folder for one training, among the trainings of one user on one computer.
 *
 * Each lock is a file outside the folder, in `<tmpdir>/tfjs-entropy-checkpoint-<uid>/<hash of the folder>/`. Its name
 * holds the id and the start time of the process that created it. So the lock of an ended process is ignored at once,
 * even if another process has got its id. Every contender removes such files. That is safe, as no running process can
 * have a lock file of that name.
 *
 * Why two contenders can't both win: each creates its lock file, then looks for others, and wins only if it sees none.
 * The one that looks last does so when both files exist, so it sees the other.
 *
 * Why one of two contenders that see each other wins: file names start with the time, so they have an order. A younger
 * contender backs off at once. The oldest stays and looks again until the younger ones are gone. A younger one that
 * doesn't back off looked before the older file existed, and has won. Then the older one runs into the timeout.
 *
 * It doesn't see processes of another user, in another pid namespace, or with another `TMPDIR`.
 */
export class FolderLock {
  readonly #lockFile: string;

  private constructor(lockFile: string) {
    this.#lockFile = lockFile;
  }

  /**
   * Acquires the lock. Blocks for at most half a second, and only if two contenders try at the same moment.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE` while another training holds the lock;
   *   `ENTROPY_STORE_FAILED` if no lock file can be written.
   */
  static acquire(folder: string): FolderLock {
    let lockFile: string | null = null;
    let rival: string | null;
    try {
      lockFile = createLockFile(lockFolderOf(folder));
      rival = outlastYoungerRivals(lockFile);
    } catch (cause) {
      if (lockFile !== null) removeLockFile(lockFile);
      if (cause instanceof EntropyCheckpointError) throw cause;
      const message = `Could not lock folder "${folder}" for this training: ${String(cause)}. Make the temporary folder "${tmpdir()}" writable.`;
      throw new EntropyCheckpointError('ENTROPY_STORE_FAILED', message, { cause });
    }
    if (rival === null) return new FolderLock(lockFile);
    removeLockFile(lockFile);
    const pid = ownerOf(rival)?.pid ?? 'unknown';
    const owner = pid === process.pid ? `this process (pid ${pid})` : `the process with pid ${pid}`;
    throw new EntropyCheckpointError(
      'ENTROPY_STORE_IN_USE',
      `Folder "${folder}" is in use by another training, in ${owner}. Wait until that one has ended (\`dispose()\` ends it), or give this one another \`filepath\`.`,
    );
  }

  /** Releases the lock. Idempotent. */
  release(): void {
    removeLockFile(this.#lockFile);
  }
}

/** The folder for the lock files of `folder`. Creates its parent. */
function lockFolderOf(folder: string): string {
  const base = join(tmpdir(), `tfjs-entropy-checkpoint-${process.getuid?.() ?? 'user'}`);
  fs.mkdirSync(base, { recursive: true, mode: 0o700 });
  const { uid } = fs.lstatSync(base);
  // In a temporary folder that all users share, another user may have created this folder first.
  if (process.getuid !== undefined && uid !== process.getuid()) {
    throw new EntropyCheckpointError(
      'ENTROPY_STORE_FAILED',
      `Expected "${base}" to belong to the user who runs this training, uid ${process.getuid()}, got uid ${uid}. Remove it, or set TMPDIR to another folder.`,
    );
  }
  return join(base, createHash('sha256').update(realFolder(folder)).digest('hex'));
}

function createLockFile(lockFolder: string): string {
  lockCount++;
  const time = String(Date.now()).padStart(15, '0');
  const start = processStart(process.pid) ?? 'unknown';
  const order = String(lockCount).padStart(8, '0');
  const lockFile = join(
    lockFolder,
    `${time}-${process.pid}-${start}-${order}-${randomBytes(8).toString('hex')}`,
  );
  for (let attempt = 1; ; attempt++) {
    try {
      fs.mkdirSync(lockFolder, { recursive: true, mode: 0o700 });
      fs.closeSync(fs.openSync(lockFile, 'wx', 0o600));
      if (heldLockFiles.size === 0) process.once('exit', removeHeldLockFiles);
      heldLockFiles.add(lockFile);
      return lockFile;
    } catch (error) {
      // The last lock to be released removes the folder, maybe just now.
      if (!hasErrorCode(error, 'ENOENT') || attempt === 100) throw error;
    }
  }
}

/** Waits for younger contenders to back off. @returns the lock file that has won instead, or null if `lockFile` has. */
function outlastYoungerRivals(lockFile: string): string | null {
  const deadline = performance.now() + TIE_TIMEOUT_MS;
  for (;;) {
    const rivals = liveRivals(lockFile);
    const oldest = rivals[0];
    if (oldest === undefined) return null;
    if (oldest < basename(lockFile) || performance.now() > deadline) return oldest;
    sleep(1 + Math.random() * 4);
  }
}

function liveRivals(lockFile: string): string[] {
  const lockFolder = dirname(lockFile);
  const rivals = fs.readdirSync(lockFolder).filter((name) => name !== basename(lockFile));
  return rivals.sort().filter((name) => {
    const owner = ownerOf(name);
    if (owner === null) return false;
    // A lock of this process may belong to another worker thread, so it counts until it is removed.
    if (isRunning(owner)) return true;
    fs.rmSync(join(lockFolder, name), { force: true });
    return false;
  });
}

function removeLockFile(lockFile: string): void {
  heldLockFiles.delete(lockFile);
  if (heldLockFiles.size === 0) process.removeListener('exit', removeHeldLockFiles);
  try {
    fs.rmSync(lockFile, { force: true });
    fs.rmdirSync(dirname(lockFile));
  } catch {
    // The folder holds other locks, or is removed already. At worst a file stays until this process ends.
  }
}

function removeHeldLockFiles(): void {
  for (const lockFile of heldLockFiles) removeLockFile(lockFile);
}

function ownerOf(name: string): ProcessIdentity | null {
  const groups = LOCK_FILE_NAME.exec(name)?.groups;
  return groups === undefined ? null : { pid: Number(groups['pid']), start: groups['start'] ?? 'unknown' };
}

function sleep(timeoutMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, timeoutMs);
}
