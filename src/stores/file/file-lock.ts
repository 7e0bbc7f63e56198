import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { EntropyCheckpointError } from '../../errors.js';
import { hasErrorCode } from './durable-folder.js';
import { isRunning, processStart, type ProcessIdentity } from './process-identity.js';

const LOCK_FILE_NAME = /^\d{15}-(?<pid>\d+)-(?<start>[0-9a-f]{16}|unknown)-\d{8}-[0-9a-f]{16}$/;
/** How long an older contender waits for a younger one to give way; enough for a process that was descheduled. */
const TIE_TIMEOUT_MS = 500;

const heldLockFiles = new Set<string>();
let lockCount = 0;

/** The one name of a folder, however it is spelled and whether or not it exists yet. */
export function realFolder(folder: string): string {
  const absolute = resolve(folder);
  try {
    // `native` also settles upper and lower case where the file system does not tell them apart.
    return fs.realpathSync.native(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(realFolder(parent), basename(absolute));
  }
}

/**
 * The claim of one training on one folder, among the trainings of one user on one machine.
 *
 * A claim is a file of its own outside the folder, in `<tmpdir>/tfjs-entropy-checkpoint-<uid>/<hash of the
 * folder>/`. Its name says which process made it: by id and by start time, so that a claim whose process is
 * gone counts for nothing at once, also when its id has been given to another process. Whoever sees a dead
 * claim removes it, which is safe because no living process can have a claim of that name.
 *
 * Why two can never both win: each creates its claim first and looks for others afterwards, and wins only
 * when it sees none. Of two, the later to look does so when both claims exist, and sees the other's.
 *
 * Why one of two that see each other does win: names begin with the time, so claims have an order. A younger
 * claim gives way at once; the oldest stays and looks again until the younger are gone. A younger one that did
 * not give way had looked before the older existed, and has won; then the older runs into the timeout.
 *
 * Not seen are processes of another user, of another pid namespace, or with another `TMPDIR`.
 */
export class FolderLock {
  readonly #claim: string;

  private constructor(claim: string) {
    this.#claim = claim;
  }

  /**
   * Blocks for at most half a second, and only when two try at the same moment.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE` while another training holds the folder;
   *   `ENTROPY_STORE_FAILED` when the claims cannot be written.
   */
  static acquire(folder: string): FolderLock {
    let claim: string | null = null;
    let rival: string | null;
    try {
      claim = createLockFile(lockFolder(folder));
      rival = outlastYoungerRivals(claim);
    } catch (cause) {
      if (claim !== null) removeLockFile(claim);
      if (cause instanceof EntropyCheckpointError) throw cause;
      const message = `Could not claim folder "${folder}" for this training: ${String(cause)}. Expected to be able to write to the temporary folder "${tmpdir()}".`;
      throw new EntropyCheckpointError('ENTROPY_STORE_FAILED', message, { cause });
    }
    if (rival === null) return new FolderLock(claim);
    removeLockFile(claim);
    const pid = ownerOf(rival)?.pid ?? 'unknown';
    const owner = pid === process.pid ? `this process (pid ${pid})` : `the process with pid ${pid}`;
    throw new EntropyCheckpointError(
      'ENTROPY_STORE_IN_USE',
      `Folder "${folder}" is in use by another training, in ${owner}. Wait until that one has ended (\`dispose()\` ends it), or give this one another \`filepath\`.`,
    );
  }

  /** Idempotent. */
  release(): void {
    removeLockFile(this.#claim);
  }
}

function lockFolder(folder: string): string {
  const base = join(tmpdir(), `tfjs-entropy-checkpoint-${process.getuid?.() ?? 'user'}`);
  fs.mkdirSync(base, { recursive: true, mode: 0o700 });
  const { uid } = fs.lstatSync(base);
  // In a temporary folder that all users share, somebody else may have taken the name first.
  if (process.getuid !== undefined && uid !== process.getuid()) {
    throw new EntropyCheckpointError(
      'ENTROPY_STORE_FAILED',
      `Expected "${base}" to belong to the user who runs this training, uid ${process.getuid()}, got uid ${uid}. Remove it, or set TMPDIR to another folder.`,
    );
  }
  return join(base, createHash('sha256').update(realFolder(folder)).digest('hex'));
}

function createLockFile(claims: string): string {
  lockCount++;
  const time = String(Date.now()).padStart(15, '0');
  const start = processStart(process.pid) ?? 'unknown';
  const order = String(lockCount).padStart(8, '0');
  const claim = join(claims, `${time}-${process.pid}-${start}-${order}-${randomBytes(8).toString('hex')}`);
  for (let attempt = 1; ; attempt++) {
    try {
      fs.mkdirSync(claims, { recursive: true, mode: 0o700 });
      fs.closeSync(fs.openSync(claim, 'wx', 0o600));
      if (heldLockFiles.size === 0) process.once('exit', removeHeldLockFiles);
      heldLockFiles.add(claim);
      return claim;
    } catch (error) {
      // The last one to leave removes the folder, maybe just now.
      if (!hasErrorCode(error, 'ENOENT') || attempt === 100) throw error;
    }
  }
}

/** The claim that stands in the way, or null when ours has won. */
function outlastYoungerRivals(claim: string): string | null {
  const deadline = performance.now() + TIE_TIMEOUT_MS;
  for (;;) {
    const rivals = liveRivals(claim);
    const oldest = rivals[0];
    if (oldest === undefined) return null;
    if (oldest < basename(claim) || performance.now() > deadline) return oldest;
    sleep(1 + Math.random() * 4);
  }
}

function liveRivals(claim: string): string[] {
  const claims = dirname(claim);
  const rivals = fs.readdirSync(claims).filter((name) => name !== basename(claim));
  return rivals.sort().filter((name) => {
    const owner = ownerOf(name);
    if (owner === null) return false;
    // A claim of this very process may be that of another worker thread: it counts until it is removed.
    if (isRunning(owner)) return true;
    fs.rmSync(join(claims, name), { force: true });
    return false;
  });
}

function removeLockFile(claim: string): void {
  heldLockFiles.delete(claim);
  if (heldLockFiles.size === 0) process.removeListener('exit', removeHeldLockFiles);
  try {
    fs.rmSync(claim, { force: true });
    fs.rmdirSync(dirname(claim));
  } catch {
    // There are other claims in the folder, or it has been removed. At worst a file stays until this process ends.
  }
}

function removeHeldLockFiles(): void {
  for (const claim of heldLockFiles) removeLockFile(claim);
}

function ownerOf(name: string): ProcessIdentity | null {
  const groups = LOCK_FILE_NAME.exec(name)?.groups;
  return groups === undefined ? null : { pid: Number(groups['pid']), start: groups['start'] ?? 'unknown' };
}

function sleep(timeoutMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, timeoutMs);
}
