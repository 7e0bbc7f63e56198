import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { EntropyCheckpointError } from '../../../src/errors.js';
import { FolderLock } from '../../../src/stores/file/file-lock.js';
import { killChildren, startChild } from '../fixtures/child.js';

const claimsBase = join(tmpdir(), `tfjs-entropy-checkpoint-${process.getuid?.() ?? 'user'}`);

let folder = '';
const locks: FolderLock[] = [];

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'file-lock-test-'));
});

afterEach(() => {
  for (const lock of locks.splice(0)) lock.release();
  killChildren();
  fs.rmSync(folder, { recursive: true, force: true });
});

function acquire(path: string): FolderLock {
  const lock = FolderLock.acquire(path);
  locks.push(lock);
  return lock;
}

function refusal(path: string): EntropyCheckpointError {
  try {
    acquire(path);
  } catch (error) {
    if (error instanceof EntropyCheckpointError) return error;
    throw error;
  }
  throw new Error(`Expected the claim on ${path} to be refused.`);
}

/** The claims of the folder that is claimed at the moment by this process or by a child. */
function claimsOfPid(pid: number): string[] {
  return fs.readdirSync(claimsBase).flatMap((key) => {
    const claims = join(claimsBase, key);
    let names: string[] = [];
    try {
      names = fs.readdirSync(claims);
    } catch {
      // The claims of another test, which has ended just now.
    }
    return names.filter((name) => name.split('-')[1] === String(pid)).map((name) => join(claims, name));
  });
}

function claimOfPid(pid: number): string {
  const claims = claimsOfPid(pid);
  expect(claims).toHaveLength(1);
  return claims[0] ?? '';
}

describe('one training per folder', () => {
  test('a second claim in one process is refused until the first is released', () => {
    const first = acquire(folder);
    expect(refusal(folder).code).toBe('ENTROPY_STORE_IN_USE');
    expect(refusal(folder).message).toContain(`"${folder}"`);
    expect(refusal(folder).message).toContain(`pid ${process.pid}`);
    expect(refusal(folder).message).toContain('filepath');
    first.release();
    acquire(folder);
  });

  test('releasing twice does not release the claim of the next one', () => {
    const first = acquire(folder);
    first.release();
    acquire(folder);
    first.release();
    expect(refusal(folder).code).toBe('ENTROPY_STORE_IN_USE');
  });

  test('other folders are free', () => {
    acquire(join(folder, 'a'));
    acquire(join(folder, 'b'));
    acquire(folder);
  });

  test('a claim held by another process is refused and names that process', async () => {
    const child = startChild('hold-lock.ts', [folder]);
    expect(await child.nextLine()).toBe('held');
    expect(refusal(folder).code).toBe('ENTROPY_STORE_IN_USE');
    expect(refusal(folder).message).toContain(`pid ${child.pid}`);
  });

  test('another process is refused while this one holds the claim', async () => {
    acquire(folder);
    expect(await startChild('hold-lock.ts', [folder]).nextLine()).toBe('ENTROPY_STORE_IN_USE');
  });

  test('a second thread of the process that holds the claim is refused', async () => {
    const child = startChild('lock-in-thread.ts', [folder]);
    expect(await child.nextLine()).toBe('held');
    expect(await child.nextLine()).toBe('ENTROPY_STORE_IN_USE');
  });

  test('the refused leave no claim behind', () => {
    acquire(folder);
    refusal(folder);
    claimOfPid(process.pid);
  });

  test('nothing is written into the folder, nor left in the temporary folder afterwards', () => {
    const lock = acquire(folder);
    expect(fs.readdirSync(folder)).toEqual([]);
    const claims = dirname(claimOfPid(process.pid));
    lock.release();
    expect(fs.existsSync(claims)).toBe(false);
  });

  test('only the user can list the claims', () => {
    acquire(folder);
    if (process.platform !== 'win32') expect(fs.statSync(claimsBase).mode & 0o777).toBe(0o700);
  });
});

describe('two spellings of one folder', () => {
  test.each([
    ['a trailing slash and dots', (real: string) => `${real}/./x/../`],
    ['a symbolic link', (real: string) => join(real, 'link')],
  ])('%s', (_name, spelling) => {
    fs.symlinkSync(folder, join(folder, 'link'));
    acquire(folder);
    expect(refusal(spelling(folder)).code).toBe('ENTROPY_STORE_IN_USE');
  });

  test('a path relative to the current directory', () => {
    acquire(join(process.cwd(), 'no-such-checkpoint'));
    expect(refusal('no-such-checkpoint').code).toBe('ENTROPY_STORE_IN_USE');
  });

  test('a folder that does not exist yet, below a symbolic link', () => {
    fs.mkdirSync(join(folder, 'real'));
    fs.symlinkSync(join(folder, 'real'), join(folder, 'link'));
    acquire(join(folder, 'real', 'a', 'b'));
    expect(refusal(join(folder, 'link', 'a', 'b')).code).toBe('ENTROPY_STORE_IN_USE');
    fs.mkdirSync(join(folder, 'real', 'a', 'b'), { recursive: true });
    expect(refusal(join(folder, 'link', 'a', 'b')).code).toBe('ENTROPY_STORE_IN_USE');
  });
});

describe('claims of processes that are gone', () => {
  test('the claim of a killed process is not in the way, at once, and is removed', async () => {
    const child = startChild('hold-lock.ts', [folder]);
    expect(await child.nextLine()).toBe('held');
    const left = claimOfPid(child.pid);
    await child.kill();
    expect(fs.existsSync(left)).toBe(true);
    const start = performance.now();
    acquire(folder);
    expect(performance.now() - start).toBeLessThan(300);
    expect(fs.existsSync(left)).toBe(false);
  });

  test('the claim of a killed process is not in the way of another process', async () => {
    const first = startChild('hold-lock.ts', [folder]);
    expect(await first.nextLine()).toBe('held');
    await first.kill();
    expect(await startChild('hold-lock.ts', [folder]).nextLine()).toBe('held');
  });

  test('a process that ends without releasing removes its claim', async () => {
    const child = startChild('hold-lock.ts', [folder]);
    expect(await child.nextLine()).toBe('held');
    const claim = claimOfPid(child.pid);
    child.process.stdin?.end();
    expect(await child.nextLine()).toBeNull();
    expect(fs.existsSync(claim)).toBe(false);
  });

  test('a zombie holds nothing', async () => {
    if (process.platform !== 'linux') return;
    // The shell starts the holder and then becomes `sleep`, which never reaps it. Its input goes by another
    // number, as a shell gives /dev/null for 0 to what it starts in the background.
    const child = startChild('hold-lock.ts', [folder], 'exec 3<&0; "$0" "$@" <&3 & exec sleep 60');
    expect(await child.nextLine()).toBe('held');
    const pid = Number(/pid (\d+)/.exec(refusal(folder).message)?.[1]);
    process.kill(pid, 'SIGKILL');
    const state = () => fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.[0];
    while (state() !== 'Z') await new Promise((done) => setTimeout(done, 5));
    acquire(folder);
    expect(state()).toBe('Z');
  });

  test('a process that was given the id of the ownerOf is not taken for it', () => {
    const lock = acquire(folder);
    const own = claimOfPid(process.pid);
    const [time, pid, start, count, random] = basename(own).split('-');
    expect(start).toMatch(/^[0-9a-f]{16}$/);
    lock.release();

    fs.mkdirSync(dirname(own));
    const stale = join(dirname(own), [time, pid, '0123456789abcdef', count, random].join('-'));
    fs.writeFileSync(stale, '');
    acquire(folder).release();
    expect(fs.existsSync(stale)).toBe(false);

    // The same name with the true start time is respected, so it is the start time that decided.
    fs.mkdirSync(dirname(own), { recursive: true });
    fs.writeFileSync(own, '');
    expect(refusal(folder).code).toBe('ENTROPY_STORE_IN_USE');
    fs.rmSync(dirname(own), { recursive: true });
  });

  test('without a start time the process id decides', async () => {
    const lock = acquire(folder);
    const claims = dirname(claimOfPid(process.pid));
    lock.release();
    const child = startChild('hold-lock.ts', [join(folder, 'other')]);
    expect(await child.nextLine()).toBe('held');

    fs.mkdirSync(claims);
    const claim = join(claims, `000001700000000-${child.pid}-unknown-00000001-0123456789abcdef`);
    fs.writeFileSync(claim, '');
    expect(refusal(folder).code).toBe('ENTROPY_STORE_IN_USE');
    await child.kill();
    acquire(folder);
    expect(fs.existsSync(claim)).toBe(false);
  });

  test('what is no claim in the folder of claims is left alone', () => {
    const lock = acquire(folder);
    const claims = dirname(claimOfPid(process.pid));
    fs.writeFileSync(join(claims, 'notes.txt'), 'mine');
    lock.release();
    acquire(folder).release();
    expect(fs.readdirSync(claims)).toEqual(['notes.txt']);
    fs.rmSync(claims, { recursive: true });
  });
});

describe('two that see each other', () => {
  /** A claim of this process that lies beside those on `folder`, made at another time. */
  function plantClaim(time: string): string {
    const lock = acquire(folder);
    const own = claimOfPid(process.pid);
    lock.release();
    const claim = join(dirname(own), [time, ...basename(own).split('-').slice(1)].join('-'));
    fs.mkdirSync(dirname(own));
    fs.writeFileSync(claim, '');
    return claim;
  }

  test('the older outlasts the younger', () => {
    const younger = plantClaim('999999999999999');
    spawn('sh', ['-c', `sleep 0.1; rm ${younger}`]);
    acquire(folder);
    expect(fs.existsSync(younger)).toBe(false);
  });

  test('the older gives up when the younger has won', () => {
    const younger = plantClaim('999999999999999');
    expect(refusal(folder).code).toBe('ENTROPY_STORE_IN_USE');
    expect(fs.readdirSync(dirname(younger))).toEqual([basename(younger)]);
    fs.rmSync(dirname(younger), { recursive: true });
  });

  test('the younger gives way at once', () => {
    const older = plantClaim('000000000000000');
    const start = performance.now();
    expect(refusal(folder).code).toBe('ENTROPY_STORE_IN_USE');
    expect(performance.now() - start).toBeLessThan(300);
    fs.rmSync(dirname(older), { recursive: true });
  });
});

test('of processes that try at the same instant never two win, and always one', async () => {
  const interval = 10;
  const end = Date.now() + 8000;
  const children = Array.from({ length: 3 }, () =>
    startChild('race-lock.ts', [folder, String(end), String(interval)]),
  );
  const tried = new Map<number, number>();
  const won = new Set<number>();
  for (const child of children) {
    const result = JSON.parse((await child.nextLine()) ?? 'null') as {
      tried: number[];
      won: number[];
      violations: number;
    };
    expect(result.violations).toBe(0);
    for (const round of result.tried) tried.set(round, (tried.get(round) ?? 0) + 1);
    for (const round of result.won) won.add(round);
  }
  const contested = [...tried].filter(([, contenders]) => contenders > 1).map(([round]) => round);
  expect(contested.length).toBeGreaterThan(100);
  // A winner of the round before that was descheduled may still be in the way: that is no tie.
  const lost = contested.filter((round) => !won.has(round) && !won.has(round - interval));
  expect(lost.length).toBeLessThan(contested.length * 0.02);
});

describe('claims that cannot be written', () => {
  async function claimWithTemporaryFolder(prepare: (base: string) => void): Promise<string | null> {
    const temporary = join(folder, 'tmp');
    fs.mkdirSync(temporary);
    prepare(join(temporary, basename(claimsBase)));
    const child = startChild('hold-lock.ts', [folder], `export TMPDIR="${temporary}"`);
    return child.nextLine();
  }

  test('something else of that name is reported', async () => {
    const result = await claimWithTemporaryFolder((base) => {
      fs.writeFileSync(base, '');
    });
    expect(result).toBe('ENTROPY_STORE_FAILED');
  });

  test('a folder of that name that belongs to another user is not trusted', async () => {
    // Only root can give a folder to somebody else.
    if (process.getuid?.() !== 0) return;
    const result = await claimWithTemporaryFolder((base) => {
      fs.mkdirSync(base);
      fs.chownSync(base, 12345, 12345);
    });
    expect(result).toBe('ENTROPY_STORE_FAILED');
  });

  test('a folder of that name that is the own one is fine', async () => {
    expect(
      await claimWithTemporaryFolder((base) => {
        fs.mkdirSync(base);
      }),
    ).toBe('held');
  });
});
