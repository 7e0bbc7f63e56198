import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest, test } from '@jest/globals';
import {
  listCheckpoints,
  loadCheckpoint,
  MemoryStore,
  type CheckpointSlot,
  type EntropyCheckpointOptions,
  type ListedCheckpoint,
  type StoredCheckpoint,
} from '../src/index.js';
import { FileStore } from '../src/stores/file/file-store.js';
import { nodeFileSystem } from '../src/stores/file/file-system.js';
import { MemoryHandler } from './state/fixtures/memory-handler.js';
import { interceptCalls } from './stores/fixtures/intercepted-file-system.js';
import { fitWithConfidences } from './support/confidences.js';
import { rejection } from './support/errors.js';
import { disposeModel, expectNoTensorsLeft, makeModel, useTempFolder } from './support/fixtures.js';

const tempFolder = useTempFolder();
/** Epochs in the order of falling entropy: 5, 3, 0, 2, 4, 1. */
const SCALES = [5, 7, 5.5, 3, 6, 2];

let warn: jest.SpiedFunction<typeof console.warn>;

beforeEach(() => {
  warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

async function train(options: EntropyCheckpointOptions, scales = SCALES) {
  const { checkpoint, model } = await fitWithConfidences(scales, options);
  checkpoint.dispose();
  disposeModel(model);
  return checkpoint.history;
}

const summaryOf = (listed: readonly ListedCheckpoint[]): [number, string][] =>
  listed.map(({ record, storedAs }) => [record.epoch, storedAs.join()]);

/** Counts the reads of weights. */
class CountingStore extends MemoryStore {
  reads = 0;

  override async load(slot: CheckpointSlot): Promise<StoredCheckpoint | null> {
    const stored = await super.load(slot);
    if (stored === null) return null;
    const read = stored.read.bind(stored);
    stored.read = (position, bytes) => {
      this.reads += 1;
      return read(position, bytes);
    };
    return stored;
  }
}

describe('listCheckpoints', () => {
  it('lists the best first, each once, with the reasons for which it is stored', async () => {
    const store = new MemoryStore();
    const history = await train({ filepath: store, maxToKeep: 2, keepEvery: 2, saveLast: true });
    const listed = await listCheckpoints(store);
    expect(summaryOf(listed)).toEqual([
      [5, 'best,kept,last'],
      [3, 'kept'],
      [1, 'kept'],
    ]);
    for (const { record } of listed) expect(record).toEqual(history[record.epoch]);
  });

  it.each<[string, EntropyCheckpointOptions, [number, string][]]>([
    ['the best alone', {}, [[5, 'best']]],
    [
      'those that are lower in mode min first, after the best',
      { monitor: 'entropy', mode: 'min', saveLast: true },
      [
        [1, 'best'],
        [5, 'last'],
      ],
    ],
    [
      'the best first, though another has a higher value that could not be selected',
      { keepEvery: 4, startFromEpoch: 4, patience: 1 },
      [
        [4, 'best'],
        [3, 'kept'],
      ],
    ],
    ['the latest without a best one', { saveLast: true, initialThreshold: 9 }, [[5, 'last']]],
    [
      'those without a value last, in their order',
      {
        monitor: ({ epoch }) => (epoch % 2 === 1 ? epoch : null),
        mode: 'max',
        keepEvery: 1,
      },
      [
        [5, 'best,kept'],
        [3, 'kept'],
        [1, 'kept'],
        [0, 'kept'],
        [2, 'kept'],
        [4, 'kept'],
      ],
    ],
  ])('lists %s', async (_name, options, expected) => {
    const scales = options.patience === undefined ? SCALES : [5, 7, 5.5, 3, 6, 6.5];
    const store = new MemoryStore();
    await train({ filepath: store, ...options }, scales);
    expect(summaryOf(await listCheckpoints(store))).toEqual(expected);
  });

  it('reads no weights of a store', async () => {
    const store = new CountingStore();
    await train({ filepath: store, maxToKeep: 3, saveLast: true });
    store.reads = 0;
    expect(await listCheckpoints(store)).toHaveLength(3);
    expect(store.reads).toBe(0);
    const { model } = await loadCheckpoint(store);
    model.dispose();
    expect(store.reads).toBeGreaterThan(0);
  });

  it('reads nothing of the weight files of a folder', async () => {
    const folder = tempFolder();
    await train({ filepath: folder, maxToKeep: 3 });
    const read: string[] = [];
    const fileSystem = interceptCalls(nodeFileSystem, ({ method, path }, perform) => {
      if (method === 'read' || method === 'readFile') read.push(path);
      return perform();
    });
    expect(await listCheckpoints(new FileStore(folder, fileSystem))).toHaveLength(3);
    expect(read.length).toBeGreaterThan(0);
    expect(read.filter((path) => !path.endsWith('.json'))).toEqual([]);
  });

  it('reads the manifest alone where the store can', async () => {
    const store = new CountingStore();
    await train({ filepath: store });
    const load = store.load.bind(store);
    const alone = Object.assign(store, {
      load: () => Promise.reject(new Error('not called')),
      loadManifest: (slot: CheckpointSlot) => load(slot),
    });
    expect(summaryOf(await listCheckpoints(alone))).toEqual([[5, 'best']]);
  });

  it('says how large each is in the store', async () => {
    const folder = tempFolder();
    await train({ filepath: folder });
    const [{ sizeBytes }] = (await listCheckpoints(folder)) as [ListedCheckpoint];
    const files = readdirSync(folder).filter((name) => name.endsWith('.bin'));
    expect(sizeBytes).toBe(files.reduce((total, name) => total + readFileSync(join(folder, name)).length, 0));
  });

  it('lists what a handler holds', async () => {
    const handler = new MemoryHandler();
    await train({ filepath: handler, metadata: 'mine' });
    const [{ metadata, ...listed }] = (await listCheckpoints(handler)) as [ListedCheckpoint];
    expect(summaryOf([{ metadata, ...listed }])).toEqual([[5, 'best']]);
    expect(metadata).toBe('mine');
  });

  it('lists the newest training alone', async () => {
    const store = new MemoryStore();
    await train({ filepath: store, maxToKeep: 3 });
    const save = store.save.bind(store);
    // As if the first save of the second training had been cut short before anything of the first was removed.
    store.save = async (checkpoint, { into, keep }) =>
      save(checkpoint, { into: into.filter((slot) => slot === 'last'), keep: [...keep, 'best', 'epoch-5'] });
    await train({ filepath: store, saveLast: true }, [3]);
    expect(await store.slots()).toEqual(expect.arrayContaining(['best', 'epoch-5', 'last']));
    expect(summaryOf(await listCheckpoints(store))).toEqual([[0, 'last']]);
  });

  it('makes no tensors', async () => {
    const store = new MemoryStore();
    await train({ filepath: store, maxToKeep: 3 });
    await expectNoTensorsLeft(async () => {
      await listCheckpoints(store);
    });
  });
});

describe('where something is damaged', () => {
  const damage = (folder: string, name: string): void => {
    const path = join(folder, name);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"epoch":', '"Epoch":'));
  };

  it('it leaves that out, with a warning that names it', async () => {
    const folder = tempFolder();
    await train({ filepath: folder, maxToKeep: 3 });
    damage(folder, 'model.epoch-3.json');
    expect(summaryOf(await listCheckpoints(folder))).toEqual([
      [5, 'best,kept'],
      [0, 'kept'],
    ]);
    expect(String(warn.mock.calls.at(-1))).toMatch(/model\.epoch-3\.json.* It is left out of the list\./s);
  });

  it('it throws if nothing else is there', async () => {
    const folder = tempFolder();
    await train({ filepath: folder });
    damage(folder, 'model.json');
    expect((await rejection(listCheckpoints(folder))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });
});

describe('where nothing is stored, it throws as loadCheckpoint does:', () => {
  it.each<[string, () => Parameters<typeof listCheckpoints>[0]]>([
    ['an empty folder', () => tempFolder()],
    ['a folder that does not exist', () => join(tempFolder(), 'none')],
    ['an empty MemoryStore', () => new MemoryStore()],
    ['an empty handler', () => new MemoryHandler()],
  ])('%s', async (_name, sourceOf) => {
    const source = sourceOf();
    const [listing, loading] = [
      await rejection(listCheckpoints(source)),
      await rejection(loadCheckpoint(source)),
    ];
    expect(listing.code).toBe('ENTROPY_NO_CHECKPOINT');
    expect(listing.message).toBe(loading.message);
  });

  it('a model that this package did not write', async () => {
    const handler = new MemoryHandler();
    const model = makeModel();
    await model.save(handler);
    disposeModel(model);
    expect((await rejection(listCheckpoints(handler))).code).toBe('ENTROPY_NOT_A_CHECKPOINT');
  });

  it('a folder of other files, and it creates nothing', async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'model.best.json'));
    writeFileSync(join(folder, 'notes.txt'), '');
    expect((await rejection(listCheckpoints(folder))).code).toBe('ENTROPY_NO_CHECKPOINT');
    expect(readdirSync(folder).sort()).toEqual(['model.best.json', 'notes.txt']);
  });
});

test.each<[object, RegExp]>([
  [{ epoch: 1 }, /Unknown option `epoch`/],
  [{ storeTimeoutMs: 0 }, /`storeTimeoutMs` to be a number of milliseconds above 0/],
])('listCheckpoints refuses the options %p', async (options, message) => {
  const error = await rejection(listCheckpoints(new MemoryStore(), options));
  expect(error.code).toBe('ENTROPY_INVALID_OPTION');
  expect(error.message).toMatch(message);
});
