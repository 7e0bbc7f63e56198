import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import * as fs from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { EntropyCheckpointError } from '../../../src/errors.js';
import { FolderLock } from '../../../src/stores/file/file-lock.js';
import { FileStore } from '../../../src/stores/file/file-store.js';
import { nodeFileSystem } from '../../../src/stores/file/file-system.js';
import type { CheckpointSource, Json, SlotUpdate, CheckpointSlot } from '../../../src/stores/store.js';
import {
  bytesOf,
  checkpointOfStep,
  manifestOf,
  partsOfStep,
  sha256,
  sourceOf,
  stepOf,
} from '../fixtures/checkpoints.js';
import type { Parts } from '../fixtures/checkpoints.js';
import { killChildren, startChild } from '../fixtures/child-process.js';
import { rejection } from '../../support/errors.js';
import { IS_THOROUGH } from '../../support/thorough.js';

/** How many floats take a little over two full shards, so that a checkpoint has three. */
const THREE_SHARDS = 1_400_000;
const BEST: SlotUpdate = { into: ['best'], keep: [] };

let root = '';
let folder = '';
const stores: FileStore[] = [];

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), 'file-store-test-'));
  folder = join(root, 'checkpoint');
});

afterEach(() => {
  for (const store of stores.splice(0)) store.close();
  killChildren();
  fs.rmSync(root, { recursive: true, force: true });
});

function storeAt(path: string): FileStore {
  const store = new FileStore(path);
  stores.push(store);
  return store;
}

/** A store to whose folder no file of this name can be renamed. */
function storeWithout(name: string): FileStore {
  const store = new FileStore(folder, {
    ...nodeFileSystem,
    rename: (from, to) =>
      basename(to) === name ? Promise.reject(new Error('EIO: simulated')) : nodeFileSystem.rename(from, to),
  });
  stores.push(store);
  return store;
}

/** The step that a new store loads, after comparing every byte. */
async function storedStep(slot: CheckpointSlot = 'best', sizeFloats = 1000): Promise<number | null> {
  return stepOf(await new FileStore(folder).load(slot), sizeFloats);
}

/** The manifest that a new store loads from `slot`, which must not be empty. */
async function loadedManifest(slot: CheckpointSlot = 'best') {
  const stored = await new FileStore(folder).load(slot);
  if (stored === null) throw new Error('Expected a checkpoint.');
  await stored.close();
  return stored.manifest;
}

const modelFile = () => join(folder, 'model.json');
const shardNames = (parts: Parts) => [
  ...new Set(manifestOf(parts).shards.map((shard) => `weights.${shard.sha256.slice(0, 16)}.bin`)),
];
const shardFile = (parts: Parts) => join(folder, shardNames(parts)[0]!);
const filesOf = (parts: Parts) => ['model.json', ...shardNames(parts)].sort();
const listFiles = () => fs.readdirSync(folder).sort();

describe('saving and loading', () => {
  it('returns a checkpoint unchanged', async () => {
    const parts = partsOfStep(7);
    await storeAt(folder).save(sourceOf(parts), BEST);
    const stored = await new FileStore(folder).load('best');
    expect(stored?.manifest).toEqual(manifestOf(parts));
    expect(await bytesOf(stored!)).toEqual(parts.weightData);
    await stored?.close();
  });

  it('returns a checkpoint of several shards', async () => {
    await storeAt(folder).save(checkpointOfStep(7, THREE_SHARDS), BEST);
    expect(listFiles()).toEqual(filesOf(partsOfStep(7, THREE_SHARDS)));
    expect(listFiles()).toHaveLength(4);
    expect(await storedStep('best', THREE_SHARDS)).toBe(7);
  });

  it('reads any range of the weights, also across shards', async () => {
    const parts = partsOfStep(7, THREE_SHARDS);
    await storeAt(folder).save(sourceOf(parts), BEST);
    const stored = await new FileStore(folder).load('best');
    const total = parts.weightData.length;
    const border = 2 ** 23;
    for (const [start, end] of [
      [0, 0],
      [0, 1],
      [border - 1, border],
      [border - 2, border + 3],
      [border, border + 1],
      [5, 2 * border + 5],
      [total - 1, total],
      [total, total],
    ] as const) {
      const bytes = new Uint8Array(end - start);
      await stored?.read(start, bytes);
      expect(Buffer.from(bytes).equals(parts.weightData.subarray(start, end))).toBe(true);
    }
    await expect(stored?.read(total - 1, new Uint8Array(2))).rejects.toThrow(RangeError);
    await expect(stored?.read(-1, new Uint8Array(1))).rejects.toThrow(RangeError);
    await stored?.close();
  });

  it('returns a model without weights', async () => {
    const parts = { ...partsOfStep(7), weightSpecs: [], weightData: new Uint8Array() };
    await storeAt(folder).save(sourceOf(parts), BEST);
    expect(listFiles()).toEqual(['model.json']);
    expect(await loadedManifest()).toEqual(manifestOf(parts));
  });

  it('stores equal shards in one file', async () => {
    const weightData = new Uint8Array(2 ** 24);
    const weightSpecs = [{ name: 'w', shape: [2 ** 22], dtype: 'float32' as const }];
    const parts = { ...partsOfStep(7), weightSpecs, weightData };
    await storeAt(folder).save(sourceOf(parts), BEST);
    expect(listFiles()).toHaveLength(2);
    const stored = await new FileStore(folder).load('best');
    expect(stored?.manifest.shards).toHaveLength(2);
    expect(Buffer.from(await bytesOf(stored!)).equals(weightData)).toBe(true);
    await stored?.close();
  });

  it('leaves only model.json and the shards that it names in the folder', async () => {
    const store = storeAt(folder);
    await store.open();
    for (const step of [1, 2, 3]) {
      await store.save(checkpointOfStep(step), BEST);
      expect(listFiles()).toEqual(filesOf(partsOfStep(step)));
    }
    const parts = partsOfStep(3);
    expect(JSON.parse(fs.readFileSync(modelFile(), 'utf8'))).toMatchObject({
      format: 'layers-model',
      convertedBy: null,
      weightsManifest: [{ paths: shardNames(parts), weights: parts.weightSpecs }],
    });
    expect(sha256([fs.readFileSync(shardFile(parts))])).toBe(manifestOf(parts).shards[0]?.sha256);
  });

  it('keeps the file when the same weights are saved twice', async () => {
    const store = storeAt(folder);
    await store.save(checkpointOfStep(1), BEST);
    await store.save(checkpointOfStep(1), BEST);
    expect(await storedStep()).toBe(1);
  });

  it('replaces a damaged shard of the same name', async () => {
    fs.mkdirSync(folder);
    fs.writeFileSync(shardFile(partsOfStep(1)), new Uint8Array(12_003));
    const store = storeAt(folder);
    await store.save(checkpointOfStep(1), BEST);
    fs.writeFileSync(shardFile(partsOfStep(1)), new Uint8Array(12_003));
    await store.save(checkpointOfStep(1), BEST);
    expect(await storedStep()).toBe(1);
  });

  it('loads null when nothing is stored', async () => {
    expect(await new FileStore(folder).load('best')).toBeNull();
    expect(await new FileStore(folder).slots()).toEqual([]);
    fs.mkdirSync(folder);
    expect(await new FileStore(folder).load('best')).toBeNull();
    expect(await new FileStore(folder).slots()).toEqual([]);
  });

  it('keeps the folder of a relative path when the current directory changes', async () => {
    const before = process.cwd();
    process.chdir(root);
    const store = storeAt('checkpoint');
    process.chdir(before);
    await store.save(checkpointOfStep(1), BEST);
    expect(listFiles()).toEqual(filesOf(partsOfStep(1)));
    expect(store.name).toBe('folder "checkpoint"');
  });

  it('runs unawaited saves one after the other', async () => {
    const store = storeAt(folder);
    await Promise.all([1, 2, 3, 4].map((step) => store.save(checkpointOfStep(step), BEST)));
    expect(await storedStep()).toBe(4);
    expect(listFiles()).toEqual(filesOf(partsOfStep(4)));
  });

  it('refuses what it could not load again, and leaves only the previous checkpoint', async () => {
    const store = storeAt(folder);
    await store.save(checkpointOfStep(1), BEST);
    const manifest = manifestOf(partsOfStep(2));
    const entry = manifest.metadata['entropyCheckpoint'] as Record<string, Json>;
    let deep: Json = {};
    for (let i = 0; i < 20_000; i++) deep = [deep];
    const bad = [
      { metadata: {} },
      { metadata: { entropyCheckpoint: { ...entry, shards: [] } } },
      {
        metadata: {
          entropyCheckpoint: { ...entry, shards: [{ sizeBytes: 12_003, sha256: '0'.repeat(64) }] },
        },
      },
      { shards: [] },
      { shards: [{ sizeBytes: 12_003, sha256: '0'.repeat(64) }] },
      { weightSpecs: [{ name: 'w', shape: [1], dtype: 'float32' as const }] },
      { weightSpecs: [{ name: 'w', shape: [-1], dtype: 'float32' as const }] },
      { weightSpecs: [{ name: 'w', shape: [1], dtype: 'string' as const }] },
      { modelTopology: deep },
      { modelTopology: JSON.parse('{"layers":[{"__proto__":{}}]}') as Json },
    ];
    for (const change of bad) {
      const source = { ...checkpointOfStep(2), manifest: () => Promise.resolve({ ...manifest, ...change }) };
      const error = await rejection(store.save(source, BEST));
      expect(error.code).toBe('ENTROPY_STORE_FAILED');
      expect(error.message).toContain('unchanged');
      expect(await storedStep()).toBe(1);
      expect(listFiles()).toEqual(filesOf(partsOfStep(1)));
    }
  });

  it('keeps the previous checkpoint and leaves no file when the source fails', async () => {
    const store = storeAt(folder);
    await store.save(checkpointOfStep(1, THREE_SHARDS), BEST);
    const failing: ((source: CheckpointSource) => CheckpointSource)[] = [
      (source) => ({ ...source, manifest: () => Promise.reject(new Error('context lost')) }),
      (source) => {
        let count = 0;
        return {
          ...source,
          readShard: async (buffer) => {
            if (++count === 3) throw new Error('context lost');
            return source.readShard(buffer);
          },
        };
      },
      (source) => ({
        ...source,
        readShard: async (buffer) => {
          const shard = await source.readShard(buffer);
          return shard && { ...shard, sha256: Promise.reject(new Error('context lost')) };
        },
      }),
    ];
    for (const makeFail of failing) {
      const error = await rejection(store.save(makeFail(checkpointOfStep(5, THREE_SHARDS)), BEST));
      expect(error.code).toBe('ENTROPY_STORE_FAILED');
      expect(error.cause).toMatchObject({ message: 'context lost' });
      expect(listFiles()).toEqual(filesOf(partsOfStep(1, THREE_SHARDS)));
    }
    expect(await storedStep('best', THREE_SHARDS)).toBe(1);
  });

  it('uses at most four buffers, each at most one shard long', async () => {
    const source = checkpointOfStep(1, 4 * THREE_SHARDS);
    const buffers = new Set<Uint8Array>();
    const readShard = (buffer: Uint8Array<ArrayBuffer>) => {
      buffers.add(buffer);
      return source.readShard(buffer);
    };
    await storeAt(folder).save({ ...source, readShard }, BEST);
    expect([...buffers].map(({ byteLength }) => byteLength)).toEqual(Array(4).fill(2 ** 23));
    buffers.clear();
    const small = checkpointOfStep(1);
    const readSmall = (buffer: Uint8Array<ArrayBuffer>) => {
      buffers.add(buffer);
      return small.readShard(buffer);
    };
    await storeAt(folder).save({ ...small, readShard: readSmall }, BEST);
    expect([...buffers].map(({ byteLength }) => byteLength)).toEqual([12_003]);
  });
});

describe('slots', () => {
  it('have one file each, and name the same shards after one save', async () => {
    const into: CheckpointSlot[] = ['best', 'last', 'epoch-3', 'fit-2-epoch-3'];
    await storeAt(folder).save(checkpointOfStep(1), { into, keep: [] });
    expect(listFiles()).toEqual(
      [
        ...filesOf(partsOfStep(1)),
        'model.last.json',
        'model.epoch-3.json',
        'model.fit-2-epoch-3.json',
      ].sort(),
    );
    for (const slot of into) expect(await storedStep(slot)).toBe(1);
    expect([...(await new FileStore(folder).slots())].sort()).toEqual([...into].sort());
    expect(await storedStep('epoch-4')).toBeNull();
  });

  it('stay unchanged with their shards if they are kept, and are emptied otherwise', async () => {
    const store = storeAt(folder);
    await store.save(checkpointOfStep(1), { into: ['best', 'epoch-1'], keep: [] });
    await store.save(checkpointOfStep(2), { into: ['last', 'epoch-2'], keep: ['best', 'epoch-1'] });
    expect(await storedStep('best')).toBe(1);
    expect(await storedStep('last')).toBe(2);
    await store.save(checkpointOfStep(3), { into: ['last'], keep: ['best', 'epoch-2', 'epoch-9'] });
    expect([...(await store.slots())].sort()).toEqual(['best', 'epoch-2', 'last']);
    expect(await Promise.all((['best', 'epoch-2', 'last'] as const).map((slot) => storedStep(slot)))).toEqual(
      [1, 2, 3],
    );
    await store.save(checkpointOfStep(4), BEST);
    expect(listFiles()).toEqual(filesOf(partsOfStep(4)));
  });

  it('are listed if they are regular files, intact or damaged', async () => {
    fs.mkdirSync(folder);
    for (const name of [
      'model.last.json',
      'model.best.json',
      'model.epoch-x.json',
      'model.epoch-1.json.bak',
    ]) {
      fs.writeFileSync(join(folder, name), 'damaged');
    }
    fs.mkdirSync(join(folder, 'model.epoch-1.json'));
    fs.symlinkSync('model.last.json', join(folder, 'model.epoch-2.json'));
    expect(await new FileStore(folder).slots()).toEqual(['last']);
  });

  it('that are damaged during a training do not stop the removal of old files', async () => {
    const store = storeAt(folder);
    await store.open();
    await store.save(checkpointOfStep(1), { into: ['epoch-1'], keep: [] });
    const damaged = join(folder, 'model.epoch-1.json');
    const intact = fs.readFileSync(damaged);
    fs.writeFileSync(damaged, intact.subarray(1));
    for (const step of [2, 3, 4]) {
      await store.save(checkpointOfStep(step), { into: ['best'], keep: ['epoch-1'] });
    }
    expect(listFiles()).toEqual(
      ['model.epoch-1.json', ...shardNames(partsOfStep(1)), ...filesOf(partsOfStep(4))].sort(),
    );
    // It keeps its own shards.
    fs.writeFileSync(damaged, intact);
    expect(await storedStep('epoch-1')).toBe(1);
  });

  it('that were damaged before a training keep the shards that were there, and no others', async () => {
    await new FileStore(folder).save(checkpointOfStep(1), { into: ['epoch-1'], keep: [] });
    const damaged = join(folder, 'model.epoch-1.json');
    fs.writeFileSync(damaged, fs.readFileSync(damaged).subarray(1));
    const store = storeAt(folder);
    await store.open();
    for (const step of [2, 3, 4]) {
      await store.save(checkpointOfStep(step), { into: ['best'], keep: ['epoch-1'] });
    }
    expect(listFiles()).toEqual(
      ['model.epoch-1.json', ...shardNames(partsOfStep(1)), ...filesOf(partsOfStep(4))].sort(),
    );
    await store.save(checkpointOfStep(5), BEST);
    expect(listFiles()).toEqual(filesOf(partsOfStep(5)));
  });

  it('keep all shards while a kept slot is damaged, as it may name any of them', async () => {
    const store = storeAt(folder);
    await store.save(checkpointOfStep(1), { into: ['epoch-1'], keep: [] });
    const intact = fs.readFileSync(join(folder, 'model.epoch-1.json'));
    fs.writeFileSync(join(folder, 'model.epoch-1.json'), intact.subarray(1));
    fs.writeFileSync(join(folder, '.entropy-checkpoint.0123456789abcdef.tmp'), '');
    await store.save(checkpointOfStep(2), { into: ['best'], keep: ['epoch-1'] });
    fs.writeFileSync(join(folder, 'model.epoch-1.json'), intact);
    expect(await storedStep('epoch-1')).toBe(1);
    expect(listFiles().filter((name) => name.endsWith('.tmp'))).toEqual([]);
    await store.save(checkpointOfStep(3), BEST);
    expect(listFiles()).toEqual(filesOf(partsOfStep(3)));
  });
});

describe('a loaded checkpoint', () => {
  it('stays readable until it is closed when a save replaces it', async () => {
    const store = storeAt(folder);
    await store.save(checkpointOfStep(1, THREE_SHARDS), BEST);
    const stored = await store.load('best');
    await store.save(checkpointOfStep(20, THREE_SHARDS), BEST);
    expect(await stepOf(stored, THREE_SHARDS)).toBe(1);
    await stored?.close();
    await expect(stored?.read(0, new Uint8Array(1))).rejects.toMatchObject({ code: 'ENTROPY_STORE_FAILED' });
  });

  it('names its shards by their files', async () => {
    const parts = partsOfStep(1, THREE_SHARDS);
    await storeAt(folder).save(sourceOf(parts), BEST);
    const stored = await new FileStore(folder).load('best');
    const names = stored?.manifest.shards.map((_, i) => basename(stored.shardName(i)));
    expect(names).toEqual(shardNames(parts));
    expect(stored?.shardName(0)).toBe(shardFile(parts));
    await stored?.close();
  });

  it('reports a shard file that is truncated afterwards', async () => {
    const parts = partsOfStep(1, THREE_SHARDS);
    await storeAt(folder).save(sourceOf(parts), BEST);
    const stored = await new FileStore(folder).load('best');
    const path = join(folder, shardNames(parts)[1]!);
    fs.truncateSync(path, 1000);
    const error = await rejection(bytesOf(stored!));
    expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    expect(error.message).toContain(`"${path}"`);
    expect(error.message).toContain('1000');
    await stored?.close();
  });

  it('leaves no file open once closed, and neither does a failed load', async () => {
    if (process.platform !== 'linux') return;
    const parts = partsOfStep(1, THREE_SHARDS);
    await storeAt(folder).save(sourceOf(parts), BEST);
    const openFiles = () =>
      fs.readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
        } catch {
          return false;
        }
      }).length;
    expect(openFiles()).toBe(0);
    const stored = await new FileStore(folder).load('best');
    expect(openFiles()).toBe(3);
    await Promise.all([stored?.close(), stored?.close()]);
    expect(openFiles()).toBe(0);

    const last = join(folder, shardNames(parts)[2]!);
    fs.truncateSync(last, 1);
    await rejection(new FileStore(folder).load('best'));
    fs.unlinkSync(last);
    await rejection(new FileStore(folder).load('best'));
    fs.mkdirSync(last);
    await rejection(new FileStore(folder).load('best'));
    fs.writeFileSync(modelFile(), '{}');
    await rejection(new FileStore(folder).load('best'));
    expect(openFiles()).toBe(0);
  });
});

describe('a stored model', () => {
  it.each([
    ['model.json', 2],
    ['model.last.json, of several shards', 1_100_000],
  ])('is loaded by tf.loadLayersModel over http: %s', async (file, inputs) => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [inputs] })] });
    const parts = sourceOf(await artifactOf(model));
    await storeAt(folder).save(parts, { into: ['best', 'last'], keep: [] });
    const server = createServer((request, response) => {
      response.end(fs.readFileSync(join(folder, basename(request.url ?? ''))));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    try {
      const { port } = server.address() as AddressInfo;
      const url = `http://127.0.0.1:${port}/${file.replace(/,.*/, '')}`;
      const loaded = await tf.loadLayersModel(tf.io.http(url, { fetchFunc: fetchIntoThisRealm }));
      const bytes = async ({ weights }: tf.LayersModel) =>
        sha256(
          await Promise.all(
            weights.map(async (weight) => new Uint8Array((await weight.read().data()).buffer)),
          ),
        );
      expect(await bytes(loaded)).toBe(await bytes(model));
      expect(loaded.getUserDefinedMetadata()).toHaveProperty('entropyCheckpoint');
      loaded.dispose();
    } finally {
      server.close();
      model.dispose();
    }
  });
});

/** `fetch` runs outside of Jest's realm, so TensorFlow.js inside it would not recognise the arrays of a response. */
async function fetchIntoThisRealm(url: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  return Object.assign(response, { json: async () => JSON.parse(await response.text()) as unknown });
}

/** A checkpoint of the model, with an optimizer slot among its weights. */
async function artifactOf(model: tf.LayersModel): Promise<Parts> {
  const slot: tf.io.WeightsManifestEntry = { name: 'slot', shape: [2], dtype: 'float32', group: 'optimizer' };
  const weightSpecs: tf.io.WeightsManifestEntry[] = [
    ...model.weights.map(({ name, shape }) => ({
      name,
      shape: shape.map(Number),
      dtype: 'float32' as const,
    })),
    slot,
  ];
  const values = await Promise.all(model.getWeights().map((weight) => weight.data<'float32'>()));
  const numbers = [...values, new Float32Array([1, 2])].flatMap((value) => [...value]);
  return {
    modelTopology: JSON.parse(JSON.stringify(model.toJSON(null, false))) as Json,
    weightSpecs,
    weightData: new Uint8Array(new Float32Array(numbers).buffer),
    generatedBy: 'test',
    metadata: { entropyCheckpoint: {} },
  };
}

describe('the folder', () => {
  const last: SlotUpdate = { into: ['last'], keep: ['best'] };

  /** Points a link to a folder. */
  function link(to: string): string {
    const path = join(root, 'latest');
    fs.rmSync(path, { force: true });
    fs.mkdirSync(join(root, to), { recursive: true });
    fs.symlinkSync(join(root, to), path);
    return path;
  }

  it('stays the same when the link to it is moved, for saves, loads and the lock', async () => {
    const store = storeAt(link('first'));
    await store.open();
    await store.save(checkpointOfStep(1), BEST);
    await new FileStore(link('second')).save(checkpointOfStep(2), BEST);
    const second = fs.readdirSync(join(root, 'second')).sort();
    await store.save(checkpointOfStep(3), last);
    expect(fs.readdirSync(join(root, 'second')).sort()).toEqual(second);
    expect(await store.slots()).toEqual(expect.arrayContaining(['best', 'last']));
    expect(await stepOf(await store.load('best'))).toBe(1);
    expect(() => FolderLock.acquire(join(root, 'first'))).toThrow('in use');
    FolderLock.acquire(join(root, 'second')).release();
    store.close();
    expect(await stepOf(await store.load('last'))).toBe(3);
    await store.open();
    await store.save(checkpointOfStep(4), last);
    expect(fs.readdirSync(join(root, 'second')).sort()).toEqual(second);
  });

  it('stays the same when a link above it is moved, though the folder was created by `open`', async () => {
    const store = storeAt(join(link('first'), 'run', 'checkpoint'));
    await store.open();
    link('second');
    await store.save(checkpointOfStep(1), BEST);
    expect(fs.readdirSync(join(root, 'second'))).toEqual([]);
    expect(fs.existsSync(join(root, 'first', 'run', 'checkpoint', 'model.json'))).toBe(true);
  });

  it('is created again where it was if it is removed together with the link', async () => {
    const store = storeAt(link('first'));
    await store.open();
    await store.save(checkpointOfStep(1), BEST);
    fs.rmSync(join(root, 'first'), { recursive: true });
    link('second');
    await store.save(checkpointOfStep(2), BEST);
    expect(await stepOf(await new FileStore(join(root, 'first')).load('best'))).toBe(2);
    expect(fs.readdirSync(join(root, 'second'))).toEqual([]);
  });

  it('is loaded from as a whole when the link is moved between two loads', async () => {
    await new FileStore(join(root, 'first')).save(checkpointOfStep(1), { into: ['best', 'last'], keep: [] });
    await new FileStore(join(root, 'second')).save(checkpointOfStep(2), {
      into: ['best', 'last'],
      keep: [],
    });
    const store = storeAt(link('first'));
    expect(await store.slots()).toHaveLength(2);
    link('second');
    expect(await stepOf(await store.load('last'))).toBe(1);
  });
});

describe('a save says which slots were lost', () => {
  const intoLast: SlotUpdate = { into: ['last'], keep: ['best'] };

  it('none of those that it keeps, replaces or empties', async () => {
    const store = storeAt(folder);
    await store.open();
    for (const update of [BEST, intoLast, intoLast, BEST]) {
      expect(await store.save(checkpointOfStep(1), update)).toEqual([]);
    }
  });

  it.each([
    ['the folder', () => folder],
    ['a slot file', modelFile],
    ['a weight file', () => shardFile(partsOfStep(1))],
  ])('those that are gone with %s, once', async (_what, path) => {
    for (const update of [intoLast, BEST]) {
      const store = storeAt(folder);
      await store.open();
      await store.save(checkpointOfStep(1), BEST);
      fs.rmSync(path(), { recursive: true });
      expect(await store.save(checkpointOfStep(2), update)).toEqual(['best']);
      expect(await store.save(checkpointOfStep(3), update)).toEqual([]);
      store.close();
    }
  });

  it('and fails if what it has just written is removed before it ends', async () => {
    const store = new FileStore(folder, {
      ...nodeFileSystem,
      async rename(from, to) {
        await nodeFileSystem.rename(from, to);
        if (to === modelFile()) fs.rmSync(shardFile(partsOfStep(2)), { force: true });
      },
    });
    stores.push(store);
    await store.open();
    const error = await rejection(store.save(checkpointOfStep(2), BEST));
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.message).toContain('model.json');
    await store.save(checkpointOfStep(3), BEST);
    expect(await storedStep()).toBe(3);
  });
});

describe('loading a damaged checkpoint', () => {
  const saved = partsOfStep(5, 4);

  beforeEach(async () => {
    await storeAt(folder).save(sourceOf(saved), BEST);
  });

  it('notices a flipped bit in any byte of model.json: it reports it, or loads another manifest', async () => {
    const original = fs.readFileSync(modelFile());
    let refused = 0;
    for (let i = 0; i < original.length; i++) {
      // Changes a digit or letter, the case of a letter, and makes the byte invalid UTF-8.
      for (const bit of [0x01, 0x20, 0x80]) {
        const damaged = Buffer.from(original);
        damaged.writeUInt8(original.readUInt8(i) ^ bit, i);
        fs.writeFileSync(modelFile(), damaged);
        try {
          // A store cannot notice a changed value. The code that decodes the checkpoint compares checksums.
          expect(await loadedManifest()).not.toEqual(manifestOf(saved));
        } catch (error) {
          if (!(error instanceof EntropyCheckpointError)) throw error;
          expect(['ENTROPY_CORRUPT_CHECKPOINT', 'ENTROPY_NOT_A_CHECKPOINT']).toContain(error.code);
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(original.length * 1.5);
  });

  it('notices an inserted or missing byte in model.json: it reports it, or loads another manifest', async () => {
    const original = fs.readFileSync(modelFile());
    for (let i = 0; i < original.length; i++) {
      for (const insert of [' ', '']) {
        const rest = original.subarray(insert === '' ? i + 1 : i);
        fs.writeFileSync(modelFile(), Buffer.concat([original.subarray(0, i), Buffer.from(insert), rest]));
        expect(await loadedManifest().catch(() => null)).not.toEqual(manifestOf(saved));
      }
    }
  });

  it('reports a model.json truncated anywhere', async () => {
    const original = fs.readFileSync(modelFile());
    for (let length = 0; length < original.length; length++) {
      fs.writeFileSync(modelFile(), original.subarray(0, length));
      const error = await rejection(new FileStore(folder).load('best'));
      expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
      expect(error.message).toContain(modelFile());
    }
  });

  it.each([
    ['one byte less', -1],
    ['empty', -51],
    ['one byte more', 1],
  ])('reports a shard file of another size, with both sizes: %s', async (_name, difference) => {
    const original = fs.readFileSync(shardFile(saved));
    expect(original.length).toBe(51);
    fs.writeFileSync(shardFile(saved), Buffer.concat([original, Buffer.of(5)]).subarray(0, 51 + difference));
    const error = await rejection(new FileStore(folder).load('best'));
    expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    expect(error.message).toContain(`expected 51 bytes, got ${51 + difference}`);
  });

  it('reports a missing shard file by its name', async () => {
    fs.unlinkSync(shardFile(saved));
    const error = await rejection(new FileStore(folder).load('best'));
    expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    expect(error.message).toContain(shardFile(saved));
    expect(error.message).toContain('the file is missing');
  });

  it.each([
    ['terabytes', [1e6, 1e6], 'float32'],
    ['more bytes than a number can count', [2 ** 40, 2 ** 40], 'float32'],
    ['a size other than that of the shards', [3, 2], 'float32'],
    ['a negative dimension', [-4], 'float32'],
    ['a fractional dimension', [0.5], 'float32'],
    ['a string as the shape', '4', 'float32'],
    ['an unknown dtype', [4], 'float64'],
  ])('reports weight specs with %s', async (_name, shape, dtype) => {
    const written = JSON.parse(fs.readFileSync(modelFile(), 'utf8')) as {
      weightsManifest: [{ weights: unknown[] }];
    };
    written.weightsManifest[0].weights[0] = { name: 'w0', shape, dtype };
    fs.writeFileSync(modelFile(), JSON.stringify(written));
    expect((await rejection(new FileStore(folder).load('best'))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  it.each([
    ['missing', undefined],
    ['not a list', {}],
    ['of null', [null]],
    ['of an empty shard', [{ sizeBytes: 0, sha256: '0'.repeat(64) }]],
    ['of a shard above the maximum size', [{ sizeBytes: 2 ** 23 + 1, sha256: '0'.repeat(64) }]],
    ['of a fractional size', [{ sizeBytes: 50.5, sha256: '0'.repeat(64) }]],
    ['of another checksum', [{ sizeBytes: 51, sha256: '0'.repeat(64) }]],
    ['of too few bytes', [{ sizeBytes: 50, sha256: manifestOf(saved).shards[0]?.sha256 }]],
    ['of too many shards', [...manifestOf(saved).shards, ...manifestOf(saved).shards]],
  ])('reports a shard list that is %s', async (_name, shards) => {
    const written = JSON.parse(fs.readFileSync(modelFile(), 'utf8')) as {
      userDefinedMetadata: { entropyCheckpoint: { shards: unknown } };
    };
    written.userDefinedMetadata.entropyCheckpoint.shards = shards;
    fs.writeFileSync(modelFile(), JSON.stringify(written));
    expect((await rejection(new FileStore(folder).load('best'))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  it.each([
    ['the topology', '"layers":[]', '"layers":[{"a":[{"__proto__":{"b":1}}]}]'],
    ['the metadata', '"entropyCheckpoint":{', '"__proto__":{},"entropyCheckpoint":{'],
    ['the record', '"entropyCheckpoint":{', '"entropyCheckpoint":{"__proto__":{},'],
  ])('reports a key `__proto__` in %s', async (_name, text, replacement) => {
    const before = fs.readFileSync(modelFile(), 'utf8');
    fs.writeFileSync(modelFile(), before.replace(text, replacement));
    const error = await rejection(new FileStore(folder).load('best'));
    expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    expect(error.message).toContain('__proto__');
  });

  it('opens no other file for a checksum that is a path', async () => {
    fs.copyFileSync(shardFile(saved), join(root, 'bin'));
    const { sha256: checksum = '' } = manifestOf(saved).shards[0] ?? {};
    const text = fs.readFileSync(modelFile(), 'utf8');
    for (const other of [`/../../bin${'0'.repeat(54)}`, '../bin', checksum.toUpperCase()]) {
      const name = `weights.${other.slice(0, 16)}.bin`;
      const damaged = text.replaceAll(checksum, other).replaceAll(shardNames(saved)[0]!, name);
      fs.writeFileSync(modelFile(), damaged);
      expect((await rejection(new FileStore(folder).load('best'))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    }
  });

  it('opens no other file for a path in model.json', async () => {
    const text = fs.readFileSync(modelFile(), 'utf8');
    fs.copyFileSync(shardFile(saved), join(root, 'elsewhere.bin'));
    fs.writeFileSync(modelFile(), text.replace(shardNames(saved)[0]!, '../elsewhere.bin'));
    expect((await rejection(new FileStore(folder).load('best'))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  it.each(['model.json', 'a shard'])('refuses a symbolic link instead of %s', async (which) => {
    const path = which === 'a shard' ? shardFile(saved) : modelFile();
    fs.renameSync(path, join(root, 'moved'));
    fs.symlinkSync(join(root, 'moved'), path);
    const error = await rejection(new FileStore(folder).load('best'));
    expect(error.code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    expect(error.message).toContain(path);
  });

  it.each([1001, 5000, 20_000, 200_000, 2_000_000])('reports JSON nested %d deep', async (depth) => {
    const text = fs.readFileSync(modelFile(), 'utf8');
    const deep = '['.repeat(depth) + ']'.repeat(depth);
    fs.writeFileSync(modelFile(), text.replace('"layers":[]', `"layers":${deep}`));
    expect((await rejection(new FileStore(folder).load('best'))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  it('distinguishes it from a model that this package did not write', async () => {
    for (const text of ['{"modelTopology":{},"userDefinedMetadata":{"mine":1}}', '{}', '{"a":[]}']) {
      fs.writeFileSync(modelFile(), text);
      const error = await rejection(new FileStore(folder).load('best'));
      expect(error.code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    }
    for (const text of ['', '[]', 'null', '"text"', '{"modelTopology":']) {
      fs.writeFileSync(modelFile(), text);
      expect((await rejection(new FileStore(folder).load('best'))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    }
  });

  it('does not prevent the next training from replacing it', async () => {
    fs.writeFileSync(modelFile(), fs.readFileSync(modelFile()).subarray(0, 40));
    const store = storeAt(folder);
    await store.open();
    await store.save(checkpointOfStep(6), BEST);
    expect(await storedStep()).toBe(6);
    expect(listFiles()).toEqual(filesOf(partsOfStep(6)));
  });
});

describe('other files in the folder', () => {
  it('stay unchanged, even with similar names', async () => {
    const store = storeAt(folder);
    await store.open();
    const others = [
      'notes.txt',
      'weights.bin',
      'weights.0123456789abcdef.bin.bak',
      'weights.0123456789ABCDEF.bin',
      'my.weights.0123456789abcdef.bin',
      '.model.json.swp',
      '.model.json.1.tmp',
      '.entropy-checkpoint.1.tmp',
      'model.json.bak',
      'model.first.json',
      'model.best.json',
      'xmodel.last.json',
      'group1-shard1of1.bin',
    ];
    for (const name of others) fs.writeFileSync(join(folder, name), name);
    fs.mkdirSync(join(folder, 'weights.fedcba9876543210.bin'));
    fs.symlinkSync('notes.txt', join(folder, 'weights.00000000000000ff.bin'));
    fs.writeFileSync(join(folder, 'weights.fedcba9876543210.bin', 'inner'), '');
    await store.save(checkpointOfStep(1), BEST);
    await store.save(checkpointOfStep(2), BEST);
    expect(listFiles()).toEqual(
      [
        ...others,
        'weights.fedcba9876543210.bin',
        'weights.00000000000000ff.bin',
        ...filesOf(partsOfStep(2)),
      ].sort(),
    );
    for (const name of others) expect(fs.readFileSync(join(folder, name), 'utf8')).toBe(name);
  });

  it('stay unchanged if another program puts them there during a training, under names of this package', async () => {
    const store = storeAt(folder);
    await store.open();
    await store.save(checkpointOfStep(1), BEST);
    const others = [
      '.entropy-checkpoint.0123456789abcdef.tmp',
      'weights.0123456789abcdef.bin',
      'model.epoch-9.json',
      'model.last.json',
    ];
    for (const name of others) fs.writeFileSync(join(folder, name), name);
    await store.save(checkpointOfStep(2), BEST);
    await store.save(checkpointOfStep(3), BEST);
    expect(listFiles()).toEqual([...others, ...filesOf(partsOfStep(3))].sort());
    for (const name of others) expect(fs.readFileSync(join(folder, name), 'utf8')).toBe(name);
  });

  it('stay unchanged with the shards that they name, if a checkpoint is copied into the folder', async () => {
    const store = storeAt(folder);
    await store.open();
    await store.save(checkpointOfStep(1), BEST);
    fs.copyFileSync(modelFile(), join(folder, 'model.epoch-9.json'));
    await store.save(checkpointOfStep(2), BEST);
    expect(await storedStep('epoch-9')).toBe(1);
  });

  it.each([
    ['a model in a slot of the training', '{"modelTopology":{}}', 'model.json'],
    ['a file in a new slot', 'anything', 'model.last.json'],
  ])('are not overwritten during a training: %s', async (_what, text, name) => {
    const store = storeAt(folder);
    await store.open();
    await store.save(checkpointOfStep(1), BEST);
    fs.writeFileSync(join(folder, name), text);
    const error = await rejection(store.save(checkpointOfStep(2), { into: ['best', 'last'], keep: [] }));
    expect(error.code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    expect(error.message).toContain(join(folder, name));
    expect(fs.readFileSync(join(folder, name), 'utf8')).toBe(text);
    fs.rmSync(join(folder, name));
    await store.save(checkpointOfStep(3), { into: ['best', 'last'], keep: [] });
    expect(listFiles()).toEqual([...filesOf(partsOfStep(3)), 'model.last.json'].sort());
  });

  it('are removed by `open` only if a killed save has left them', async () => {
    await storeAt(folder).save(checkpointOfStep(1), { into: ['last'], keep: [] });
    const before = listFiles();
    for (const name of ['.entropy-checkpoint.0123456789abcdef.tmp', 'weights.0123456789abcdef.bin']) {
      fs.writeFileSync(join(folder, name), '');
    }
    await storeAt(folder).open();
    expect(listFiles()).toEqual(before);
  });

  it.each([
    ['a tfjs model', '{"modelTopology":{},"weightsManifest":[]}'],
    ['a tfjs model with metadata', '{"modelTopology":{},"userDefinedMetadata":{"mine":1}}'],
    ['a Keras model', '{"class_name":"Sequential","keras_version":"2.15.0"}'],
  ])('are not overwritten: %s', async (_name, text) => {
    fs.mkdirSync(folder);
    fs.writeFileSync(modelFile(), text);
    const store = storeAt(folder);
    const error = await rejection(store.open());
    expect(error.code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    expect(error.message).toContain('filepath');
    expect((await rejection(store.save(checkpointOfStep(1), BEST))).code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    expect(listFiles()).toEqual(['model.json']);
    expect(fs.readFileSync(modelFile(), 'utf8')).toBe(text);
    // The refused `open` has released the lock.
    fs.unlinkSync(modelFile());
    await storeAt(folder).open();
  });

  it('are not overwritten in another slot', async () => {
    await storeAt(folder).save(checkpointOfStep(1), BEST);
    const path = join(folder, 'model.epoch-7.json');
    fs.writeFileSync(path, '{"modelTopology":{}}');
    const error = await rejection(storeAt(folder).save(checkpointOfStep(2), BEST));
    expect(error.code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    expect(error.message).toContain(path);
    expect(fs.readFileSync(path, 'utf8')).toBe('{"modelTopology":{}}');
    expect(await storedStep()).toBe(1);
  });

  it.each(['\uFEFF{"modelTopology":{}}', '{"modelTopology":"Gr\xf6\xdfe"}'])(
    'are not overwritten in another encoding: %s',
    async (text) => {
      fs.mkdirSync(folder);
      fs.writeFileSync(modelFile(), text, text.startsWith('{') ? 'latin1' : 'utf8');
      expect((await rejection(storeAt(folder).open())).code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    },
  );

  it.each([
    ['a folder', 'model.json'],
    ['a symbolic link', 'model.json'],
    ['a folder', 'model.last.json'],
    ['a symbolic link', 'model.epoch-1.json'],
  ])('are refused by `open`: %s instead of %s', async (what, name) => {
    fs.mkdirSync(folder);
    if (what === 'a folder') fs.mkdirSync(join(folder, name));
    else fs.symlinkSync(join(root, 'elsewhere.json'), join(folder, name));
    expect((await rejection(storeAt(folder).open())).code).toBe('ENTROPY_NOT_A_CHECKPOINT');
  });
});

describe('failures', () => {
  it('reports a path that is a file from every method', async () => {
    fs.writeFileSync(folder, 'a file');
    const store = storeAt(folder);
    for (const action of [
      () => store.open(),
      () => store.save(checkpointOfStep(1), BEST),
      () => store.load('best'),
      () => store.slots(),
    ]) {
      const error = await rejection(action());
      expect(error.code).toBe('ENTROPY_STORE_FAILED');
      expect(error.message).toContain(`folder "${folder}"`);
      expect(error.cause).toMatchObject({ code: expect.stringMatching(/EEXIST|ENOTDIR/) });
    }
    expect(fs.readFileSync(folder, 'utf8')).toBe('a file');
  });

  it('reports a folder below a file', async () => {
    fs.writeFileSync(join(root, 'file'), '');
    const error = await rejection(storeAt(join(root, 'file', 'checkpoint')).open());
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.cause).toMatchObject({ code: 'ENOTDIR' });
  });

  it('reports a folder that is not writable from `open`, even to root', async () => {
    if (process.platform !== 'linux') return;
    const error = await rejection(storeAt('/proc/self').open());
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.message).toContain('filepath');
  });

  it('keeps the previous checkpoint and leaves no file when the disk is full', async () => {
    if (process.platform === 'win32') return;
    await storeAt(folder).save(checkpointOfStep(1), BEST);
    // 2 MB of weights where a file may have at most 256 KiB: short writes, then EFBIG.
    const args = [folder, '2', '200000'];
    const line = await startChild('save-once.ts', args, 'ulimit -f 512').nextLine();
    expect(line).toContain('ENTROPY_STORE_FAILED');
    expect(line).toContain('Could not write the weights');
    expect(line).toContain('EFBIG');
    expect(line).toContain('unchanged');
    expect(await storedStep()).toBe(1);
    expect(listFiles()).toEqual(filesOf(partsOfStep(1)));
    expect(await startChild('save-once.ts', args).nextLine()).toBe('saved');
  });

  it('keeps the previous checkpoint and leaves no temporary file when a shard cannot be renamed', async () => {
    const store = storeAt(folder);
    await store.save(checkpointOfStep(1), BEST);
    fs.mkdirSync(shardFile(partsOfStep(2)));
    const error = await rejection(store.save(checkpointOfStep(2), BEST));
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.cause).toMatchObject({ syscall: 'rename' });
    expect(listFiles()).toEqual([...filesOf(partsOfStep(1)), basename(shardFile(partsOfStep(2)))].sort());
    expect(await storedStep()).toBe(1);
    await store.save(checkpointOfStep(3), BEST);
    expect(await storedStep()).toBe(3);
  });

  it('leaves no temporary file when model.json cannot be renamed', async () => {
    const store = storeWithout('model.json');
    await store.open();
    const error = await rejection(store.save(checkpointOfStep(2), BEST));
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.message).toContain('Could not write model.json');
    expect(error.message).toContain('unchanged');
    expect(listFiles().filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('says that the first slot is stored when the second slot file cannot be renamed', async () => {
    const store = storeWithout('model.last.json');
    await store.save(checkpointOfStep(1), BEST);
    await store.open();
    const error = await rejection(store.save(checkpointOfStep(2), { into: ['best', 'last'], keep: [] }));
    expect(error.message).toContain('Could not write model.last.json');
    expect(error.message).toContain('is stored in model.json');
    expect(await storedStep()).toBe(2);
  });

  it('creates a folder again that was deleted during training', async () => {
    const store = storeAt(folder);
    await store.open();
    await store.save(checkpointOfStep(1), BEST);
    fs.rmSync(folder, { recursive: true });
    await store.save(checkpointOfStep(2), BEST);
    expect(await storedStep()).toBe(2);
  });

  it('runs the save queued after a failed one', async () => {
    const store = storeAt(folder);
    await store.open();
    fs.mkdirSync(shardFile(partsOfStep(1)));
    const results = await Promise.allSettled([
      store.save(checkpointOfStep(1), BEST),
      store.save(checkpointOfStep(2), BEST),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });
});

describe('the lock', () => {
  it('refuses a second store on the folder until the first is closed', async () => {
    const first = storeAt(folder);
    await first.open();
    expect((await rejection(storeAt(folder).open())).code).toBe('ENTROPY_STORE_IN_USE');
    expect((await rejection(storeAt(folder).save(checkpointOfStep(1), BEST))).code).toBe(
      'ENTROPY_STORE_IN_USE',
    );
    first.close();
    first.close();
    await storeAt(folder).open();
  });

  it('refuses to open a store twice', async () => {
    const store = storeAt(folder);
    await store.open();
    expect((await rejection(store.open())).code).toBe('ENTROPY_STORE_IN_USE');
    await store.save(checkpointOfStep(1), BEST);
  });

  it('is held only for one save without `open`', async () => {
    await storeAt(folder).save(checkpointOfStep(1), BEST);
    await storeAt(folder).open();
  });

  it('is held by a store closed during a save until the save has ended', async () => {
    const closed = storeAt(folder);
    await closed.open();
    const saving = closed.save(checkpointOfStep(1), BEST);
    closed.close();
    expect(() => FolderLock.acquire(folder)).toThrow('in use');
    await saving;
    expect(await storedStep()).toBe(1);
    FolderLock.acquire(folder).release();
  });

  it('makes the next training in the process wait for the last save of a closed store', async () => {
    const closed = storeAt(folder);
    await closed.open();
    const saving = closed.save(checkpointOfStep(1, 500_000), BEST);
    closed.close();
    const next = storeAt(folder);
    await next.open();
    await next.save(checkpointOfStep(2), BEST);
    await saving;
    expect(await storedStep()).toBe(2);
    expect(listFiles()).toEqual(filesOf(partsOfStep(2)));
  });

  it('is not needed to load', async () => {
    const store = storeAt(folder);
    await store.open();
    await store.save(checkpointOfStep(1), BEST);
    expect(await storedStep()).toBe(1);
  });
});

describe('another process', () => {
  it('never makes `load` see a partial checkpoint while it saves', async () => {
    const child = startChild('save-loop.ts', [folder, '0', '1000']);
    await child.nextLine();
    const steps = new Set<number | null>();
    while (steps.size < 20) {
      steps.add(await storedStep('best'));
      steps.add(await storedStep('last'));
      expect(steps).not.toContain(null);
    }
  });

  it('leaves intact checkpoints and no lock when it is killed during a save', async () => {
    const size = THREE_SHARDS;
    let step = 0;
    for (let kill = 0; kill < (IS_THOROUGH ? 20 : 4); kill++) {
      const child = startChild('save-loop.ts', [folder, String(step), String(size)]);
      expect(Number(await child.nextLine())).toBe(step);
      await new Promise((done) => setTimeout(done, Math.random() * 200));
      await child.kill();

      // Never older than the step that the process has reported as saved.
      const best = await storedStep('best', size);
      const last = await storedStep('last', size);
      expect(best).toBeGreaterThanOrEqual(step);
      expect(last).toBeGreaterThanOrEqual(step);

      step = Math.max(best ?? 0, last ?? 0) + 1;
      const store = storeAt(folder);
      await store.open();
      await store.save(checkpointOfStep(step, size), BEST);
      expect(listFiles()).toEqual(filesOf(partsOfStep(step, size)));
      store.close();
      step++;
    }
  });
});
