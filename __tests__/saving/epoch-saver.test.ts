import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { MemoryStore } from '../../src/stores/memory-store.js';
import { rejection } from '../support/errors.js';
import { expectNoTensorsLeft } from '../support/fixtures.js';
import { GatedStore } from '../support/gated-store.js';
import { SaverTraining } from '../support/saver-training.js';
import { storedEpochs } from '../support/stored-epochs.js';
import { hasSettled, turns, until } from '../support/until.js';

let warn: jest.SpiedFunction<typeof console.warn>;

beforeEach(() => {
  warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

const FULL = new Error('No space left');

/** Runs `body` with an open training, and expects no tensor after its end. */
async function withTraining<Store extends MemoryStore | null>(
  store: Store,
  options: ConstructorParameters<typeof SaverTraining>[1],
  body: (training: SaverTraining, store: Store) => Promise<void>,
  isDeferred = false,
): Promise<void> {
  await expectNoTensorsLeft(async () => {
    const training = new SaverTraining(store, options, isDeferred);
    await training.saver.open();
    await body(training, store);
    training.saver.dispose();
    await training.saver.flush().catch(() => undefined);
  });
}

describe('what is stored', () => {
  it('follows the selection: the best, the kept and the latest', () =>
    withTraining(new MemoryStore(), { maxToKeep: 2, saveLast: true }, async (training, store) => {
      for (const value of [1, 3, 2, 0]) await training.endEpoch(value);
      await training.saver.flush();
      expect(await storedEpochs(store)).toEqual({ best: 1, 'epoch-1': 1, 'epoch-2': 2, last: 3 });
    }));

  it('an epoch that is not wanted is not even captured', () =>
    withTraining(new MemoryStore(), {}, async (training) => {
      for (const value of [2, 1, 3]) await training.endEpoch(value);
      expect(training.captured).toEqual([0, 2]);
    }));

  it('a best epoch that was replaced while it waited is not written', () =>
    withTraining(new GatedStore(), {}, async (training, store) => {
      store.shut();
      for (const value of [1, 2, 3]) await training.endEpoch(value);
      store.letThrough();
      await training.saver.flush();
      expect(training.saved).toEqual([0, 2]);
      expect(await storedEpochs(store)).toEqual({ best: 2 });
    }));

  it('nothing before `flush`, if writing is deferred', () =>
    withTraining(
      new GatedStore(),
      {},
      async (training, store) => {
        await training.endEpoch(1);
        await turns();
        expect(store.begun).toHaveLength(0);
        await training.saver.flush();
        expect(await storedEpochs(store)).toEqual({ best: 0 });
      },
      true,
    ));
});

describe('a slow store', () => {
  it('makes training wait once two epochs wait for it, beside the one that is written', () =>
    withTraining(new GatedStore(), { maxToKeep: 9 }, async (training, store) => {
      store.shut();
      for (const value of [1, 2, 3]) await training.endEpoch(value);
      const fourth = training.endEpoch(4);
      expect(await hasSettled(fourth)).toBe(false);
      store.letThrough();
      await fourth;
      await training.saver.flush();
      expect(Object.keys(await storedEpochs(store))).toHaveLength(5);
    }));

  it('does not make training wait while it fails', () =>
    withTraining(new GatedStore(), { maxToKeep: 9 }, async (training, store) => {
      store.failures.push(...Array.from({ length: 20 }, () => FULL));
      for (const value of [1, 2, 3, 4, 5]) await training.endEpoch(value);
      expect(training.saved).toEqual([]);
      await rejection(training.saver.flush());
    }));
});

describe('a write that fails', () => {
  it('is attempted again with the next epoch, and then `flush` resolves', () =>
    withTraining(new GatedStore(), { maxToKeep: 2 }, async (training, store) => {
      store.failures.push(FULL);
      await training.endEpoch(2);
      await until(() => store.ended === 1);
      expect(training.saved).toEqual([]);
      await training.endEpoch(1);
      await training.saver.flush();
      expect(await storedEpochs(store)).toEqual({ best: 0, 'epoch-0': 0, 'epoch-1': 1 });
    }));

  it('makes `flush` reject with its cause as long as the epoch is wanted and not stored', () =>
    withTraining(new GatedStore(), {}, async (training, store) => {
      store.failures.push(FULL, FULL, FULL);
      await training.endEpoch(1);
      await until(() => store.ended === 1);
      for (let time = 0; time < 2; time++) {
        const error = await rejection(training.saver.flush());
        expect(error).toMatchObject({ code: 'ENTROPY_STORE_FAILED', cause: FULL });
      }
      await training.saver.flush();
      expect(await storedEpochs(store)).toEqual({ best: 0 });
    }));

  it('does not matter once the epoch is not wanted any more', () =>
    withTraining(new GatedStore(), {}, async (training, store) => {
      store.failures.push(FULL);
      await training.endEpoch(1);
      await until(() => store.ended === 1);
      await training.endEpoch(2);
      await training.saver.flush();
      expect(training.saved).toEqual([1]);
    }));

  it('does not matter if the epoch was replaced while it was written', () =>
    withTraining(new GatedStore(), {}, async (training, store) => {
      store.failures.push(FULL);
      store.shut();
      await training.endEpoch(1);
      await training.endEpoch(2);
      store.letThrough();
      await training.saver.flush();
      expect(training.saved).toEqual([1]);
    }));

  it('of one epoch does not keep `flush` from storing the others', () =>
    withTraining(new GatedStore(), { maxToKeep: 3 }, async (training, store) => {
      store.shut();
      for (const value of [1, 2, 3]) await training.endEpoch(value);
      store.failures.push(FULL, FULL);
      const flushed = rejection(training.saver.flush());
      store.letThrough();
      expect((await flushed).code).toBe('ENTROPY_STORE_FAILED');
      expect(training.saved).toEqual([0, 1]);
    }));

  it('causes a warning when failing begins, and another only after everything was stored', () =>
    withTraining(new GatedStore(), { maxToKeep: 9 }, async (training, store) => {
      // By epoch: 0 fails; 1 is stored, 0 fails again; 2 and 0 are stored; 3 fails.
      store.failures.push(FULL, null, FULL, null, null, FULL);
      const warnings: number[] = [];
      for (const value of [1, 2, 3, 4]) {
        await training.endEpoch(value);
        await until(() => store.ended === store.begun.length);
        warnings.push(warn.mock.calls.length);
      }
      expect(warnings[0]).toBe(1);
      expect(warnings[1]).toBe(1);
      expect(warnings.at(-1)).toBe(2);
      await training.saver.flush();
    }));
});

describe('withState', () => {
  it('waits until what is being written is stored', () =>
    withTraining(new GatedStore(), {}, async (training, store) => {
      store.shut();
      const record = await training.endEpoch(1);
      const loading = training.load(record);
      expect(await hasSettled(loading)).toBe(false);
      store.letThrough();
      expect(await loading).toBe(0);
      expect(training.saved).toEqual([0]);
    }));

  it('waits for what `close` has handed over, too', () =>
    withTraining(new GatedStore(), {}, async (training, store) => {
      store.shut();
      const record = await training.endEpoch(1);
      training.saver.close();
      const loading = training.load(record);
      expect(await hasSettled(loading)).toBe(false);
      store.letThrough();
      expect(await loading).toBe(0);
    }));

  it('waits for an epoch whose write has not begun', () =>
    withTraining(new GatedStore(), { maxToKeep: 2 }, async (training, store) => {
      store.shut();
      await training.endEpoch(1);
      const record = await training.endEpoch(2);
      const loading = training.load(record);
      await turns();
      store.letThrough();
      expect(await loading).toBe(1);
      expect(training.saved).toEqual([0, 1]);
    }));

  it('returns the state in memory if it could not be stored', () =>
    withTraining(new GatedStore(), {}, async (training, store) => {
      store.failures.push(FULL, FULL);
      const record = await training.endEpoch(1);
      expect(await training.load(record)).toBe(0);
      await rejection(training.saver.flush());
    }));

  it('refuses what another training has stored meanwhile', () =>
    withTraining(new MemoryStore(), {}, async (training, store) => {
      const record = await training.endEpoch(1);
      await training.saver.flush();
      training.saver.close();
      const other = new SaverTraining(store);
      await other.saver.open();
      await other.endEpoch(2);
      await other.saver.flush();
      other.saver.dispose();
      expect((await rejection(training.load(record))).code).toBe('ENTROPY_CHECKPOINT_REPLACED');
    }));

  it('returns null without a store once the state is freed', () =>
    withTraining(null, {}, async (training) => {
      const record = await training.endEpoch(1);
      expect(await training.load(record)).toBe(0);
      training.saver.dispose();
      expect(await training.load(record)).toBeNull();
    }));
});

describe('close', () => {
  it('stores what is wanted, and then releases the store', () =>
    withTraining(new GatedStore(), { saveLast: true }, async (training, store) => {
      store.shut();
      for (const value of [2, 1]) await training.endEpoch(value);
      training.saver.close();
      store.letThrough();
      const next = new SaverTraining(store);
      await next.saver.open();
      expect(await storedEpochs(store)).toEqual({ best: 0, last: 1 });
      next.saver.dispose();
    }));

  it('does not attempt again what has failed: nobody would hear of it', () =>
    withTraining(new GatedStore(), {}, async (training, store) => {
      store.failures.push(FULL);
      await training.endEpoch(1);
      await until(() => store.ended === 1);
      training.saver.close();
      await turns();
      expect(store.begun).toHaveLength(1);
    }));
});

describe('dispose', () => {
  it('frees a state that waits at once, and one that is written when that has ended', () =>
    withTraining(new GatedStore(), { maxToKeep: 3 }, async (training, store) => {
      store.shut();
      for (const value of [1, 2]) await training.endEpoch(value);
      training.saver.dispose();
      store.letThrough();
      await training.saver.flush();
      // What had been wanted is stored: nothing is lost by disposing.
      expect(training.saved).toEqual([0, 1]);
    }));

  it.each([
    ['a store', new MemoryStore()],
    ['memory only', null],
  ] as const)('makes later epochs go by, with %s', (_name, store) =>
    withTraining(store, {}, async (training) => {
      training.saver.dispose();
      await training.endEpoch(1);
      expect(training).toMatchObject({ captured: [], saved: [] });
    }),
  );

  it('frees what is held in memory only', () =>
    withTraining(null, { maxToKeep: 3 }, async (training) => {
      for (const value of [1, 2]) await training.endEpoch(value);
      expect(training.captured).toEqual([0, 1]);
    }));
});

describe('resume', () => {
  it('returns null if nothing is stored, and releases the store', () =>
    withTraining(null, {}, async () => {
      const store = new MemoryStore();
      const training = new SaverTraining(store);
      expect(await training.saver.resume(() => Promise.reject(new Error('not called')))).toBeNull();
      await training.saver.open();
      training.saver.close();
    }));

  it('is refused while another training has locked the store, and changes nothing', () =>
    withTraining(new MemoryStore(), {}, async (training, store) => {
      await training.endEpoch(1);
      await training.saver.flush();
      const other = new SaverTraining(store);
      const error = await rejection(other.saver.resume(() => Promise.reject(new Error('not called'))));
      expect(error.code).toBe('ENTROPY_STORE_IN_USE');
    }));

  it('completes slots that a save cut short has left empty', () =>
    withTraining(null, {}, async () => {
      const store = new MemoryStore();
      const first = new SaverTraining(store, { saveLast: true });
      await first.saver.open();
      await first.endEpoch(1);
      await first.saver.flush();
      first.saver.dispose();

      const second = new SaverTraining(store, { maxToKeep: 2, saveLast: true });
      const record = await second.saver.resume(async ({ history, rankable, periodic }) => {
        second.selector.adopt(history, rankable, periodic);
        return Promise.resolve(second.selector);
      });
      expect(record?.epoch).toBe(0);
      expect(await storedEpochs(store)).toEqual({ best: 0, 'epoch-0': 0, last: 0 });
    }));
});
