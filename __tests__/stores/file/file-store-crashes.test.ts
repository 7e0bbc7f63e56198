import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import seedrandom from 'seedrandom';
import type { SlotUpdate, CheckpointSlot } from '../../../src/stores/store.js';
import { IS_THOROUGH } from '../../support/thorough.js';
import { interceptCalls } from '../fixtures/intercepted-file-system.js';
import { SimulatedDisk, type Random } from '../fixtures/simulated-disk.js';

// Shards of three sectors, so that a checkpoint of several is cheap.
const actual = await import('../../../src/stores/store.js');
jest.unstable_mockModule('../../../src/stores/store.js', () => ({ ...actual, SHARD_BYTES: 1500 }));
const { FileStore } = await import('../../../src/stores/file/file-store.js');
const { checkpointOfStep, manifestOf, partsOfStep, stepOf } = await import('../fixtures/checkpoints.js');

const FOLDER = `/simulated-${randomUUID()}/checkpoint`;
/** Makes six shards, more than there are buffers. The second shard of a step equals the first of the next step. */
const SIZE_FLOATS = 700;
const SLOTS: readonly CheckpointSlot[] = ['best', 'last', 'epoch-1', 'epoch-2', 'epoch-3'];

/** The step in each slot. */
type Contents = Partial<Record<CheckpointSlot, number>>;

const open: { close(): void }[] = [];

afterEach(() => {
  for (const store of open.splice(0)) store.close();
});

function storeOn(disk: SimulatedDisk) {
  const store = new FileStore(FOLDER, disk);
  open.push(store);
  return store;
}

function save(disk: SimulatedDisk, step: number, update: SlotUpdate): Promise<unknown> {
  return storeOn(disk).save(checkpointOfStep(step, SIZE_FLOATS), update);
}

/** By the disk's fingerprint: most power failures leave a disk that another one has left before. */
const knownContents = new Map<string, Contents>();

/** Loads every slot and compares every byte. */
async function contentsOf(disk: SimulatedDisk): Promise<Contents> {
  const { fingerprint } = disk;
  const contents = knownContents.get(fingerprint) ?? (await loadContents(disk));
  knownContents.set(fingerprint, contents);
  return contents;
}

async function loadContents(disk: SimulatedDisk): Promise<Contents> {
  const contents: Contents = {};
  for (const slot of SLOTS) {
    const step = await stepOf(await storeOn(disk).load(slot), SIZE_FLOATS);
    if (step !== null) contents[slot] = step;
  }
  return contents;
}

function filesOf(step: number): string[] {
  const shards = manifestOf(partsOfStep(step, SIZE_FLOATS)).shards;
  return ['model.json', ...shards.map(({ sha256 }) => `weights.${sha256.slice(0, 16)}.bin`)].sort();
}

/** A flushed disk with a checkpoint in every slot except `epoch-3`. */
async function usedDisk(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk(FOLDER);
  await save(disk, 4, { into: ['epoch-1'], keep: [] });
  await save(disk, 3, { into: ['epoch-2'], keep: ['epoch-1'] });
  await save(disk, 1, { into: ['best'], keep: ['epoch-1', 'epoch-2'] });
  await save(disk, 2, { into: ['last'], keep: ['best', 'epoch-1', 'epoch-2'] });
  return disk;
}
const USED: Contents = { best: 1, last: 2, 'epoch-1': 4, 'epoch-2': 3 };

/** States in which the disk may be after a power failure, sampled after each call that `action` makes. */
async function powerFailures(
  disk: SimulatedDisk,
  action: () => Promise<unknown>,
  random: Random,
  failuresPerCall: number,
): Promise<SimulatedDisk[]> {
  const found: SimulatedDisk[] = [];
  disk.delay = async () => {
    for (let ticks = Math.floor(random() * 20); ticks > 0; ticks--) await Promise.resolve();
  };
  disk.afterCall = () => {
    for (let i = 0; i < failuresPerCall; i++) found.push(disk.afterPowerFailure(random));
  };
  await action();
  disk.afterCall = () => undefined;
  return found;
}

/** Whether each slot is as before the save or as after it. */
function isOldOrNew(contents: Contents, before: Contents, after: Contents): boolean {
  return SLOTS.every((slot) => contents[slot] === before[slot] || contents[slot] === after[slot]);
}

describe('a power failure after any call of a save', () => {
  const cases: [string, () => Promise<SimulatedDisk>, Contents, SlotUpdate, Contents][] = [
    [
      'the first checkpoint',
      () => Promise.resolve(new SimulatedDisk(FOLDER)),
      {},
      { into: ['best', 'last'], keep: [] },
      { best: 5, last: 5 },
    ],
    ['replacing one of several slots', usedDisk, USED, { into: ['best'], keep: SLOTS }, { ...USED, best: 5 }],
    [
      'replacing two slots, keeping one and removing one',
      usedDisk,
      USED,
      { into: ['best', 'last', 'epoch-3'], keep: ['epoch-1'] },
      { best: 5, last: 5, 'epoch-1': 4, 'epoch-3': 5 },
    ],
    ['removing all other slots', usedDisk, USED, { into: ['best'], keep: [] }, { best: 5 }],
  ];

  it.each(cases)(
    'leaves each slot as before or as after the save: %s',
    async (name, prepare, before, update, after) => {
      const foundContents = new Set<string>();
      const savedOn = new Set<string>();
      for (let seed = 0; seed < (IS_THOROUGH ? 5 : 2); seed++) {
        const random = seedrandom(`${name} ${seed}`);
        const disk = await prepare();
        const failures = await powerFailures(disk, () => save(disk, 5, update), random, 2);
        expect(await contentsOf(disk)).toEqual(after);
        for (const found of failures) {
          const contents = await contentsOf(found);
          if (!isOldOrNew(contents, before, after)) expect(contents).toEqual(after);
          foundContents.add(JSON.stringify(contents));
          if (savedOn.has(found.fingerprint)) continue;
          savedOn.add(found.fingerprint);
          await save(found, 6, { into: ['best'], keep: [] });
          expect(await contentsOf(found)).toEqual({ best: 6 });
          expect(found.listing).toEqual(filesOf(6));
        }
      }
      // Otherwise the sampled states would miss the cases that this test is about.
      expect([...foundContents]).toEqual(
        expect.arrayContaining([JSON.stringify(before), JSON.stringify(after)]),
      );
    },
  );

  it('never brings back the previous checkpoint once a save has resolved', async () => {
    const random = seedrandom('resolved');
    const disk = await usedDisk();
    await save(disk, 5, { into: ['best', 'last'], keep: [] });
    for (let i = 0; i < 100; i++) {
      expect(await contentsOf(disk.afterPowerFailure(random))).toEqual({ best: 5, last: 5 });
    }
  });

  it('leaves a folder in which the next training can save, again and again', async () => {
    const random = seedrandom('again and again');
    let disk = await usedDisk();
    let before = USED;
    for (let step = 5; step < 200; step++) {
      const update: SlotUpdate = { into: ['best', 'last'], keep: random() < 0.5 ? ['epoch-1'] : [] };
      const kept = update.keep.length > 0 && before['epoch-1'] !== undefined;
      const after = { best: step, last: step, ...(kept && { 'epoch-1': before['epoch-1'] }) };
      const failures = await powerFailures(
        disk,
        async () => {
          const store = storeOn(disk);
          await store.open();
          await store.save(checkpointOfStep(step, SIZE_FLOATS), update);
          store.close();
        },
        random,
        1,
      );
      disk = failures[Math.floor(random() * failures.length)]!;
      const contents = await contentsOf(disk);
      if (!isOldOrNew(contents, before, after)) expect(contents).toEqual(after);
      before = contents;
    }
    await save(disk, 250, { into: ['best'], keep: [] });
    expect(disk.listing).toEqual(filesOf(250));
  });
});

describe('a power failure after a failed call', () => {
  const update: SlotUpdate = { into: ['best', 'last'], keep: ['epoch-1'] };
  const after = { best: 5, last: 5, 'epoch-1': 4 };

  it.each([
    ['one call fails', (call: number, failing: number) => call === failing],
    // As if the process had been killed: none of its later calls has an effect.
    ['all calls from one on fail', (call: number, failing: number) => call >= failing],
  ])(
    'leaves each slot as before or as after the save when %s, and the next training opens',
    async (name, fails) => {
      const random = seedrandom(name);
      let hasFailed = true;
      for (let failing = 1; hasFailed; failing += IS_THOROUGH ? 1 : 5) {
        const disk = await usedDisk();
        let calls = 0;
        hasFailed = false;
        const fileSystem = interceptCalls(disk, (_call, perform) => {
          if (!fails(++calls, failing)) return perform();
          hasFailed = true;
          return Promise.reject(new Error('failed'));
        });
        const failures = await powerFailures(
          disk,
          async () => {
            const source = checkpointOfStep(5, SIZE_FLOATS);
            await new FileStore(FOLDER, fileSystem).save(source, update).catch(() => undefined);
            await storeOn(disk).open();
            for (const store of open.splice(0)) store.close();
          },
          random,
          1,
        );
        for (const found of failures) {
          const contents = await contentsOf(found);
          if (!isOldOrNew(contents, USED, after)) expect(contents).toEqual(after);
        }
      }
    },
  );
});

describe('a disk that ignores flushes', () => {
  it.each([
    ['files', (path: string) => path !== FOLDER],
    ['the folder', (path: string) => path === FOLDER],
  ])('causes damage that `load` reports: flushes of %s', async (_name, ignoresSync) => {
    const random = seedrandom('lying');
    const disk = await usedDisk();
    disk.ignoresSync = ignoresSync;
    const update: SlotUpdate = { into: ['best'], keep: [] };
    const failures = await powerFailures(disk, () => save(disk, 5, update), random, 10);
    const contents = await Promise.all(failures.map((found) => contentsOf(found).catch(() => null)));
    expect(contents.filter((found) => found === null).length).toBeGreaterThan(5);
  });
});
