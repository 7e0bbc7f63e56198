import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EntropyCheckpointError } from '../../src/errors.js';
import { withStoredEpoch } from '../../src/saving/load-stored.js';
import { resumeFrom } from '../../src/saving/resume.js';
import { MemoryStore } from '../../src/stores/memory-store.js';
import type { CheckpointSlot, StoredCheckpoint } from '../../src/stores/store.js';
import { rejection } from '../support/errors.js';
import { expectNoTensorsLeft } from '../support/fixtures.js';
import { epochOf, SaverTraining } from '../support/saver-training.js';

const ENTROPY = { monitor: { name: 'entropy', mode: 'max' }, averageWeights: null } as const;

let warn: jest.SpiedFunction<typeof console.warn>;

beforeEach(() => {
  warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

/** A store in which a test can damage slots. */
class DamagedStore extends MemoryStore {
  readonly damaged = new Set<CheckpointSlot>();
  readonly damagedWeights = new Set<CheckpointSlot>();

  override async load(slot: CheckpointSlot): Promise<StoredCheckpoint | null> {
    if (this.damaged.has(slot)) {
      throw new EntropyCheckpointError('ENTROPY_CORRUPT_CHECKPOINT', `Slot "${slot}" is damaged.`);
    }
    const stored = await super.load(slot);
    if (stored !== null && this.damagedWeights.has(slot)) {
      stored.read = (_position, bytes) => {
        bytes.fill(1);
        return Promise.resolve();
      };
    }
    return stored;
  }
}

/** A store with the epochs of a training that had these values. */
async function storeOf(
  values: readonly number[],
  options: ConstructorParameters<typeof SaverTraining>[1],
): Promise<DamagedStore> {
  const store = new DamagedStore();
  await expectNoTensorsLeft(async () => {
    const training = new SaverTraining(store, options);
    await training.saver.open();
    for (const value of values) await training.endEpoch(value);
    await training.saver.flush();
    training.saver.dispose();
  });
  return store;
}

/** Resumes from a store. @returns what it found, with the epoch whose state it was. */
async function resumed(store: DamagedStore) {
  return resumeFrom(store, ENTROPY, async ({ state, record, history, stored, rankable }) => ({
    state: await epochOf(state),
    epoch: record.epoch,
    history: history.map(({ epoch }) => epoch),
    stored: Object.fromEntries([...stored].map(([slot, one]) => [slot, one.record?.epoch ?? null])),
    rankable: [...rankable].map(({ epoch }) => epoch).sort(),
  }));
}

describe('resumeFrom', () => {
  it('prefers the latest epoch, in whatever order the slots are listed', async () => {
    const store = await storeOf([3, 1, 2], { maxToKeep: 2, saveLast: true });
    for (const order of [1, -1]) {
      const slots = [...(await store.slots())].sort((a, b) => order * a.localeCompare(b));
      jest.spyOn(store, 'slots').mockResolvedValue(slots);
      expect(await resumed(store)).toMatchObject({ state: 2, epoch: 2, history: [0, 1, 2] });
      jest.restoreAllMocks();
    }
  });

  it('prefers the best epoch if that is later than the one in `last`', async () => {
    const store = await storeOf([1, 0], { saveLast: true });
    // A save that was cut short: the next epoch has reached 'best' alone.
    const later = await storeOf([1, 0, 2], {});
    const load = store.load.bind(store);
    jest.spyOn(store, 'load').mockImplementation((slot) => (slot === 'best' ? later.load(slot) : load(slot)));
    expect(await resumed(store)).toMatchObject({ state: 2, epoch: 2 });
  });

  it('resumes from the best epoch where the latest is not stored', async () => {
    const store = await storeOf([1, 3, 2], {});
    expect(await resumed(store)).toMatchObject({ state: 1, epoch: 1, history: [0, 1] });
  });

  it('resumes from the latest intact epoch, and warns of the damaged one', async () => {
    const store = await storeOf([3, 1, 2, 0], { maxToKeep: 2, saveLast: true });
    store.damaged.add('last');
    expect(await resumed(store)).toMatchObject({ state: 2, epoch: 2, history: [0, 1, 2] });
    expect(warn.mock.calls.flat()).toEqual([
      expect.stringMatching(/Slot "last" is damaged\. Training resumes after epoch 2\./),
    ]);
  });

  it('is refused with the damage if no epoch is intact', async () => {
    const store = await storeOf([1], { saveLast: true });
    for (const slot of await store.slots()) store.damaged.add(slot);
    expect((await rejection(resumed(store))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  it('returns null if nothing is stored', async () => {
    expect(await resumed(new DamagedStore())).toBeNull();
  });

  it('is refused with another monitor or mode', async () => {
    const store = await storeOf([1], {});
    for (const monitor of [
      { name: 'val_acc', mode: 'max' },
      { name: 'entropy', mode: 'min' },
    ] as const) {
      const error = await rejection(resumeFrom(store, { ...ENTROPY, monitor }, () => Promise.resolve()));
      expect(error.code).toBe('ENTROPY_MONITOR_MISMATCH');
      expect(error.message).toContain("`monitor: 'entropy', mode: 'max'`");
    }
  });

  it('lists every intact slot with its epoch', async () => {
    const store = await storeOf([3, 1, 2], { maxToKeep: 2, saveLast: true });
    store.damaged.add('epoch-2');
    expect((await resumed(store))?.stored).toEqual({ best: 0, 'epoch-0': 0, last: 2 });
  });
});

describe('the epochs that can be ranked after resuming', () => {
  it.each([
    ['the kept ones', [3, 1, 2], { maxToKeep: 2 }, [0, 2]],
    ['not the latest, which is stored for resuming alone', [3, 1], { saveLast: true }, [0]],
    ['the latest, if it is a best epoch', [1, 3], { saveLast: true }, [1]],
  ])('%s', async (_name, values, options, expected) => {
    const store = await storeOf(values, options);
    expect((await resumed(store))?.rankable).toEqual(expected);
  });

  it('the latest, if it is a best epoch whose save was cut short before it reached `best`', async () => {
    const store = await storeOf([1, 3], { saveLast: true });
    jest.spyOn(store, 'slots').mockResolvedValue(['last']);
    expect((await resumed(store))?.rankable).toEqual([1]);
  });
});

describe('withStoredEpoch', () => {
  const load = (store: DamagedStore, epoch?: number | 'last'): Promise<number> =>
    withStoredEpoch(store, epoch, ({ state }) => epochOf(state));

  it('loads the best, an epoch by its number, or the latest', async () => {
    const store = await storeOf([2, 3, 1, 0], { maxToKeep: 3, saveLast: true });
    expect(await load(store)).toBe(1);
    expect(await load(store, 2)).toBe(2);
    expect(await load(store, 'last')).toBe(3);
  });

  it('loads the next best if the best is damaged, and never the latest in its place', async () => {
    const store = await storeOf([2, 3, 1, 0], { maxToKeep: 3, saveLast: true });
    store.damaged.add('best').add('epoch-1');
    expect(await load(store)).toBe(0);
    expect(warn).toHaveBeenCalled();
    store.damaged.add('epoch-0').add('epoch-2');
    expect((await rejection(load(store))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  it('does not load another epoch in place of one that was asked for by its number', async () => {
    const store = await storeOf([2, 3], { maxToKeep: 2 });
    store.damaged.add('epoch-0');
    expect((await rejection(load(store, 0))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  it('says which epochs are stored if the one that is asked for is not', async () => {
    const store = await storeOf([2, 3, 1], { maxToKeep: 2, saveLast: true });
    const error = await rejection(load(store, 7));
    expect(error.code).toBe('ENTROPY_NO_CHECKPOINT');
    expect(error.message).toMatch(/Expected epoch 7 in memory, got these: 0, 1, 'last'\./);
  });
});

describe('two trainings in one store', () => {
  /** A store in which the first save of a newer training was cut short: only these slots hold an epoch of it. */
  async function cutShort(replaced: readonly CheckpointSlot[], emptied: readonly CheckpointSlot[] = []) {
    const older = await storeOf([3, 1, 2, 0], { maxToKeep: 3, saveLast: true });
    const newer = await storeOf([7], { maxToKeep: 3, saveLast: true });
    const load = older.load.bind(older);
    const slots = await older.slots();
    jest
      .spyOn(older, 'slots')
      .mockResolvedValue([...new Set([...slots, ...replaced])].filter((slot) => !emptied.includes(slot)));
    jest.spyOn(older, 'load').mockImplementation((slot) => {
      if (emptied.includes(slot)) return Promise.resolve(null);
      if (!replaced.includes(slot)) return load(slot);
      for (const damaged of older.damagedWeights) newer.damagedWeights.add(damaged);
      return newer.load(slot);
    });
    return older;
  }

  it.each<[string, CheckpointSlot[], CheckpointSlot[]]>([
    ['the best alone is of the newer one', ['best'], []],
    ['the latest alone is of the newer one', ['last'], []],
    ['one of the kept alone is of the newer one', ['epoch-0'], []],
    ['all slots but one are of the newer one', ['best', 'last', 'epoch-0'], ['epoch-2']],
  ])('the newer one is resumed: %s', async (_name, replaced, emptied) => {
    const store = await cutShort(replaced, emptied);
    const found = await resumeFrom(store, ENTROPY, async ({ record, history, state, stored, rankable }) => ({
      value: record.value,
      history: history.map(({ value }) => value),
      state: await epochOf(state),
      stored: [...stored].filter(([, one]) => one.record !== null).map(([slot]) => slot),
      rankable: [...rankable].map(({ value }) => value),
    }));
    expect(found).toMatchObject({ value: 7, history: [7], state: 0, rankable: [7] });
    expect(found?.stored.sort()).toEqual([...replaced].sort());
  });

  it.each<[CheckpointSlot[], number | 'last' | undefined, number | 'ENTROPY_NO_CHECKPOINT']>([
    [['best'], undefined, 7],
    [['last'], undefined, 7],
    [['epoch-0'], undefined, 7],
    [['best'], 0, 7],
    [['best'], 2, 'ENTROPY_NO_CHECKPOINT'],
    [['best'], 'last', 'ENTROPY_NO_CHECKPOINT'],
    [['best', 'last'], 'last', 7],
    [['last'], 'last', 7],
    [[], undefined, 3],
    [[], 2, 2],
    [[], 'last', 0],
  ])('with %j of the newer one, epoch %s is the one of value %s', async (replaced, epoch, expected) => {
    const store = await cutShort(replaced);
    const loaded = await withStoredEpoch(store, epoch, ({ record }) => Promise.resolve(record.value)).catch(
      (error: unknown) => (error as EntropyCheckpointError).code,
    );
    expect(loaded).toBe(expected);
  });

  it('the next best is never one of the older training', async () => {
    const store = await cutShort(['best']);
    store.damagedWeights.add('best');
    const error = await rejection(withStoredEpoch(store, undefined, ({ state }) => epochOf(state)));
    expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });
});
