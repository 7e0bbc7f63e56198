import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { EntropyCheckpointError } from '../../../src/errors.js';
import { nodeFileSystem, type FileSystem, type OpenFile } from '../../../src/stores/file/file-system.js';
import type { CheckpointSource, SlotUpdate, CheckpointSlot } from '../../../src/stores/store.js';
import { rejection } from '../../support/errors.js';
import { interceptCalls, shortenCalls, type Call } from '../fixtures/intercepted-file-system.js';
import { until } from '../../support/until.js';
import { IS_THOROUGH } from '../../support/thorough.js';

// Small shards, so that a checkpoint of several is cheap.
const actual = await import('../../../src/stores/store.js');
jest.unstable_mockModule('../../../src/stores/store.js', () => ({ ...actual, SHARD_BYTES: 1500 }));
const { FileStore } = await import('../../../src/stores/file/file-store.js');
const { checkpointOfStep, manifestOf, partsOfStep, stepOf } = await import('../fixtures/checkpoints.js');

/** Makes six shards, more than there are buffers. The second shard of a step equals the first of the next step. */
const SIZE_FLOATS = 700;
const UPDATE: SlotUpdate = { into: ['best', 'last'], keep: ['epoch-2'] };

type Contents = Readonly<Partial<Record<CheckpointSlot, number>>>;
const BEFORE: Contents = { best: 1, last: 2, 'epoch-1': 3, 'epoch-2': 4 };
const AFTER: Contents = { best: 5, last: 5, 'epoch-2': 4 };

let folder = '';

beforeEach(() => {
  folder = join(fs.mkdtempSync(join(tmpdir(), 'file-store-failures-')), 'checkpoint');
});

afterEach(() => {
  fs.rmSync(join(folder, '..'), { recursive: true, force: true });
});

/** Fills the folder with `BEFORE`. The first call saves it; later ones copy the files. */
async function prepare(): Promise<void> {
  const template = `${folder}-template`;
  if (!fs.existsSync(template)) {
    const slots = Object.keys(BEFORE) as CheckpointSlot[];
    const store = new FileStore(template);
    for (const slot of slots) {
      await store.save(checkpointOfStep(BEFORE[slot] ?? 0, SIZE_FLOATS), { into: [slot], keep: slots });
    }
  }
  fs.rmSync(folder, { recursive: true, force: true });
  fs.cpSync(template, folder, { recursive: true });
}

async function storedContents(): Promise<Contents> {
  const found: Partial<Record<CheckpointSlot, number>> = {};
  const store = new FileStore(folder);
  for (const slot of await store.slots()) {
    found[slot] = (await stepOf(await store.load(slot), SIZE_FLOATS)) ?? NaN;
  }
  return found;
}

function shardsOf(contents: Contents): Set<string> {
  const steps = Object.values(contents) as number[];
  const shards = steps.flatMap((step) => manifestOf(partsOfStep(step, SIZE_FLOATS)).shards);
  return new Set(shards.map(({ sha256 }) => `weights.${sha256.slice(0, 16)}.bin`));
}

const isTemporary = (name: string) => name.endsWith('.tmp');
const isShard = (name: string) => name.endsWith('.bin');
/** The files that no slot needs. */
const unneededFiles = (found: Contents) => {
  const named = shardsOf(found);
  return fs.readdirSync(folder).filter((name) => isTemporary(name) || (isShard(name) && !named.has(name)));
};

interface Fault {
  /** Which call fails, counted from 1. */
  readonly at: number;
  readonly code: string;
  /** `'after'`: the call has had its effect. `'from then on'`: neither this call nor any later one has an effect. */
  readonly when: 'before' | 'after' | 'from then on';
}

/** A file system with a fault. `failed` lists the calls that failed, and `errors` their errors. */
function withFault({ at, code, when }: Fault): { fileSystem: FileSystem; failed: Call[]; errors: Error[] } {
  const failed: Call[] = [];
  const errors: Error[] = [];
  let calls = 0;
  const fileSystem = interceptCalls(nodeFileSystem, async (call, perform) => {
    calls++;
    if (when === 'from then on' ? calls < at : calls !== at) return perform();
    const error = Object.assign(new Error(`${code}: injected, ${call.method} '${call.path}'`), { code });
    failed.push(call);
    errors.push(error);
    // A close that reports an error closes the file all the same.
    if (when === 'after' || call.method === 'close') {
      const result = await perform();
      if (call.method === 'open') await (result as OpenFile).close();
    }
    throw error;
  });
  return { fileSystem, failed, errors };
}

const isCleaning = (call: Call | undefined) => call?.method === 'unlink' && /\.(tmp|bin)$/.test(call.path);

describe('a save in which a call fails', () => {
  const saveWith = async (fileSystem: FileSystem) => {
    const store = new FileStore(folder, fileSystem);
    return store.save(checkpointOfStep(5, SIZE_FLOATS), UPDATE).then(
      () => null,
      (error: unknown) => {
        if (!(error instanceof EntropyCheckpointError)) throw error;
        return error;
      },
    );
  };

  /**
   * Runs `check` on a save in which the first call fails, then on one in which the second does, and so on. A sample
   * takes every third call, from the `sampled` one.
   */
  async function eachFault(
    fault: Omit<Fault, 'at'>,
    sampled: 1 | 2 | 3,
    check: (error: EntropyCheckpointError | null, failed: Call[], errors: Error[]) => Promise<void>,
  ): Promise<void> {
    let refusals = 0;
    for (let at = IS_THOROUGH ? 1 : sampled; ; at += IS_THOROUGH ? 1 : 3) {
      await prepare();
      const { fileSystem, failed, errors } = withFault({ ...fault, at });
      const error = await saveWith(fileSystem);
      if (failed.length === 0) break;
      if (error !== null) refusals++;
      await check(error, failed, errors);

      await new FileStore(folder).save(checkpointOfStep(6, SIZE_FLOATS), UPDATE);
      const found = await storedContents();
      expect(found).toEqual({ best: 6, last: 6, 'epoch-2': 4 });
      expect(unneededFiles(found)).toEqual([]);
    }
    expect(refusals).toBeGreaterThan(IS_THOROUGH ? 30 : 10);
  }

  it.each([
    ['ENOSPC', 'before', 1],
    ['EIO', 'after', 2],
    ['EACCES', 'before', 3],
  ] as const)(
    'keeps every slot old or new, and says what is stored: %s, %s the call has its effect',
    async (code, when, sampled) => {
      await eachFault({ code, when }, sampled, async (error, failed, errors) => {
        const found = await storedContents();
        if (error === null) {
          expect(found).toEqual(AFTER);
          return;
        }
        expect(error.code).toBe('ENTROPY_STORE_FAILED');
        expect(error.cause).toBe(errors[0]);
        expect(error.message).toContain(folder);
        expect(found['epoch-2']).toBe(4);
        if (error.message.includes('unchanged') && when === 'before') expect(found).toEqual(BEFORE);
        // Slots are replaced in the given order, and the others are removed last.
        const stages = [BEFORE, { ...BEFORE, best: 5 }, { ...BEFORE, best: 5, last: 5 }, AFTER];
        expect(stages).toContainEqual(found);
        if (isCleaning(failed[0])) return;
        // The previous shards are needed until the new slot files are on the disk.
        const previous = shardsOf(BEFORE);
        expect(unneededFiles(found).filter((name) => found.best !== 5 || !previous.has(name))).toEqual([]);
      });
    },
  );

  it('keeps every slot old or new when every later call fails as well', async () => {
    await eachFault({ code: 'EIO', when: 'from then on' }, 2, async (error, failed, errors) => {
      const found = await storedContents();
      if (error === null) {
        expect(found).toEqual(AFTER);
        return;
      }
      expect(error.code).toBe('ENTROPY_STORE_FAILED');
      // The cause is the error of the write, not that of closing or removing the same file.
      const thrown = errors.indexOf(error.cause as Error);
      const { path = '' } = failed[thrown] ?? {};
      if (isTemporary(path)) expect(failed.findIndex((call) => call.path === path)).toBe(thrown);
      else expect(path).not.toBe('');
      expect([BEFORE, { ...BEFORE, best: 5 }, { ...BEFORE, best: 5, last: 5 }, AFTER]).toContainEqual(found);
    });
  });
});

describe('a failed call outside a save', () => {
  it('rejects `open`, or is ignored, and the folder can be opened again', async () => {
    let refusals = 0;
    for (let at = 1; ; at++) {
      await prepare();
      const { fileSystem, failed, errors } = withFault({ at, code: 'EIO', when: 'before' });
      const store = new FileStore(folder, fileSystem);
      const error = await store.open().then(
        () => null,
        (reason: unknown) => reason,
      );
      if (error !== null) {
        refusals++;
        expect(error).toMatchObject({ code: 'ENTROPY_STORE_FAILED', cause: errors[0] });
      }
      store.close();
      const next = new FileStore(folder);
      await next.open();
      next.close();
      expect(await storedContents()).toEqual(BEFORE);
      expect(unneededFiles(BEFORE)).toEqual([]);
      if (failed.length === 0) break;
    }
    expect(refusals).toBeGreaterThan(5);
  });

  it('rejects `load`, `read` and `slots`, and leaves no file open', async () => {
    await prepare();
    let refusals = 0;
    for (let at = 1; ; at++) {
      const { fileSystem, failed, errors } = withFault({ at, code: 'EIO', when: 'before' });
      let open = 0;
      const counted: FileSystem = {
        ...fileSystem,
        async open(path, flags) {
          const file = await fileSystem.open(path, flags);
          open++;
          return { ...file, close: () => file.close().finally(() => open--) };
        },
      };
      const store = new FileStore(folder, counted);
      const error = await store
        .slots()
        .then(async () => stepOf(await store.load('best'), SIZE_FLOATS))
        .then(
          (step) => {
            expect(step).toBe(1);
            return null;
          },
          (reason: unknown) => reason,
        );
      expect(open).toBe(0);
      if (failed.length === 0) break;
      if (error === null) {
        // Closing a file that was only read cannot lose data.
        expect(failed[0]?.method).toBe('close');
        continue;
      }
      refusals++;
      expect(error).toMatchObject({ code: 'ENTROPY_STORE_FAILED', cause: errors[0] });
    }
    expect(refusals).toBeGreaterThan(10);
  });

  it('is ignored when the file system cannot flush a folder', async () => {
    const fileSystem = interceptCalls(nodeFileSystem, (call, perform) =>
      call.method === 'sync' && call.path === folder
        ? Promise.reject(Object.assign(new Error('EINVAL'), { code: 'EINVAL' }))
        : perform(),
    );
    await prepare();
    await new FileStore(folder, fileSystem).save(checkpointOfStep(5, SIZE_FLOATS), UPDATE);
    expect(await storedContents()).toEqual(AFTER);
  });

  it.each([
    ['EPERM', 3, AFTER],
    ['EBUSY', 2, AFTER],
    ['EACCES', 1, AFTER],
    ['EPERM', Infinity, BEFORE],
    ['EIO', Infinity, BEFORE],
  ])(
    'a rename that is refused with %s, %p times, as by a scanner of Windows',
    async (code, times, expected) => {
      let refusals = 0;
      const fileSystem = interceptCalls(nodeFileSystem, (call, perform) =>
        call.method === 'rename' && refusals++ < times
          ? Promise.reject(Object.assign(new Error(code), { code }))
          : perform(),
      );
      await prepare();
      const saved = new FileStore(folder, fileSystem).save(checkpointOfStep(5, SIZE_FLOATS), UPDATE);
      if (expected === AFTER) await saved;
      else expect((await rejection(saved)).code).toBe('ENTROPY_STORE_FAILED');
      expect(await storedContents()).toEqual(expected);
    },
  );
});

describe('a delayed save', () => {
  /** Saves twelve shards while `step` of every shard waits, and expects that `count` shards are read meanwhile. */
  async function expectReadShards(step: 'write' | 'sync' | 'checksum', count: number): Promise<void> {
    let openGate!: () => void;
    const gate = new Promise<void>((resolve) => {
      openGate = resolve;
    });
    let read = 0;
    const fileSystem = interceptCalls(nodeFileSystem, async (call, perform) => {
      if (call.method === step && read > 0) await gate;
      return perform();
    });
    const source = checkpointOfStep(7, 2 * SIZE_FLOATS);
    const counted: CheckpointSource = {
      ...source,
      readShard: async (buffer) => {
        read++;
        const shard = await source.readShard(buffer);
        return shard === null || step !== 'checksum'
          ? shard
          : { ...shard, sha256: gate.then(() => shard.sha256) };
      },
    };
    const saved = new FileStore(folder, fileSystem).save(counted, UPDATE);
    await until(() => read >= count);
    // Time to read more.
    await setTimeout(200);
    const readBefore = read;
    openGate();
    await saved;
    expect(await stepOf(await new FileStore(folder).load('best'), 2 * SIZE_FLOATS)).toBe(7);
    expect(readBefore).toBe(count);
  }

  it.each(['write', 'checksum'] as const)(
    'holds four shards in memory while it waits for the %s',
    async (step) => {
      await expectReadShards(step, 4);
    },
  );

  it('reuses their memory for eight shards while it waits for the disk', async () => {
    await expectReadShards('sync', 8);
  });
});

describe('short writes and reads', () => {
  it('are continued', async () => {
    await prepare();
    const store = new FileStore(folder, shortenCalls(nodeFileSystem));
    await store.save(checkpointOfStep(5, SIZE_FLOATS), UPDATE);
    expect(await storedContents()).toEqual(AFTER);
    expect(await stepOf(await store.load('best'), SIZE_FLOATS)).toBe(5);
  });

  it('are an error when a write takes no byte', async () => {
    await prepare();
    const stuck: FileSystem = {
      ...nodeFileSystem,
      open: async (path, flags) => {
        const file = await nodeFileSystem.open(path, flags);
        return Object.assign(file, { write: () => Promise.resolve({ bytesWritten: 0 }) });
      },
    };
    const store = new FileStore(folder, stuck);
    const error = await rejection(store.save(checkpointOfStep(5, SIZE_FLOATS), UPDATE));
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.message).toContain('0 of 1500 bytes');
    expect(await storedContents()).toEqual(BEFORE);
    expect(unneededFiles(BEFORE)).toEqual([]);
  });
});

describe('a save in another process during `load`', () => {
  /** A file system that runs `action` before the first call for a shard. */
  const beforeShards = (action: () => Promise<unknown>) => {
    let hasRun = false;
    return interceptCalls(nodeFileSystem, async (call, perform) => {
      if (!hasRun && isShard(call.path)) {
        hasRun = true;
        await action();
      }
      return perform();
    });
  };

  it('loads the new checkpoint when the shards of the old one are gone', async () => {
    await prepare();
    const fileSystem = beforeShards(() =>
      new FileStore(folder).save(checkpointOfStep(5, SIZE_FLOATS), UPDATE),
    );
    expect(await stepOf(await new FileStore(folder, fileSystem).load('best'), SIZE_FLOATS)).toBe(5);
  });

  it('loads null when the slot has been emptied', async () => {
    await prepare();
    const fileSystem = beforeShards(() =>
      new FileStore(folder).save(checkpointOfStep(9, SIZE_FLOATS), { into: ['last'], keep: [] }),
    );
    expect(await new FileStore(folder, fileSystem).load('best')).toBeNull();
  });

  it('reports damage when a shard is missing and nothing was saved', async () => {
    await prepare();
    const fileSystem = beforeShards(() => {
      for (const name of fs.readdirSync(folder).filter(isShard)) fs.unlinkSync(join(folder, name));
      return Promise.resolve();
    });
    const error = await rejection(new FileStore(folder, fileSystem).load('best'));
    expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    expect(error.message).toContain('the file is missing');
  });
});
