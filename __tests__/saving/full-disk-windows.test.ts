import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { withStoredEpoch } from '../../src/saving/load-stored.js';
import { FileStore } from '../../src/stores/file/file-store.js';
import type { CheckpointStore } from '../../src/stores/store.js';
import { SimulatedDisk } from '../stores/fixtures/simulated-disk.js';
import { interceptCalls } from '../stores/fixtures/intercepted-file-system.js';
import { rejection } from '../support/errors.js';
import { FaultyStore } from '../support/faulty-store.js';
import { expectNoTensorsLeft } from '../support/fixtures.js';
import { epochOf, SaverTraining } from '../support/saver-training.js';
import { storedEpochs } from '../support/stored-epochs.js';
import { IS_THOROUGH } from '../support/thorough.js';
import { turns } from '../support/until.js';

/** The best epochs are 3 and 1, with 5 beside them. */
const VALUES = [1, 3, 2, 4, 0, 2.5];
const OPTIONS = [{}, { saveLast: true }, { maxToKeep: 2 }, { maxToKeep: 3, saveLast: true }] as const;

beforeEach(() => {
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

/** A store whose calls can fail. */
interface Disk {
  readonly store: CheckpointStore;
  /** How many calls there have been. */
  readonly calls: number;
  isFullAt: (call: number) => boolean;
}

function diskInMemory(): Disk {
  const store = new FaultyStore();
  return {
    store,
    get calls() {
      return store.saves;
    },
    get isFullAt() {
      return store.isFullAt;
    },
    set isFullAt(isFullAt: (call: number) => boolean) {
      store.isFullAt = isFullAt;
    },
  };
}

/** Each call of the file system counts that needs room on the disk. */
function diskWithFiles(): Disk {
  const folder = `/simulated-${randomUUID()}/checkpoint`;
  const never: Disk['isFullAt'] = () => false;
  const state = { calls: 0, isFullAt: never };
  const fileSystem = interceptCalls(new SimulatedDisk(folder), (call, perform) => {
    const needsRoom = ['write', 'rename', 'sync'].includes(call.method);
    if (needsRoom && state.isFullAt(state.calls++)) {
      return Promise.reject(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }));
    }
    return perform();
  });
  return Object.assign(state, { store: new FileStore(folder, fileSystem) });
}

function wantedOf(options: { maxToKeep?: number; saveLast?: boolean }): Record<string, number> {
  const { maxToKeep = 1, saveLast = false } = options;
  const kept = [3, 1, 5].slice(0, maxToKeep);
  return {
    best: 3,
    ...(maxToKeep > 1 && Object.fromEntries(kept.map((epoch) => [`epoch-${epoch}`, epoch]))),
    ...(saveLast && { last: 5 }),
  };
}

/** Trains while the disk is full from one call to another. @returns whether it ever was. */
async function trainInWindow(
  disk: Disk,
  options: (typeof OPTIONS)[number],
  [first, last]: readonly [number, number],
): Promise<boolean> {
  const { store } = disk;
  let hasFailed = false;
  let isFull = true;
  const training = new SaverTraining(store, options);
  await training.saver.open();
  disk.isFullAt = (call) => {
    const fails = isFull && first <= call && call <= last;
    hasFailed ||= fails;
    return fails;
  };
  for (const value of VALUES) {
    await training.endEpoch(value);
    // As if batches ran.
    await turns(3);
    // Whatever the disk does, the best epoch can be restored, and the record is that of the state.
    const { best } = training.selector;
    expect(await training.load(best!)).toBe(best!.epoch);
  }
  const ended = await training.saver.flush().then(
    () => 'ok',
    (error: unknown) => (error as { code: string }).code,
  );
  const isStored =
    JSON.stringify(sorted(await storedEpochs(store))) === JSON.stringify(sorted(wantedOf(options)));
  if (ended === 'ok') expect(isStored).toBe(true);
  else expect(ended).toBe('ENTROPY_STORE_FAILED');
  isFull = false;
  await training.saver.flush();
  expect(await storedEpochs(store)).toEqual(wantedOf(options));
  expect(await withStoredEpoch(store, undefined, ({ state }) => epochOf(state))).toBe(3);
  training.saver.dispose();
  return hasFailed;
}

function sorted(slots: Record<string, number>): [string, number][] {
  return Object.entries(slots).sort(([a], [b]) => (a < b ? -1 : 1));
}

describe.each([
  ['every save', diskInMemory, 1],
  ['every call of the file system that needs room', diskWithFiles, IS_THOROUGH ? 1 : 41],
] as const)('a disk that is full from one call to another: %s', (_name, makeDisk, stride) => {
  it.each(OPTIONS)(
    'stores everything in the end, and never reports what is not so, with %j',
    async (options) => {
      const counting = makeDisk();
      await expectNoTensorsLeft(async () => {
        await trainInWindow(counting, options, [-1, -1]);
      });
      const numCalls = counting.calls;
      let windows = 0;
      let failing = 0;
      let position = 0;
      for (let first = 0; first < numCalls; first++) {
        for (let last = first; last < numCalls; last++) {
          if (position++ % stride !== 0) continue;
          const disk = makeDisk();
          await expectNoTensorsLeft(async () => {
            if (await trainInWindow(disk, options, [first, last])) failing++;
          });
          windows++;
        }
      }
      expect(windows).toBeGreaterThan(5);
      expect(failing).toBeGreaterThan(windows / 2);
    },
    1_200_000,
  );

  it('reports a disk that stays full, and stores everything once it has room', async () => {
    const disk = makeDisk();
    await expectNoTensorsLeft(async () => {
      const training = new SaverTraining(disk.store, { maxToKeep: 2 });
      await training.saver.open();
      await training.endEpoch(1);
      await training.saver.flush();
      disk.isFullAt = () => true;
      for (const value of [3, 2]) await training.endEpoch(value);
      for (let time = 0; time < 2; time++) {
        expect((await rejection(training.saver.flush())).code).toBe('ENTROPY_STORE_FAILED');
        expect(await storedEpochs(disk.store)).toMatchObject({ best: 0 });
      }
      disk.isFullAt = () => false;
      await training.saver.flush();
      expect(await storedEpochs(disk.store)).toEqual({ best: 1, 'epoch-1': 1, 'epoch-2': 2 });
      training.saver.dispose();
    });
  });
});
