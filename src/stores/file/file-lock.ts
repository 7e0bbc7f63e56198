import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { EntropyCheckpointError } from '../../errors.js';
import { hasErrorCode } from './durable-folder.js';
import { HeldFile, isHeld } from './held-file.js';
import { isRunning, processStart, type ProcessIdentity } from './process-identity.js';
import { realFolder } from './real-folder.js';

const LOCK_FILE_NAME = /^\d{15}-(?<pid>\d+)-(?<start>[0-9a-f]{16}|unknown)-\d{8}-[0-9a-f]{16}$/;
/** How long an older contender waits for a younger one to back off. Long enough for a process that was descheduled. */
const TIE_TIMEOUT_MS = 500;

/** Programs that clean the temporary folder remove files that nobody has touched for some days, or hours. */
const TOUCH_INTERVAL_MS = 5 * 60_000;

/** The locks of this thread. */
const heldLocks = new Set<FolderLock>();
let touchTimer: NodeJS.Timeout | undefined;
let lockCount = 0;

/**
 * Locks a folder for one training, among the trainings of one user on one computer.
 *
 * Each lock is a file outside the folder, in `<tmpdir>/tfjs-entropy-checkpoint-<uid>/<hash of the folder>/`. Its name
 * holds the id and the start time of the process that created it, and the thread that created it holds it open. So the
 * lock of an ended process or thread is ignored at once, even if another process has got its id. Every contender
 * removes such files. That is safe, as each name is used by one thread only.
 *
 * Why two contenders can't both win: each creates its lock file, then looks for others, and wins only if it sees none.
 * The one that looks last does so when both files exist, so it sees the other.
 *
 * Why one of two contenders that see each other wins: file names start with the time, so they have an order. A younger
 * contender backs off at once. The oldest stays and looks again until the younger ones are gone. A younger one that
 * doesn't back off looked before the older file existed, and has won. Then the older one runs into the timeout.
 *
 * A lock file is touched now and then, and created again if another program has removed it. If another training has
 * acquired the lock in between, the lock is lost, and `confirm` says so.
 *
 * It doesn't see processes of another user, in another pid namespace, or with another `TMPDIR`. A thread that was
 * started with `trackUnmanagedFds: false` holds its lock until its process ends.
 */
export class FolderLock {
  readonly #folder: string;
  #file: HeldFile;
  /** Set once another training has acquired the lock. */
  #loss: EntropyCheckpointError | null = null;

  private constructor(folder: string, file: HeldFile) {
    this.#folder = folder;
    this.#file = file;
    remember(this);
  }

  /**
   * Acquires the lock. Blocks for at most half a second, and only if two contenders try at the same moment.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE` while another training holds the lock;
   *   `ENTROPY_STORE_FAILED` if no lock file can be written.
   */
  static acquire(folder: string): FolderLock {
    const file = lockBy(folder, () => newLockFilePath(lockFolderOf(folder)));
    return new FolderLock(folder, file);
  }

  /**
   * Makes sure that the lock is held, in case another program has removed its file. A lock that another training has
   * acquired since is lost for good: that training may have changed the folder.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE` if it's lost; `ENTROPY_STORE_FAILED`.
   */
  confirm(): void {
    if (this.#loss !== null) throw this.#loss;
    if (this.#file.isThere) return;
    this.#file.remove();
    try {
      // With its old time, it's older than every contender that hasn't acquired the lock yet.
      this.#file = lockBy(this.#folder, () => withNewEnding(this.#file.path));
    } catch (error) {
      if ((error as EntropyCheckpointError).code === 'ENTROPY_STORE_IN_USE') {
        this.#loss = error as EntropyCheckpointError;
      }
      throw error;
    }
  }

  /** Keeps the lock file from looking old. Never throws. */
  touch(): void {
    try {
      this.confirm();
      this.#file.touch();
      const now = new Date();
      fs.utimesSync(dirname(this.#file.path), now, now);
    } catch {
      // The next save confirms the lock, and reports it.
    }
  }

  /** Releases the lock. Idempotent. */
  release(): void {
    forget(this);
    removeLockFile(this.#file);
  }
}

/** Creates a lock file, and makes sure that no other training holds one. */
function lockBy(folder: string, newPath: () => string): HeldFile {
  let file: HeldFile | null = null;
  let rival: string | null;
  try {
    file = createLockFile(newPath());
    rival = outlastYoungerRivals(file.path);
  } catch (cause) {
    if (file !== null) removeLockFile(file);
    if (cause instanceof EntropyCheckpointError) throw cause;
    const message = `Could not lock folder "${folder}" for this training: ${String(cause)}. Make the temporary folder "${tmpdir()}" writable.`;
    throw new EntropyCheckpointError('ENTROPY_STORE_FAILED', message, { cause });
  }
  if (rival === null) return file;
  removeLockFile(file);
  const pid = ownerOf(rival)?.pid ?? 'unknown';
  const owner = pid === process.pid ? `this process (pid ${pid})` : `the process with pid ${pid}`;
  throw new EntropyCheckpointError(
    'ENTROPY_STORE_IN_USE',
    `Folder "${folder}" is in use by another training, in ${owner}. Wait until that one has ended (\`dispose()\` ends it), or give this one another \`filepath\`.`,
  );
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

function newLockFilePath(lockFolder: string): string {
  lockCount++;
  const time = String(Date.now()).padStart(15, '0');
  const start = processStart(process.pid) ?? 'unknown';
  const order = String(lockCount).padStart(8, '0');
  return join(lockFolder, `${time}-${process.pid}-${start}-${order}-${newEnding()}`);
}

/** Another name for a lock of the same age: a contender may be about to remove the file of the old name. */
function withNewEnding(path: string): string {
  return path.slice(0, path.lastIndexOf('-') + 1) + newEnding();
}

function newEnding(): string {
  return randomBytes(8).toString('hex');
}

function createLockFile(path: string): HeldFile {
  for (let attempt = 1; ; attempt++) {
    try {
      fs.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      return new HeldFile(path);
    } catch (error) {
      // A contender has opened the file before this thread could lock it, and found that nobody holds it.
      if (hasErrorCode(error, 'EAGAIN')) fs.rmSync(path, { force: true });
      // The last lock to be released removes the folder, maybe just now.
      else if (!hasErrorCode(error, 'ENOENT')) throw error;
      if (attempt === 100) throw error;
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
    if (isRunning(owner) && isHeld(join(lockFolder, name), owner.pid)) return true;
    fs.rmSync(join(lockFolder, name), { force: true });
    return false;
  });
}

function removeLockFile(file: HeldFile): void {
  file.remove();
  try {
    fs.rmdirSync(dirname(file.path));
  } catch {
    // The folder holds other locks, or is removed already.
  }
}

function remember(lock: FolderLock): void {
  if (heldLocks.size === 0) {
    process.once('exit', releaseHeldLocks);
    touchTimer = setInterval(touchHeldLocks, TOUCH_INTERVAL_MS).unref();
  }
  heldLocks.add(lock);
}

function forget(lock: FolderLock): void {
  if (!heldLocks.delete(lock) || heldLocks.size > 0) return;
  process.removeListener('exit', releaseHeldLocks);
  clearInterval(touchTimer);
}

function touchHeldLocks(): void {
  for (const lock of heldLocks) lock.touch();
}

function releaseHeldLocks(): void {
  for (const lock of heldLocks) lock.release();
}

function ownerOf(name: string): ProcessIdentity | null {
  const groups = LOCK_FILE_NAME.exec(name)?.groups;
  return groups === undefined ? null : { pid: Number(groups['pid']), start: groups['start'] ?? 'unknown' };
}

function sleep(timeoutMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, timeoutMs);
}
