import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { EntropyCheckpointError } from '../../../src/errors.js';
import { FolderLock } from '../../../src/stores/file/file-lock.js';
import { HeldFile } from '../../../src/stores/file/held-file.js';
import { IS_THOROUGH } from '../../support/thorough.js';
import { killChildren, startChild } from '../fixtures/child-process.js';

const locksFolder = join(tmpdir(), `tfjs-entropy-checkpoint-${process.getuid?.() ?? 'user'}`);

let folder = '';
const locks: FolderLock[] = [];
const heldFiles: HeldFile[] = [];

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'file-lock-test-'));
});

afterEach(() => {
  for (const lock of locks.splice(0)) lock.release();
  for (const file of heldFiles.splice(0)) {
    file.remove();
    fs.rmSync(dirname(file.path), { recursive: true, force: true });
  }
  killChildren();
  jest.restoreAllMocks();
  fs.rmSync(folder, { recursive: true, force: true });
});

function acquire(path: string): FolderLock {
  const lock = FolderLock.acquire(path);
  locks.push(lock);
  return lock;
}

/** Holds a file open, as another training in this process would. */
function hold(path: string): HeldFile {
  const file = new HeldFile(path);
  heldFiles.push(file);
  return file;
}

/** The error that acquiring the lock throws. */
function acquireError(path: string): EntropyCheckpointError {
  try {
    acquire(path);
  } catch (error) {
    if (error instanceof EntropyCheckpointError) return error;
    throw error;
  }
  throw new Error(`Expected the lock on ${path} to be refused.`);
}

function allLockFiles(): string[] {
  if (!fs.existsSync(locksFolder)) return [];
  return fs.readdirSync(locksFolder).flatMap((key) => {
    const lockFolder = join(locksFolder, key);
    try {
      return fs.readdirSync(lockFolder).map((name) => join(lockFolder, name));
    } catch {
      // Another suite has just removed this folder.
      return [];
    }
  });
}

/** What killed processes have left behind. The system gives their numbers to new processes. */
const olderLockFiles = new Set(allLockFiles());

/** The lock files of a process: of this one or of a child. */
function lockFilesOfPid(pid: number): string[] {
  return allLockFiles().filter(
    (path) => basename(path).split('-')[1] === String(pid) && !olderLockFiles.has(path),
  );
}

function lockFileOfPid(pid: number): string {
  const lockFiles = lockFilesOfPid(pid);
  expect(lockFiles).toHaveLength(1);
  return lockFiles[0] ?? '';
}

describe('FolderLock', () => {
  it('refuses a second lock in one process until the first is released', () => {
    const first = acquire(folder);
    expect(acquireError(folder).code).toBe('ENTROPY_STORE_IN_USE');
    expect(acquireError(folder).message).toContain(`"${folder}"`);
    expect(acquireError(folder).message).toContain(`pid ${process.pid}`);
    expect(acquireError(folder).message).toContain('filepath');
    first.release();
    acquire(folder);
  });

  it('does not release the next lock when released twice', () => {
    const first = acquire(folder);
    first.release();
    acquire(folder);
    first.release();
    expect(acquireError(folder).code).toBe('ENTROPY_STORE_IN_USE');
  });

  it('does not lock other folders', () => {
    acquire(join(folder, 'a'));
    acquire(join(folder, 'b'));
    acquire(folder);
  });

  it('is refused while another process holds it, and names that process', async () => {
    const child = startChild('hold-lock.ts', [folder]);
    expect(await child.nextLine()).toBe('held');
    expect(acquireError(folder).code).toBe('ENTROPY_STORE_IN_USE');
    expect(acquireError(folder).message).toContain(`pid ${child.pid}`);
  });

  it('is refused to another process while this one holds it', async () => {
    acquire(folder);
    expect(await startChild('hold-lock.ts', [folder]).nextLine()).toBe('ENTROPY_STORE_IN_USE');
  });

  it('is refused to a second thread of the process that holds it', async () => {
    const child = startChild('lock-in-thread.ts', [folder]);
    expect(await child.nextLine()).toBe('held');
    expect(await child.nextLine()).toBe('ENTROPY_STORE_IN_USE');
  });

  it('leaves no lock file when it is refused', () => {
    acquire(folder);
    acquireError(folder);
    lockFileOfPid(process.pid);
  });

  it('writes nothing into the folder, and leaves nothing in the temporary folder', () => {
    const lock = acquire(folder);
    expect(fs.readdirSync(folder)).toEqual([]);
    const lockFolder = dirname(lockFileOfPid(process.pid));
    lock.release();
    expect(fs.existsSync(lockFolder)).toBe(false);
  });

  it('keeps lock files that only the user can list', () => {
    acquire(folder);
    if (process.platform !== 'win32') expect(fs.statSync(locksFolder).mode & 0o777).toBe(0o700);
  });
});

describe('two spellings of one folder share a lock', () => {
  it.each([
    ['a trailing slash and dots', (real: string) => `${real}/./x/../`],
    ['a symbolic link', (real: string) => join(real, 'link')],
  ])('%s', (_name, spelling) => {
    fs.symlinkSync(folder, join(folder, 'link'));
    acquire(folder);
    expect(acquireError(spelling(folder)).code).toBe('ENTROPY_STORE_IN_USE');
  });

  it('a path relative to the current directory', () => {
    acquire(join(process.cwd(), 'no-such-checkpoint'));
    expect(acquireError('no-such-checkpoint').code).toBe('ENTROPY_STORE_IN_USE');
  });

  it('a folder that does not exist yet, below a symbolic link', () => {
    fs.mkdirSync(join(folder, 'real'));
    fs.symlinkSync(join(folder, 'real'), join(folder, 'link'));
    acquire(join(folder, 'real', 'a', 'b'));
    expect(acquireError(join(folder, 'link', 'a', 'b')).code).toBe('ENTROPY_STORE_IN_USE');
    fs.mkdirSync(join(folder, 'real', 'a', 'b'), { recursive: true });
    expect(acquireError(join(folder, 'link', 'a', 'b')).code).toBe('ENTROPY_STORE_IN_USE');
  });
});

describe('the lock of a process that has ended', () => {
  it('is ignored without waiting, and removed, after a kill', async () => {
    const child = startChild('hold-lock.ts', [folder]);
    expect(await child.nextLine()).toBe('held');
    const lockFile = lockFileOfPid(child.pid);
    await child.kill();
    expect(fs.existsSync(lockFile)).toBe(true);
    const wait = jest.spyOn(Atomics, 'wait');
    acquire(folder);
    expect(wait).not.toHaveBeenCalled();
    expect(fs.existsSync(lockFile)).toBe(false);
  });

  it('is ignored by another process after a kill', async () => {
    const first = startChild('hold-lock.ts', [folder]);
    expect(await first.nextLine()).toBe('held');
    await first.kill();
    expect(await startChild('hold-lock.ts', [folder]).nextLine()).toBe('held');
  });

  it('is removed by a process that exits without releasing it', async () => {
    const child = startChild('hold-lock.ts', [folder]);
    expect(await child.nextLine()).toBe('held');
    const lockFile = lockFileOfPid(child.pid);
    child.process.stdin?.end();
    expect(await child.nextLine()).toBeNull();
    expect(fs.existsSync(lockFile)).toBe(false);
  });

  it('is ignored if the process is a zombie', async () => {
    if (process.platform !== 'linux') return;
    // The shell starts the lock's holder, then becomes `sleep`, which never reaps it. It passes on its input by another
    // descriptor, as a shell gives background processes /dev/null for 0.
    const child = startChild('hold-lock.ts', [folder], 'exec 3<&0; "$0" "$@" <&3 & exec sleep 60');
    expect(await child.nextLine()).toBe('held');
    const pid = Number(/pid (\d+)/.exec(acquireError(folder).message)?.[1]);
    process.kill(pid, 'SIGKILL');
    const state = () => fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.[0];
    while (state() !== 'Z') await new Promise((done) => setTimeout(done, 5));
    acquire(folder);
    expect(state()).toBe('Z');
  });

  it('is ignored if another process has got its id', () => {
    const lock = acquire(folder);
    const lockFile = lockFileOfPid(process.pid);
    const [time, pid, start, count, random] = basename(lockFile).split('-');
    expect(start).toMatch(/^[0-9a-f]{16}$/);
    lock.release();

    fs.mkdirSync(dirname(lockFile));
    const stale = hold(join(dirname(lockFile), [time, pid, '0123456789abcdef', count, random].join('-')));
    acquire(folder).release();
    expect(fs.existsSync(stale.path)).toBe(false);

    // The same name with the true start time is respected, so the start time made the difference.
    fs.mkdirSync(dirname(lockFile), { recursive: true });
    hold(lockFile);
    expect(acquireError(folder).code).toBe('ENTROPY_STORE_IN_USE');
  });

  it('is recognised by the process id alone where the start time is unknown', async () => {
    const lock = acquire(folder);
    const lockFolder = dirname(lockFileOfPid(process.pid));
    lock.release();
    const child = startChild('hold-lock.ts', [join(folder, 'other')]);
    expect(await child.nextLine()).toBe('held');

    fs.mkdirSync(lockFolder);
    const lockFile = join(lockFolder, `000001700000000-${child.pid}-unknown-00000001-0123456789abcdef`);
    // The child still holds it open by this name.
    fs.renameSync(lockFileOfPid(child.pid), lockFile);
    expect(acquireError(folder).code).toBe('ENTROPY_STORE_IN_USE');
    await child.kill();
    acquire(folder);
    expect(fs.existsSync(lockFile)).toBe(false);
  });

  it('leaves other files in the lock folder alone', () => {
    const lock = acquire(folder);
    const lockFolder = dirname(lockFileOfPid(process.pid));
    fs.writeFileSync(join(lockFolder, 'notes.txt'), 'mine');
    lock.release();
    acquire(folder).release();
    expect(fs.readdirSync(lockFolder)).toEqual(['notes.txt']);
    fs.rmSync(lockFolder, { recursive: true });
  });
});

describe('two contenders that see each other', () => {
  /** Writes a lock file for `folder`, of this process, with another creation time. */
  function plantLockFile(time: string): string {
    const lock = acquire(folder);
    const template = lockFileOfPid(process.pid);
    lock.release();
    const lockFile = join(dirname(template), [time, ...basename(template).split('-').slice(1)].join('-'));
    fs.mkdirSync(dirname(lockFile));
    return hold(lockFile).path;
  }

  it('the older waits until the younger is gone', () => {
    const younger = plantLockFile('999999999999999');
    const wait = jest.spyOn(Atomics, 'wait').mockImplementation(() => {
      fs.rmSync(younger);
      return 'timed-out';
    });
    acquire(folder);
    expect(wait).toHaveBeenCalledTimes(1);
    jest.restoreAllMocks();
  });

  it('the older gives up when the younger has won', () => {
    const younger = plantLockFile('999999999999999');
    expect(acquireError(folder).code).toBe('ENTROPY_STORE_IN_USE');
    expect(fs.readdirSync(dirname(younger))).toEqual([basename(younger)]);
    fs.rmSync(dirname(younger), { recursive: true });
  });

  it('the younger backs off without waiting', () => {
    const older = plantLockFile('000000000000000');
    const wait = jest.spyOn(Atomics, 'wait');
    expect(acquireError(folder).code).toBe('ENTROPY_STORE_IN_USE');
    expect(wait).not.toHaveBeenCalled();
    fs.rmSync(dirname(older), { recursive: true });
  });
});

describe('processes that try at the same instant', () => {
  it('are never granted the lock twice', async () => {
    const rounds = IS_THOROUGH ? 1000 : 40;
    const rivals = Array.from({ length: 3 }, () => startChild('race-lock.ts', [folder]));
    const tellAll = async (word: string): Promise<(string | null)[]> => {
      for (const { process: rival } of rivals) rival.stdin!.write(`${word}\n`);
      return Promise.all(rivals.map((rival) => rival.nextLine()));
    };
    await Promise.all(rivals.map((rival) => rival.nextLine()));
    let wins = 0;
    for (let round = 0; round < rounds; round++) {
      const outcomes = await tellAll('acquire');
      expect(outcomes).not.toContain('another winner');
      const winners = outcomes.filter((outcome) => outcome === 'won').length;
      expect(winners).toBeLessThanOrEqual(1);
      wins += winners;
      await tellAll('release');
    }
    // All may lose only if one of them is suspended between its lock file and its decision.
    expect(wins).toBeGreaterThan(rounds / 2);
  });
});

describe('a lock folder that already exists', () => {
  /** Acquires the lock in a process with its own temporary folder. @returns what the process prints. */
  async function acquireInTemporaryFolder(prepare: (base: string) => void): Promise<string | null> {
    const temporary = join(folder, 'tmp');
    fs.mkdirSync(temporary);
    prepare(join(temporary, basename(locksFolder)));
    const child = startChild('hold-lock.ts', [folder], `export TMPDIR="${temporary}"`);
    return child.nextLine();
  }

  it('is reported if it is a file', async () => {
    const result = await acquireInTemporaryFolder((base) => {
      fs.writeFileSync(base, '');
    });
    expect(result).toBe('ENTROPY_STORE_FAILED');
  });

  it('is not trusted if it belongs to another user', async () => {
    // Only root can change the owner of a folder.
    if (process.getuid?.() !== 0) return;
    const result = await acquireInTemporaryFolder((base) => {
      fs.mkdirSync(base);
      fs.chownSync(base, 12345, 12345);
    });
    expect(result).toBe('ENTROPY_STORE_FAILED');
  });

  it('is used if it belongs to the user', async () => {
    expect(
      await acquireInTemporaryFolder((base) => {
        fs.mkdirSync(base);
      }),
    ).toBe('held');
  });
});
