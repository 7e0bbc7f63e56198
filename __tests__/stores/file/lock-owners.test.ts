import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { FolderLock } from '../../../src/stores/file/file-lock.js';
import { useTempFolder } from '../../support/fixtures.js';
import { killChildren, startChild } from '../fixtures/child-process.js';
import { startLockingThread, type ThreadEnding } from '../fixtures/locking-thread.js';

const locksFolder = join(tmpdir(), `tfjs-entropy-checkpoint-${process.getuid?.() ?? 'user'}`);
const folder = useTempFolder();
const locks: FolderLock[] = [];
const threads: Worker[] = [];

beforeEach(() => {
  jest.restoreAllMocks();
});

afterEach(async () => {
  jest.useRealTimers();
  for (const lock of locks.splice(0)) lock.release();
  for (const thread of threads.splice(0)) await thread.terminate();
  // Removes the lock files of ended threads: other suites of this process count its lock files.
  for (const path of [folder(), join(folder(), 'other')]) {
    if (acquireOutcome(path) === null) releaseAll();
  }
  killChildren();
});

/** Acquires the lock. @returns the code of the error, or null. */
function acquireOutcome(path = folder()): string | null {
  try {
    locks.push(FolderLock.acquire(path));
    return null;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

function releaseAll(): void {
  for (const lock of locks.splice(0)) lock.release();
}

async function lockInThread(ending: ThreadEnding): Promise<Worker> {
  const thread = await startLockingThread(folder(), ending);
  threads.push(thread);
  return thread;
}

/** The lock files for this test's folder. */
function lockFiles(): string[] {
  const key = createHash('sha256').update(fs.realpathSync(folder())).digest('hex');
  const lockFolder = join(locksFolder, key);
  return fs.existsSync(lockFolder) ? fs.readdirSync(lockFolder).map((name) => join(lockFolder, name)) : [];
}

describe('a thread that holds the lock', () => {
  it('keeps it while it runs, also while it computes without a pause', async () => {
    const thread = await lockInThread('computes');
    expect(acquireOutcome()).toBe('ENTROPY_STORE_IN_USE');
    thread.postMessage('compute');
    await new Promise((done) => setTimeout(done, 50));
    expect(acquireOutcome()).toBe('ENTROPY_STORE_IN_USE');
    expect(await startChild('hold-lock.ts', [folder()]).nextLine()).toBe('ENTROPY_STORE_IN_USE');
  });

  it.each(['waits', 'computes'] as const)('loses it by `terminate()` while it %s', async (ending) => {
    const thread = await lockInThread(ending);
    thread.postMessage('continue');
    await thread.terminate();
    expect(lockFiles()).toHaveLength(1);
    expect(acquireOutcome()).toBeNull();
    expect(lockFiles()).toHaveLength(1);
  });

  it.each(['runs out of memory', 'throws', 'returns'] as const)('loses it when it %s', async (ending) => {
    const thread = await lockInThread(ending);
    const ended = new Promise((resolve) => thread.once('exit', resolve));
    thread.postMessage('continue');
    await ended;
    expect(acquireOutcome()).toBeNull();
  });

  it('does not take the lock of another thread with it', async () => {
    expect(acquireOutcome()).toBeNull();
    const thread = await startLockingThread(join(folder(), 'other'), 'waits');
    await thread.terminate();
    expect(acquireOutcome()).toBe('ENTROPY_STORE_IN_USE');
  });
});

describe('a thread of another process', () => {
  it('holds the lock until it is terminated, though its process lives', async () => {
    const child = startChild('locking-thread.ts', [folder()]);
    expect(await child.nextLine()).toBe('held');
    expect(acquireOutcome()).toBe('ENTROPY_STORE_IN_USE');
    child.process.stdin!.write('terminate\n');
    expect(await child.nextLine()).toBe('terminated');
    expect(acquireOutcome()).toBeNull();
    expect(child.process.exitCode).toBeNull();
  });

  it('leaves its lock to no process that it started', async () => {
    const child = startChild('locking-thread.ts', [folder()]);
    expect(await child.nextLine()).toBe('held');
    child.process.stdin!.write('spawn\n');
    const grandchild = Number(await child.nextLine());
    try {
      await child.kill();
      expect(acquireOutcome()).toBeNull();
      process.kill(grandchild, 0);
    } finally {
      process.kill(grandchild, 'SIGKILL');
    }
  });
});

describe('a program that cleans the temporary folder', () => {
  const HOUR_MS = 3_600_000;

  /** Acquires the lock, with timers that only the test moves. */
  function acquireWithFakeTimers(): FolderLock {
    jest.useFakeTimers();
    expect(acquireOutcome()).toBeNull();
    return locks[0]!;
  }

  it('finds no old lock file, as they are touched', () => {
    acquireWithFakeTimers();
    const [file = ''] = lockFiles();
    const old = new Date(Date.now() - 100 * HOUR_MS);
    for (const path of [file, dirname(file)]) fs.utimesSync(path, old, old);
    jest.advanceTimersByTime(HOUR_MS);
    for (const path of [file, dirname(file)]) {
      expect(fs.statSync(path).mtimeMs).toBeGreaterThan(old.getTime() + 90 * HOUR_MS);
      expect(fs.statSync(path).atimeMs).toBeGreaterThan(old.getTime() + 90 * HOUR_MS);
    }
  });

  it('cannot take a lock away: its file is created again', async () => {
    acquireWithFakeTimers();
    fs.rmSync(dirname(lockFiles()[0]!), { recursive: true });
    jest.advanceTimersByTime(HOUR_MS);
    jest.useRealTimers();
    expect(lockFiles()).toHaveLength(1);
    expect(await startChild('hold-lock.ts', [folder()]).nextLine()).toBe('ENTROPY_STORE_IN_USE');
  });

  it('makes the lock known as lost if another training has acquired it meanwhile', async () => {
    expect(acquireOutcome()).toBeNull();
    const [lock] = locks;
    fs.rmSync(lockFiles()[0]!);
    const child = startChild('hold-lock.ts', [folder()]);
    expect(await child.nextLine()).toBe('held');
    expect(() => {
      lock!.confirm();
    }).toThrow(`pid ${child.pid}`);
    await child.kill();
    // The other training may have changed the folder.
    expect(() => {
      lock!.confirm();
    }).toThrow(`pid ${child.pid}`);
    releaseAll();
    expect(acquireOutcome()).toBeNull();
  });

  it('is noticed by `confirm` without waiting for a timer', () => {
    expect(acquireOutcome()).toBeNull();
    const [file = ''] = lockFiles();
    fs.rmSync(file);
    locks[0]!.confirm();
    expect(lockFiles()).toHaveLength(1);
    expect(lockFiles()[0]).not.toBe(file);
  });

  it('leaves nothing behind when the lock is released, and no timer', () => {
    jest.useFakeTimers();
    expect(acquireOutcome()).toBeNull();
    expect(jest.getTimerCount()).toBe(1);
    releaseAll();
    expect(jest.getTimerCount()).toBe(0);
    expect(lockFiles()).toEqual([]);
  });
});
