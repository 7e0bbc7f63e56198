import * as fs from 'node:fs';
import { hasErrorCode } from './durable-folder.js';

/** Flags of libuv by which a file is opened, or found to be open. Node passes them on, but has no names for them. */
interface LockFlags {
  readonly hold: number;
  readonly probe: number;
}

const { O_CREAT, O_EXCL, O_WRONLY, O_RDONLY, O_NONBLOCK } = fs.constants;
/** Kqueue systems lock a file as they open it: exclusively by the first flag, shared by the second. */
const BSD: LockFlags = { hold: 0x20 | O_NONBLOCK, probe: 0x10 | O_NONBLOCK };
const LOCK_FLAGS: Partial<Record<NodeJS.Platform, LockFlags>> = {
  darwin: BSD,
  freebsd: BSD,
  openbsd: BSD,
  netbsd: BSD,
  // Windows then refuses to open the file a second time.
  win32: { hold: 0x10000000, probe: 0 },
};

/**
 * A new file that this thread holds open, so that others can tell whether the thread still runs.
 *
 * Node closes the files of a thread when the thread ends: also by `worker.terminate()`, without memory, or with its
 * process. Nothing has to run in the thread for that, and nobody has to ask it: it may compute for hours.
 */
export class HeldFile {
  readonly path: string;
  readonly #descriptor: number;
  readonly #identity: string | null;
  #isRemoved = false;

  /** Creates and opens the file in one step, so that nobody sees it closed. @throws a system error, such as `EEXIST`. */
  constructor(path: string) {
    const flags = O_CREAT | O_EXCL | O_WRONLY | (LOCK_FLAGS[process.platform]?.hold ?? 0);
    this.path = path;
    this.#descriptor = fs.openSync(path, flags, 0o600);
    this.#identity = identityOf(this.#descriptor);
  }

  /** Whether the file is still there, and open. Another program may have removed it. */
  get isThere(): boolean {
    return this.#isOpen && identityOf(this.path) === this.#identity;
  }

  /** Sets its times to now, so that nothing takes it for an old file. */
  touch(): void {
    const now = new Date();
    fs.futimesSync(this.#descriptor, now, now);
  }

  /** Closes and removes the file. Never throws: at worst a closed file stays. Idempotent. */
  remove(): void {
    const isOpen = this.#isOpen;
    this.#isRemoved = true;
    try {
      // Windows removes no open file.
      if (isOpen) fs.closeSync(this.#descriptor);
      fs.rmSync(this.path, { force: true });
    } catch {
      // Others ignore a file that isn't open.
    }
  }

  /** Whether the descriptor is still that of this file. After a mistake elsewhere in the process it may be another's. */
  get #isOpen(): boolean {
    if (this.#isRemoved || this.#identity === null) return false;
    return identityOf(this.#descriptor) === this.#identity;
  }
}

/**
 * Whether some thread of a running process holds the file open. A file counts as open where that can't be found out.
 *
 * @param pid the process that created the file.
 */
export function isHeld(path: string, pid: number): boolean {
  if (process.platform === 'linux') return isOpenInProcess(path, pid);
  const flags = LOCK_FLAGS[process.platform];
  if (flags === undefined) return true;
  try {
    fs.closeSync(fs.openSync(path, O_RDONLY | flags.probe));
    return false;
  } catch (error) {
    return !hasErrorCode(error, 'ENOENT');
  }
}

/** Reads the descriptors of a process. Linux has no flag that locks a file as it is opened. */
function isOpenInProcess(path: string, pid: number): boolean {
  const descriptors = `/proc/${pid}/fd`;
  // In another mount namespace the path differs, so only the name is compared. It's unique.
  const ending = path.slice(path.lastIndexOf('/'));
  try {
    return fs.readdirSync(descriptors).some((name) => linkOf(`${descriptors}/${name}`).endsWith(ending));
  } catch (error) {
    // The process has just ended, or it may not be inspected.
    return !hasErrorCode(error, 'ENOENT', 'ESRCH');
  }
}

function linkOf(path: string): string {
  try {
    return fs.readlinkSync(path);
  } catch {
    // Closed since it was listed.
    return '';
  }
}

/** Which file a path or a descriptor refers to. */
function identityOf(file: string | number): string | null {
  try {
    const { dev, ino } =
      typeof file === 'number' ? fs.fstatSync(file, { bigint: true }) : fs.statSync(file, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}
