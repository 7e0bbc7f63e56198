import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import * as fs from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { EntropyCheckpointError } from '../../../src/errors.js';
import { FolderLock } from '../../../src/stores/file/file-lock.js';
import { FileStore } from '../../../src/stores/file/file-store.js';
import type { CheckpointSource, Json, SlotUpdate, CheckpointSlot } from '../../../src/stores/store.js';
import {
  bytesOf,
  checkpointOfStep,
  headOf,
  partsOfStep,
  sha256,
  sourceOf,
  stepOf,
} from '../fixtures/checkpoints.js';
import type { Parts } from '../fixtures/checkpoints.js';
import { killChildren, startChild } from '../fixtures/child.js';
import { rejection } from '../../support/errors.js';

/** A little over two shards. */
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

/** The step of what a fresh store loads, every byte compared. */
async function storedStep(slot: CheckpointSlot = 'best', sizeFloats = 1000): Promise<number | null> {
  return stepOf(await new FileStore(folder).load(slot), sizeFloats);
}

/** What a fresh store says of `slot`, which must not be empty. */
async function loadedHead(slot: CheckpointSlot = 'best') {
  const stored = await new FileStore(folder).load(slot);
  if (stored === null) throw new Error('Expected a checkpoint.');
  await stored.close();
  return stored.manifest;
}

const modelFile = () => join(folder, 'model.json');
const shardNames = (parts: Parts) => [
  ...new Set(headOf(parts).shards.map((shard) => `weights.${shard.sha256.slice(0, 16)}.bin`)),
];
const dataFile = (parts: Parts) => join(folder, shardNames(parts)[0]!);
const filesOf = (parts: Parts) => ['model.json', ...shardNames(parts)].sort();
const listing = () => fs.readdirSync(folder).sort();

describe('saving and loading', () => {
  test('a checkpoint comes back as it was saved', async () => {
    const parts = partsOfStep(7);
    await storeAt(folder).save(sourceOf(parts), BEST);
    const stored = await new FileStore(folder).load('best');
    expect(stored?.manifest).toEqual(headOf(parts));
    expect(await bytesOf(stored!)).toEqual(parts.weightData);
    await stored?.close();
  });

  test('several shards come back', async () => {
    await storeAt(folder).save(checkpointOfStep(7, THREE_SHARDS), BEST);
    expect(listing()).toEqual(filesOf(partsOfStep(7, THREE_SHARDS)));
    expect(listing()).toHaveLength(4);
    expect(await storedStep('best', THREE_SHARDS)).toBe(7);
  });

  test('any part of the weights can be read, also across shards', async () => {
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

  test('a model without weights comes back', async () => {
    const parts = { ...partsOfStep(7), weightSpecs: [], weightData: new Uint8Array() };
    await storeAt(folder).save(sourceOf(parts), BEST);
    expect(listing()).toEqual(['model.json']);
    expect(await loadedHead()).toEqual(headOf(parts));
  });

  test('shards of the same content are one file', async () => {
    const weightData = new Uint8Array(2 ** 24);
    const weightSpecs = [{ name: 'w', shape: [2 ** 22], dtype: 'float32' as const }];
    const parts = { ...partsOfStep(7), weightSpecs, weightData };
    await storeAt(folder).save(sourceOf(parts), BEST);
    expect(listing()).toHaveLength(2);
    const stored = await new FileStore(folder).load('best');
    expect(stored?.manifest.shards).toHaveLength(2);
    expect(Buffer.from(await bytesOf(stored!)).equals(weightData)).toBe(true);
    await stored?.close();
  });

  test('the folder holds model.json and the shards that it names, and nothing else', async () => {
    const store = storeAt(folder);
    await store.open();
    for (const step of [1, 2, 3]) {
      await store.save(checkpointOfStep(step), BEST);
      expect(listing()).toEqual(filesOf(partsOfStep(step)));
    }
    const parts = partsOfStep(3);
    expect(JSON.parse(fs.readFileSync(modelFile(), 'utf8'))).toMatchObject({
      format: 'layers-model',
      convertedBy: null,
      weightsManifest: [{ paths: shardNames(parts), weights: parts.weightSpecs }],
    });
    expect(sha256([fs.readFileSync(dataFile(parts))])).toBe(headOf(parts).shards[0]?.sha256);
  });

  test('saving the same weights twice keeps their file', async () => {
    const store = storeAt(folder);
    await store.save(checkpointOfStep(1), BEST);
    await store.save(checkpointOfStep(1), BEST);
    expect(await storedStep()).toBe(1);
  });

  test('a damaged shard of the same name is replaced, not trusted', async () => {
    fs.mkdirSync(folder);
    fs.writeFileSync(dataFile(partsOfStep(1)), new Uint8Array(12_003));
    const store = storeAt(folder);
    await store.save(checkpointOfStep(1), BEST);
    fs.writeFileSync(dataFile(partsOfStep(1)), new Uint8Array(12_003));
    await store.save(checkpointOfStep(1), BEST);
    expect(await storedStep()).toBe(1);
  });

  test('where nothing is stored null is loaded', async () => {
    expect(await new FileStore(folder).load('best')).toBeNull();
    expect(await new FileStore(folder).slots()).toEqual([]);
    fs.mkdirSync(folder);
    expect(await new FileStore(folder).load('best')).toBeNull();
    expect(await new FileStore(folder).slots()).toEqual([]);
  });

  test('a relative path stays the same folder when the current directory changes', async () => {
    const before = process.cwd();
    process.chdir(root);
    const store = storeAt('checkpoint');
    process.chdir(before);
    await store.save(checkpointOfStep(1), BEST);
    expect(listing()).toEqual(filesOf(partsOfStep(1)));
    expect(store.name).toBe('folder "checkpoint"');
  });

  test('saves that are not awaited are written one after the other', async () => {
    const store = storeAt(folder);
    await Promise.all([1, 2, 3, 4].map((step) => store.save(checkpointOfStep(step), BEST)));
    expect(await storedStep()).toBe(4);
    expect(listing()).toEqual(filesOf(partsOfStep(4)));
  });

  test('what could not be loaded again is refused, the previous checkpoint stays and nothing else', async () => {
    const store = storeAt(folder);
    await store.save(checkpointOfStep(1), BEST);
    const manifest = headOf(partsOfStep(2));
    const own = manifest.metadata['entropyCheckpoint'] as Record<string, Json>;
    let deep: Json = {};
    for (let i = 0; i < 20_000; i++) deep = [deep];
    const bad = [
      { metadata: {} },
      { metadata: { entropyCheckpoint: { ...own, shards: [] } } },
      {
        metadata: { entropyCheckpoint: { ...own, shards: [{ sizeBytes: 12_003, sha256: '0'.repeat(64) }] } },
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
      expect(listing()).toEqual(filesOf(partsOfStep(1)));
    }
  });

  test('a source that fails leaves the previous checkpoint and no file', async () => {
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
      expect(listing()).toEqual(filesOf(partsOfStep(1, THREE_SHARDS)));
    }
    expect(await storedStep('best', THREE_SHARDS)).toBe(1);
  });

  test('four buffers of at most one shard each are all that is asked for', async () => {
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
  test('each has a file, and all name the same shards', async () => {
    const into: CheckpointSlot[] = ['best', 'last', 'epoch-3', 'fit-2-epoch-3'];
    await storeAt(folder).save(checkpointOfStep(1), { into, keep: [] });
    expect(listing()).toEqual(
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

  test('those that are kept stay as they are with their shards, the others are emptied', async () => {
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
    expect(listing()).toEqual(filesOf(partsOfStep(4)));
  });

  test('are listed whole or damaged, but only where they are regular files', async () => {
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

  test('while one that is kept is damaged no shard is removed, as nobody knows what it names', async () => {
    const store = storeAt(folder);
    await store.save(checkpointOfStep(1), { into: ['epoch-1'], keep: [] });
    const intact = fs.readFileSync(join(folder, 'model.epoch-1.json'));
    fs.writeFileSync(join(folder, 'model.epoch-1.json'), intact.subarray(1));
    fs.writeFileSync(join(folder, '.entropy-checkpoint.0123456789abcdef.tmp'), '');
    await store.save(checkpointOfStep(2), { into: ['best'], keep: ['epoch-1'] });
    fs.writeFileSync(join(folder, 'model.epoch-1.json'), intact);
    expect(await storedStep('epoch-1')).toBe(1);
    expect(listing().filter((name) => name.endsWith('.tmp'))).toEqual([]);
    await store.save(checkpointOfStep(3), BEST);
    expect(listing()).toEqual(filesOf(partsOfStep(3)));
  });
});

describe('what has been loaded', () => {
  test('stays readable when the checkpoint is replaced, until it is closed', async () => {
    const store = storeAt(folder);
    await store.save(checkpointOfStep(1, THREE_SHARDS), BEST);
    const stored = await store.load('best');
    await store.save(checkpointOfStep(20, THREE_SHARDS), BEST);
    expect(await stepOf(stored, THREE_SHARDS)).toBe(1);
    await stored?.close();
    await expect(stored?.read(0, new Uint8Array(1))).rejects.toMatchObject({ code: 'ENTROPY_STORE_FAILED' });
  });

  test('names its shards by their files', async () => {
    const parts = partsOfStep(1, THREE_SHARDS);
    await storeAt(folder).save(sourceOf(parts), BEST);
    const stored = await new FileStore(folder).load('best');
    const names = stored?.manifest.shards.map((_, i) => basename(stored.shardName(i)));
    expect(names).toEqual(shardNames(parts));
    expect(stored?.shardName(0)).toBe(dataFile(parts));
    await stored?.close();
  });

  test('a file that is cut short afterwards is corrupt and named', async () => {
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

  test('leaves no file open, and neither does a load that fails', async () => {
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

describe('as tfjs reads it', () => {
  test.each([
    ['model.json', 2],
    ['model.last.json, of several shards', 1_100_000],
  ])('tf.loadLayersModel loads the model over http: %s', async (file, inputs) => {
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

/** `fetch` outside of Jest's realm makes arrays that are no `Array` to the tfjs inside of it. */
async function fetchIntoThisRealm(url: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  return Object.assign(response, { json: async () => JSON.parse(await response.text()) as unknown });
}

/** The model as a checkpoint, with an optimizer slot among its weights. */
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

describe('damage', () => {
  const saved = partsOfStep(5, 4);

  beforeEach(async () => {
    await storeAt(folder).save(sourceOf(saved), BEST);
  });

  test('every flipped bit pattern of every byte of model.json is noticed, or shows in what is loaded', async () => {
    const original = fs.readFileSync(modelFile());
    let refused = 0;
    for (let i = 0; i < original.length; i++) {
      // One bit of a digit or a letter; the case of a letter; the bit that makes it invalid UTF-8.
      for (const bit of [0x01, 0x20, 0x80]) {
        const damaged = Buffer.from(original);
        damaged.writeUInt8(original.readUInt8(i) ^ bit, i);
        fs.writeFileSync(modelFile(), damaged);
        try {
          // The store cannot know that a value is another; whoever reads the contents compares their checksum.
          expect(await loadedHead()).not.toEqual(headOf(saved));
        } catch (error) {
          if (!(error instanceof EntropyCheckpointError)) throw error;
          expect(['ENTROPY_CORRUPT_CHECKPOINT', 'ENTROPY_NOT_A_CHECKPOINT']).toContain(error.code);
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(original.length * 1.5);
  });

  test('every inserted or missing byte of model.json is noticed, or shows in what is loaded', async () => {
    const original = fs.readFileSync(modelFile());
    for (let i = 0; i < original.length; i++) {
      for (const insert of [' ', '']) {
        const rest = original.subarray(insert === '' ? i + 1 : i);
        fs.writeFileSync(modelFile(), Buffer.concat([original.subarray(0, i), Buffer.from(insert), rest]));
        expect(await loadedHead().catch(() => null)).not.toEqual(headOf(saved));
      }
    }
  });

  test('model.json cut short anywhere is corrupt', async () => {
    const original = fs.readFileSync(modelFile());
    for (let length = 0; length < original.length; length++) {
      fs.writeFileSync(modelFile(), original.subarray(0, length));
      const error = await rejection(new FileStore(folder).load('best'));
      expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
      expect(error.message).toContain(modelFile());
    }
  });

  test.each([
    ['one byte less', -1],
    ['empty', -51],
    ['one byte more', 1],
  ])('data of another size is named with both sizes: %s', async (_name, difference) => {
    const original = fs.readFileSync(dataFile(saved));
    expect(original.length).toBe(51);
    fs.writeFileSync(dataFile(saved), Buffer.concat([original, Buffer.of(5)]).subarray(0, 51 + difference));
    const error = await rejection(new FileStore(folder).load('best'));
    expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    expect(error.message).toContain(`expected 51 bytes, got ${51 + difference}`);
  });

  test('missing data is corrupt and names the file', async () => {
    fs.unlinkSync(dataFile(saved));
    const error = await rejection(new FileStore(folder).load('best'));
    expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    expect(error.message).toContain(dataFile(saved));
    expect(error.message).toContain('no such file');
  });

  test.each([
    ['terabytes', [1e6, 1e6], 'float32'],
    ['more than a number can count', [2 ** 40, 2 ** 40], 'float32'],
    ['another size than the shards', [3, 2], 'float32'],
    ['a negative dimension', [-4], 'float32'],
    ['a fraction', [0.5], 'float32'],
    ['a string for a shape', '4', 'float32'],
    ['an unknown dtype', [4], 'float64'],
  ])('specs that ask for %s are refused', async (_name, shape, dtype) => {
    const written = JSON.parse(fs.readFileSync(modelFile(), 'utf8')) as {
      weightsManifest: [{ weights: unknown[] }];
    };
    written.weightsManifest[0].weights[0] = { name: 'w0', shape, dtype };
    fs.writeFileSync(modelFile(), JSON.stringify(written));
    expect((await rejection(new FileStore(folder).load('best'))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  test.each([
    ['none', undefined],
    ['no list', {}],
    ['null', [null]],
    ['one of no bytes', [{ sizeBytes: 0, sha256: '0'.repeat(64) }]],
    ['one larger than any', [{ sizeBytes: 2 ** 23 + 1, sha256: '0'.repeat(64) }]],
    ['one of a fraction', [{ sizeBytes: 50.5, sha256: '0'.repeat(64) }]],
    ['another checksum', [{ sizeBytes: 51, sha256: '0'.repeat(64) }]],
    ['too few bytes', [{ sizeBytes: 50, sha256: headOf(saved).shards[0]?.sha256 }]],
    ['one too many', [...headOf(saved).shards, ...headOf(saved).shards]],
  ])('a list of shards that has %s is refused', async (_name, shards) => {
    const written = JSON.parse(fs.readFileSync(modelFile(), 'utf8')) as {
      userDefinedMetadata: { entropyCheckpoint: { shards: unknown } };
    };
    written.userDefinedMetadata.entropyCheckpoint.shards = shards;
    fs.writeFileSync(modelFile(), JSON.stringify(written));
    expect((await rejection(new FileStore(folder).load('best'))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  test.each([
    ['the topology', '"layers":[]', '"layers":[{"a":[{"__proto__":{"b":1}}]}]'],
    ['the metadata', '"entropyCheckpoint":{', '"__proto__":{},"entropyCheckpoint":{'],
    ['the record', '"entropyCheckpoint":{', '"entropyCheckpoint":{"__proto__":{},'],
  ])('a key __proto__ in %s is refused', async (_name, text, replacement) => {
    const before = fs.readFileSync(modelFile(), 'utf8');
    fs.writeFileSync(modelFile(), before.replace(text, replacement));
    const error = await rejection(new FileStore(folder).load('best'));
    expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    expect(error.message).toContain('__proto__');
  });

  test('a checksum that is a path opens no other file', async () => {
    fs.copyFileSync(dataFile(saved), join(root, 'bin'));
    const { sha256: checksum = '' } = headOf(saved).shards[0] ?? {};
    const text = fs.readFileSync(modelFile(), 'utf8');
    for (const other of [`/../../bin${'0'.repeat(54)}`, '../bin', checksum.toUpperCase()]) {
      const name = `weights.${other.slice(0, 16)}.bin`;
      const damaged = text.replaceAll(checksum, other).replaceAll(shardNames(saved)[0]!, name);
      fs.writeFileSync(modelFile(), damaged);
      expect((await rejection(new FileStore(folder).load('best'))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    }
  });

  test('a path in the manifest is not followed', async () => {
    const text = fs.readFileSync(modelFile(), 'utf8');
    fs.copyFileSync(dataFile(saved), join(root, 'elsewhere.bin'));
    fs.writeFileSync(modelFile(), text.replace(shardNames(saved)[0]!, '../elsewhere.bin'));
    expect((await rejection(new FileStore(folder).load('best'))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  test.each(['model.json', 'data'])('a symbolic link in the place of %s is refused', async (which) => {
    const path = which === 'data' ? dataFile(saved) : modelFile();
    fs.renameSync(path, join(root, 'moved'));
    fs.symlinkSync(join(root, 'moved'), path);
    const error = await rejection(new FileStore(folder).load('best'));
    expect(error.code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    expect(error.message).toContain(path);
  });

  test.each([1001, 5000, 20_000, 200_000, 2_000_000])('JSON nested %d deep is corrupt', async (depth) => {
    const text = fs.readFileSync(modelFile(), 'utf8');
    const deep = '['.repeat(depth) + ']'.repeat(depth);
    fs.writeFileSync(modelFile(), text.replace('"layers":[]', `"layers":${deep}`));
    expect((await rejection(new FileStore(folder).load('best'))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  test('a model of somebody else is told apart from a damaged one', async () => {
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

  test('a damaged checkpoint is replaced by the next training', async () => {
    fs.writeFileSync(modelFile(), fs.readFileSync(modelFile()).subarray(0, 40));
    const store = storeAt(folder);
    await store.open();
    await store.save(checkpointOfStep(6), BEST);
    expect(await storedStep()).toBe(6);
    expect(listing()).toEqual(filesOf(partsOfStep(6)));
  });
});

describe('what is not ours', () => {
  test('files of others stay as they are, whatever they are called', async () => {
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
    expect(listing()).toEqual(
      [
        ...others,
        'weights.fedcba9876543210.bin',
        'weights.00000000000000ff.bin',
        ...filesOf(partsOfStep(2)),
      ].sort(),
    );
    for (const name of others) expect(fs.readFileSync(join(folder, name), 'utf8')).toBe(name);
  });

  test('what a killed save left is removed by the next open, what a slot names stays', async () => {
    await storeAt(folder).save(checkpointOfStep(1), { into: ['last'], keep: [] });
    const before = listing();
    for (const name of ['.entropy-checkpoint.0123456789abcdef.tmp', 'weights.0123456789abcdef.bin']) {
      fs.writeFileSync(join(folder, name), '');
    }
    await storeAt(folder).open();
    expect(listing()).toEqual(before);
  });

  test.each([
    ['a tfjs model', '{"modelTopology":{},"weightsManifest":[]}'],
    ['a tfjs model with metadata', '{"modelTopology":{},"userDefinedMetadata":{"mine":1}}'],
    ['a Keras model', '{"class_name":"Sequential","keras_version":"2.15.0"}'],
  ])('%s is not overwritten', async (_name, text) => {
    fs.mkdirSync(folder);
    fs.writeFileSync(modelFile(), text);
    const store = storeAt(folder);
    const error = await rejection(store.open());
    expect(error.code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    expect(error.message).toContain('filepath');
    expect((await rejection(store.save(checkpointOfStep(1), BEST))).code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    expect(listing()).toEqual(['model.json']);
    expect(fs.readFileSync(modelFile(), 'utf8')).toBe(text);
    // The refusal has given the claim back.
    fs.unlinkSync(modelFile());
    await storeAt(folder).open();
  });

  test('a model in the place of another slot is not overwritten', async () => {
    await storeAt(folder).save(checkpointOfStep(1), BEST);
    const path = join(folder, 'model.epoch-7.json');
    fs.writeFileSync(path, '{"modelTopology":{}}');
    const error = await rejection(storeAt(folder).save(checkpointOfStep(2), BEST));
    expect(error.code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    expect(error.message).toContain(path);
    expect(fs.readFileSync(path, 'utf8')).toBe('{"modelTopology":{}}');
    expect(await storedStep()).toBe(1);
  });

  test.each(['\uFEFF{"modelTopology":{}}', '{"modelTopology":"Gr\xf6\xdfe"}'])(
    'a model in another encoding is not overwritten either: %s',
    async (text) => {
      fs.mkdirSync(folder);
      fs.writeFileSync(modelFile(), text, text.startsWith('{') ? 'latin1' : 'utf8');
      expect((await rejection(storeAt(folder).open())).code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    },
  );

  test.each([
    ['a folder', 'model.json'],
    ['a symbolic link', 'model.json'],
    ['a folder', 'model.last.json'],
    ['a symbolic link', 'model.epoch-1.json'],
  ])('%s in the place of %s is refused at once', async (what, name) => {
    fs.mkdirSync(folder);
    if (what === 'a folder') fs.mkdirSync(join(folder, name));
    else fs.symlinkSync(join(root, 'elsewhere.json'), join(folder, name));
    expect((await rejection(storeAt(folder).open())).code).toBe('ENTROPY_NOT_A_CHECKPOINT');
  });
});

describe('failures', () => {
  test('a path that is a file is reported by every method', async () => {
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

  test('a folder below a file is reported', async () => {
    fs.writeFileSync(join(root, 'file'), '');
    const error = await rejection(storeAt(join(root, 'file', 'checkpoint')).open());
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.cause).toMatchObject({ code: 'ENOTDIR' });
  });

  test('a folder that exists and cannot be written is reported by open, also to root', async () => {
    if (process.platform !== 'linux') return;
    const error = await rejection(storeAt('/proc/self').open());
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.message).toContain('filepath');
  });

  test('a disk that takes only part of the data: the previous checkpoint stays, no file is left', async () => {
    if (process.platform === 'win32') return;
    await storeAt(folder).save(checkpointOfStep(1), BEST);
    // 2 MB of weights where files may have 256 KiB at most: short writes, then EFBIG.
    const args = [folder, '2', '200000'];
    const line = await startChild('save-once.ts', args, 'ulimit -f 512').nextLine();
    expect(line).toContain('ENTROPY_STORE_FAILED');
    expect(line).toContain('Could not write the weights');
    expect(line).toContain('EFBIG');
    expect(line).toContain('unchanged');
    expect(await storedStep()).toBe(1);
    expect(listing()).toEqual(filesOf(partsOfStep(1)));
    expect(await startChild('save-once.ts', args).nextLine()).toBe('saved');
  });

  test('a data file that cannot take its name: the previous checkpoint stays, no temporary file is left', async () => {
    const store = storeAt(folder);
    await store.save(checkpointOfStep(1), BEST);
    fs.mkdirSync(dataFile(partsOfStep(2)));
    const error = await rejection(store.save(checkpointOfStep(2), BEST));
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.cause).toMatchObject({ syscall: 'rename' });
    expect(listing()).toEqual([...filesOf(partsOfStep(1)), basename(dataFile(partsOfStep(2)))].sort());
    expect(await storedStep()).toBe(1);
    await store.save(checkpointOfStep(3), BEST);
    expect(await storedStep()).toBe(3);
  });

  test('a model.json that cannot take its name: no temporary file and no shard is left', async () => {
    const store = storeAt(folder);
    await store.open();
    fs.mkdirSync(modelFile());
    const error = await rejection(store.save(checkpointOfStep(2), BEST));
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.message).toContain('Could not write model.json');
    expect(error.message).toContain('unchanged');
    expect(listing().filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('a second slot that cannot take its name: the message says what the first holds', async () => {
    const store = storeAt(folder);
    await store.save(checkpointOfStep(1), { into: ['best', 'last'], keep: [] });
    await store.open();
    fs.rmSync(join(folder, 'model.last.json'));
    fs.mkdirSync(join(folder, 'model.last.json'));
    const error = await rejection(store.save(checkpointOfStep(2), { into: ['best', 'last'], keep: [] }));
    expect(error.message).toContain('Could not write model.last.json');
    expect(error.message).toContain('in place in model.json');
    expect(await storedStep()).toBe(2);
  });

  test('a folder that vanishes during training is made again by the next save', async () => {
    const store = storeAt(folder);
    await store.open();
    await store.save(checkpointOfStep(1), BEST);
    fs.rmSync(folder, { recursive: true });
    await store.save(checkpointOfStep(2), BEST);
    expect(await storedStep()).toBe(2);
  });

  test('a save that fails does not stand in the way of the one that waits behind it', async () => {
    const store = storeAt(folder);
    await store.open();
    fs.mkdirSync(dataFile(partsOfStep(1)));
    const results = await Promise.allSettled([
      store.save(checkpointOfStep(1), BEST),
      store.save(checkpointOfStep(2), BEST),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });
});

describe('one training per folder', () => {
  test('a second store on the folder is refused until the first is closed', async () => {
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

  test('one store cannot be opened twice', async () => {
    const store = storeAt(folder);
    await store.open();
    expect((await rejection(store.open())).code).toBe('ENTROPY_STORE_IN_USE');
    await store.save(checkpointOfStep(1), BEST);
  });

  test('saving without open claims the folder for that save only', async () => {
    await storeAt(folder).save(checkpointOfStep(1), BEST);
    await storeAt(folder).open();
  });

  test('a store that is closed during a save holds the folder until that has ended', async () => {
    const closed = storeAt(folder);
    await closed.open();
    const saving = closed.save(checkpointOfStep(1), BEST);
    closed.close();
    expect(() => FolderLock.acquire(folder)).toThrow('in use');
    await saving;
    expect(await storedStep()).toBe(1);
    FolderLock.acquire(folder).release();
  });

  test('the next training in the process waits for a save that a closed store has begun', async () => {
    const closed = storeAt(folder);
    await closed.open();
    const saving = closed.save(checkpointOfStep(1, 500_000), BEST);
    closed.close();
    const next = storeAt(folder);
    await next.open();
    await next.save(checkpointOfStep(2), BEST);
    await saving;
    expect(await storedStep()).toBe(2);
    expect(listing()).toEqual(filesOf(partsOfStep(2)));
  });

  test('loading needs no claim', async () => {
    const store = storeAt(folder);
    await store.open();
    await store.save(checkpointOfStep(1), BEST);
    expect(await storedStep()).toBe(1);
  });
});

describe('other processes', () => {
  test('a load during the saves of another process always gives a whole checkpoint', async () => {
    const child = startChild('save-loop.ts', [folder, '0', '1000']);
    await child.nextLine();
    const steps = new Set<number | null>();
    const end = Date.now() + 3000;
    while (Date.now() < end) {
      steps.add(await storedStep('best'));
      steps.add(await storedStep('last'));
    }
    expect(steps).not.toContain(null);
    expect(steps.size).toBeGreaterThan(10);
  });

  test('a process killed at any moment of its saves leaves whole checkpoints and a free folder', async () => {
    const size = THREE_SHARDS;
    let unfinished = 0;
    let step = 0;
    for (let kill = 0; kill < 20; kill++) {
      const child = startChild('save-loop.ts', [folder, String(step), String(size)]);
      expect(Number(await child.nextLine())).toBe(step);
      await new Promise((done) => setTimeout(done, Math.random() * 200));
      await child.kill();

      if (listing().length !== 5) unfinished++;
      // Never older than what was announced as saved.
      const best = await storedStep('best', size);
      const last = await storedStep('last', size);
      expect(best).toBeGreaterThanOrEqual(step);
      expect(last).toBeGreaterThanOrEqual(step);

      step = Math.max(best ?? 0, last ?? 0) + 1;
      const store = storeAt(folder);
      await store.open();
      await store.save(checkpointOfStep(step, size), BEST);
      expect(listing()).toEqual(filesOf(partsOfStep(step, size)));
      store.close();
      step++;
    }
    // Otherwise the moments were not those that this test is about.
    expect(unfinished).toBeGreaterThan(0);
  }, 120_000);
});
