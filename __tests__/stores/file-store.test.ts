import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import * as fs from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { EntropyCheckpointError } from '../../src/errors.js';
import { FolderLock } from '../../src/stores/file-lock.js';
import { FileStore } from '../../src/stores/file-store.js';
import type { StoredCheckpoint } from '../../src/stores/store.js';
import { checkpointOfStep, sha256, stepOf } from './fixtures/checkpoints.js';
import { killChildren, startChild } from './fixtures/child.js';
import { rejection } from '../support/errors.js';

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

const modelFile = () => join(folder, 'model.json');
const dataName = (checkpoint: StoredCheckpoint) => `weights.${checkpoint.weightChecksum.slice(0, 16)}.bin`;
const dataFile = (checkpoint: StoredCheckpoint) => join(folder, dataName(checkpoint));
const filesOf = (checkpoint: StoredCheckpoint) => ['model.json', dataName(checkpoint)];
const listing = () => fs.readdirSync(folder).sort();

describe('saving and loading', () => {
  test('a checkpoint comes back as it was saved', async () => {
    const checkpoint = checkpointOfStep(7);
    await storeAt(folder).save(checkpoint);
    const loaded = await new FileStore(folder).load();
    expect(loaded).toEqual(checkpoint);
  });

  test('each weight has a buffer of its own, so that float views are aligned', async () => {
    await storeAt(folder).save(checkpointOfStep(7));
    const loaded = await new FileStore(folder).load();
    expect(loaded?.weightData).toHaveLength(4);
    for (const data of loaded?.weightData ?? []) {
      expect(data.byteOffset).toBe(0);
      expect(data.buffer.byteLength).toBe(data.byteLength);
    }
  });

  test('weights that are views into a larger buffer are saved as what they show', async () => {
    const checkpoint = checkpointOfStep(7);
    const weightData = checkpoint.weightData.map((data) => {
      const larger = new Uint8Array(data.length + 20).fill(99);
      larger.set(data, 13);
      return larger.subarray(13, 13 + data.length);
    });
    await storeAt(folder).save({ ...checkpoint, weightData });
    expect(await new FileStore(folder).load()).toEqual(checkpoint);
  });

  test('a weight larger than one read comes back', async () => {
    const checkpoint = checkpointOfStep(7, 2_500_000);
    await storeAt(folder).save(checkpoint);
    const loaded = await new FileStore(folder).load();
    expect(loaded === null ? null : stepOf(loaded, 2_500_000)).toBe(7);
  });

  test('the folder holds model.json and the data that it names, and nothing else', async () => {
    const store = storeAt(folder);
    await store.open();
    for (const step of [1, 2, 3]) {
      await store.save(checkpointOfStep(step));
      expect(listing()).toEqual(filesOf(checkpointOfStep(step)));
    }
    const written = JSON.parse(fs.readFileSync(modelFile(), 'utf8')) as unknown;
    expect(written).toMatchObject({
      format: 'layers-model',
      convertedBy: null,
      weightsManifest: [{ paths: [dataName(checkpointOfStep(3))] }],
    });
    expect(sha256([fs.readFileSync(dataFile(checkpointOfStep(3)))])).toBe(checkpointOfStep(3).weightChecksum);
  });

  test('saving the same weights twice keeps their file', async () => {
    const store = storeAt(folder);
    await store.save(checkpointOfStep(1));
    await store.save(checkpointOfStep(1));
    expect(await store.load()).toEqual(checkpointOfStep(1));
  });

  test('a damaged data file of the same name is replaced, not trusted', async () => {
    const checkpoint = checkpointOfStep(1);
    fs.mkdirSync(folder);
    fs.writeFileSync(dataFile(checkpoint), new Uint8Array(12_003));
    await storeAt(folder).save(checkpoint);
    expect(await new FileStore(folder).load()).toEqual(checkpoint);
  });

  test('where nothing is stored null is loaded', async () => {
    expect(await new FileStore(folder).load()).toBeNull();
    fs.mkdirSync(folder);
    expect(await new FileStore(folder).load()).toBeNull();
  });

  test('a relative path stays the same folder when the current directory changes', async () => {
    const before = process.cwd();
    process.chdir(root);
    const store = storeAt('checkpoint');
    process.chdir(before);
    await store.save(checkpointOfStep(1));
    expect(listing()).toEqual(filesOf(checkpointOfStep(1)));
    expect(store.name).toBe('folder "checkpoint"');
  });

  test('saves that are not awaited are written one after the other', async () => {
    const store = storeAt(folder);
    await Promise.all([1, 2, 3, 4].map((step) => store.save(checkpointOfStep(step))));
    expect(await store.load()).toEqual(checkpointOfStep(4));
    expect(listing()).toEqual(filesOf(checkpointOfStep(4)));
  });

  test('what could not be loaded again is refused, and the previous checkpoint stays', async () => {
    const store = storeAt(folder);
    const good = checkpointOfStep(1);
    await store.save(good);
    const bad: StoredCheckpoint[] = [
      { ...checkpointOfStep(2), weightData: checkpointOfStep(2).weightData.slice(1) },
      { ...checkpointOfStep(2), weightChecksum: '0'.repeat(64) },
      { ...checkpointOfStep(2), metadata: {} },
      { ...checkpointOfStep(2), weightSpecs: [{ name: 'w', shape: [-1], dtype: 'float32' }] },
      { ...checkpointOfStep(2), weightSpecs: [{ name: 'w', shape: [1], dtype: 'string' }] },
    ];
    for (const checkpoint of bad) {
      expect(await rejection(store.save(checkpoint))).toMatchObject({ code: 'ENTROPY_STORE_FAILED' });
      expect(await store.load()).toEqual(good);
    }
  });
});

describe('as tfjs reads it', () => {
  test('tf.loadLayersModel loads the model over http', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [2] })] });
    await storeAt(folder).save(await artifactOf(model));
    const server = createServer((request, response) => {
      response.end(fs.readFileSync(join(folder, basename(request.url ?? ''))));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    try {
      const { port } = server.address() as AddressInfo;
      const url = `http://127.0.0.1:${port}/model.json`;
      const loaded = await tf.loadLayersModel(tf.io.http(url, { fetchFunc: fetchIntoThisRealm }));
      const expected = await Promise.all(model.getWeights().map((weight) => weight.data()));
      expect(await Promise.all(loaded.getWeights().map((weight) => weight.data()))).toEqual(expected);
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
async function artifactOf(model: tf.LayersModel): Promise<StoredCheckpoint> {
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
  const weightData = [...values, new Float32Array([1, 2])].map(
    (value) => new Uint8Array(value.buffer, value.byteOffset, value.byteLength),
  );
  const weightChecksum = sha256(weightData);
  return {
    modelTopology: JSON.parse(JSON.stringify(model.toJSON(null, false))) as StoredCheckpoint['modelTopology'],
    weightSpecs,
    weightData,
    weightChecksum,
    generatedBy: 'test',
    metadata: { entropyCheckpoint: { weightChecksum } },
  };
}

describe('damage', () => {
  const saved = checkpointOfStep(5, 4);

  beforeEach(async () => {
    await storeAt(folder).save(saved);
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
          const loaded = await new FileStore(folder).load();
          // The store cannot know that a value is another; whoever reads the contents compares their checksum.
          expect(loaded).not.toEqual(saved);
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
        const loaded = await new FileStore(folder).load().catch(() => null);
        expect(loaded).not.toEqual(saved);
      }
    }
  });

  test('model.json cut short anywhere is corrupt', async () => {
    const original = fs.readFileSync(modelFile());
    for (let length = 0; length < original.length; length++) {
      fs.writeFileSync(modelFile(), original.subarray(0, length));
      const error = await rejection(new FileStore(folder).load());
      expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
      expect(error.message).toContain(modelFile());
    }
  });

  test('every flipped byte of the data is noticed', async () => {
    const original = fs.readFileSync(dataFile(saved));
    for (let i = 0; i < original.length; i++) {
      const damaged = Buffer.from(original);
      damaged.writeUInt8(original.readUInt8(i) ^ (1 << (i % 8)), i);
      fs.writeFileSync(dataFile(saved), damaged);
      const error = await rejection(new FileStore(folder).load());
      expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
      expect(error.message).toContain(dataFile(saved));
      expect(error.message).toContain('sha256');
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
    const error = await rejection(new FileStore(folder).load());
    expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    expect(error.message).toContain(`expected 51 bytes, got ${51 + difference}`);
  });

  test('missing data is corrupt and names the file', async () => {
    fs.unlinkSync(dataFile(saved));
    const error = await rejection(new FileStore(folder).load());
    expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    expect(error.message).toContain(dataFile(saved));
    expect(error.message).toContain('got no file');
  });

  test.each([
    ['terabytes', [1e6, 1e6], 'float32'],
    ['more than a number can count', [2 ** 40, 2 ** 40], 'float32'],
    ['a negative dimension', [-4], 'float32'],
    ['a fraction', [0.5], 'float32'],
    ['a string for a shape', '4', 'float32'],
    ['an unknown dtype', [4], 'float64'],
  ])('specs that ask for %s take no memory', async (_name, shape, dtype) => {
    const written = JSON.parse(fs.readFileSync(modelFile(), 'utf8')) as {
      weightsManifest: [{ weights: unknown[] }];
    };
    written.weightsManifest[0].weights[0] = { name: 'w0', shape, dtype };
    fs.writeFileSync(modelFile(), JSON.stringify(written));
    expect((await rejection(new FileStore(folder).load())).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  test('a checksum that is a path opens no other file', async () => {
    const elsewhere = join(root, 'bin');
    fs.copyFileSync(dataFile(saved), elsewhere);
    for (const checksum of [`/../../bin${'0'.repeat(54)}`, '../bin', saved.weightChecksum.toUpperCase()]) {
      const text = JSON.stringify(JSON.parse(fs.readFileSync(modelFile(), 'utf8')));
      fs.writeFileSync(modelFile(), text.replaceAll(saved.weightChecksum, checksum));
      const error = await rejection(new FileStore(folder).load());
      expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
      fs.writeFileSync(modelFile(), text);
    }
  });

  test('a path in the manifest is not followed', async () => {
    const text = fs.readFileSync(modelFile(), 'utf8');
    fs.copyFileSync(dataFile(saved), join(root, 'elsewhere.bin'));
    fs.writeFileSync(modelFile(), text.replace(dataName(saved), '../elsewhere.bin'));
    expect((await rejection(new FileStore(folder).load())).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  test.each(['model.json', 'data'])('a symbolic link in the place of %s is refused', async (which) => {
    const path = which === 'data' ? dataFile(saved) : modelFile();
    fs.renameSync(path, join(root, 'moved'));
    fs.symlinkSync(join(root, 'moved'), path);
    const error = await rejection(new FileStore(folder).load());
    expect(error.code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    expect(error.message).toContain(path);
  });

  test('JSON nested deeper than the stack is corrupt', async () => {
    const text = fs.readFileSync(modelFile(), 'utf8');
    const deep = '['.repeat(200_000) + ']'.repeat(200_000);
    fs.writeFileSync(modelFile(), text.replace('"layers":[]', `"layers":${deep}`));
    expect((await rejection(new FileStore(folder).load())).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  test('a model of somebody else is told apart from a damaged one', async () => {
    for (const text of ['{"modelTopology":{},"userDefinedMetadata":{"mine":1}}', '{}', '{"a":[]}']) {
      fs.writeFileSync(modelFile(), text);
      const error = await rejection(new FileStore(folder).load());
      expect(error.code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    }
    for (const text of ['', '[]', 'null', '"text"', '{"modelTopology":']) {
      fs.writeFileSync(modelFile(), text);
      expect((await rejection(new FileStore(folder).load())).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    }
  });

  test('a damaged checkpoint is replaced by the next training', async () => {
    fs.writeFileSync(modelFile(), fs.readFileSync(modelFile()).subarray(0, 40));
    const store = storeAt(folder);
    await store.open();
    await store.save(checkpointOfStep(6));
    expect(await store.load()).toEqual(checkpointOfStep(6));
    expect(listing()).toEqual(filesOf(checkpointOfStep(6)));
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
      'group1-shard1of1.bin',
    ];
    for (const name of others) fs.writeFileSync(join(folder, name), name);
    fs.mkdirSync(join(folder, 'weights.fedcba9876543210.bin'));
    fs.symlinkSync('notes.txt', join(folder, 'weights.00000000000000ff.bin'));
    fs.writeFileSync(join(folder, 'weights.fedcba9876543210.bin', 'inner'), '');
    await store.save(checkpointOfStep(1));
    await store.save(checkpointOfStep(2));
    expect(listing()).toEqual(
      [
        ...others,
        'weights.fedcba9876543210.bin',
        'weights.00000000000000ff.bin',
        ...filesOf(checkpointOfStep(2)),
      ].sort(),
    );
    for (const name of others) expect(fs.readFileSync(join(folder, name), 'utf8')).toBe(name);
  });

  test('what a killed save left is removed by the next', async () => {
    fs.mkdirSync(folder);
    const left = [
      '.model.json.0123456789abcdef.tmp',
      '.weights.0123456789abcdef.bin.0123456789abcdef.tmp',
      'weights.0123456789abcdef.bin',
    ];
    for (const name of left) fs.writeFileSync(join(folder, name), '');
    await storeAt(folder).save(checkpointOfStep(1));
    expect(listing()).toEqual(filesOf(checkpointOfStep(1)));
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
    expect((await rejection(store.save(checkpointOfStep(1)))).code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    expect(listing()).toEqual(['model.json']);
    expect(fs.readFileSync(modelFile(), 'utf8')).toBe(text);
    // The refusal has given the claim back.
    fs.unlinkSync(modelFile());
    await storeAt(folder).open();
  });

  test.each(['a folder', 'a symbolic link'])(
    '%s in the place of model.json is refused at once',
    async (what) => {
      fs.mkdirSync(folder);
      if (what === 'a folder') fs.mkdirSync(modelFile());
      else fs.symlinkSync(join(root, 'elsewhere.json'), modelFile());
      expect((await rejection(storeAt(folder).open())).code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    },
  );
});

describe('failures', () => {
  test('a path that is a file is reported by open, save and load', async () => {
    fs.writeFileSync(folder, 'a file');
    const store = storeAt(folder);
    for (const action of [() => store.open(), () => store.save(checkpointOfStep(1)), () => store.load()]) {
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
    await storeAt(folder).save(checkpointOfStep(1));
    // 2 MB of weights where files may have 256 KiB at most: short writes, then EFBIG.
    const args = [folder, '2', '200000'];
    const line = await startChild('save-once.ts', args, 'ulimit -f 512').nextLine();
    expect(line).toContain('ENTROPY_STORE_FAILED');
    expect(line).toContain(`Could not write weights.`);
    expect(line).toContain('EFBIG');
    expect(line).toContain('unchanged');
    expect(await new FileStore(folder).load()).toEqual(checkpointOfStep(1));
    expect(listing()).toEqual(filesOf(checkpointOfStep(1)));
    expect(await startChild('save-once.ts', args).nextLine()).toBe('saved');
  });

  test('a data file that cannot take its name: the previous checkpoint stays, no temporary file is left', async () => {
    const store = storeAt(folder);
    await store.save(checkpointOfStep(1));
    fs.mkdirSync(dataFile(checkpointOfStep(2)));
    const error = await rejection(store.save(checkpointOfStep(2)));
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.cause).toMatchObject({ syscall: 'rename' });
    expect(listing()).toEqual([...filesOf(checkpointOfStep(1)), dataName(checkpointOfStep(2))].sort());
    expect(await store.load()).toEqual(checkpointOfStep(1));
    await store.save(checkpointOfStep(3));
    expect(await store.load()).toEqual(checkpointOfStep(3));
  });

  test('a model.json that cannot take its name: no temporary file is left', async () => {
    const store = storeAt(folder);
    await store.open();
    fs.mkdirSync(modelFile());
    const error = await rejection(store.save(checkpointOfStep(2)));
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.message).toContain('Could not write model.json');
    expect(listing().filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('a folder that vanishes during training is made again by the next save', async () => {
    const store = storeAt(folder);
    await store.open();
    await store.save(checkpointOfStep(1));
    fs.rmSync(folder, { recursive: true });
    await store.save(checkpointOfStep(2));
    expect(await store.load()).toEqual(checkpointOfStep(2));
  });

  test('a save that fails does not stand in the way of the one that waits behind it', async () => {
    const store = storeAt(folder);
    await store.open();
    fs.mkdirSync(dataFile(checkpointOfStep(1)));
    const results = await Promise.allSettled([
      store.save(checkpointOfStep(1)),
      store.save(checkpointOfStep(2)),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });
});

describe('one training per folder', () => {
  test('a second store on the folder is refused until the first is closed', async () => {
    const first = storeAt(folder);
    await first.open();
    expect((await rejection(storeAt(folder).open())).code).toBe('ENTROPY_STORE_IN_USE');
    expect((await rejection(storeAt(folder).save(checkpointOfStep(1)))).code).toBe('ENTROPY_STORE_IN_USE');
    first.close();
    first.close();
    await storeAt(folder).open();
  });

  test('one store cannot be opened twice', async () => {
    const store = storeAt(folder);
    await store.open();
    expect((await rejection(store.open())).code).toBe('ENTROPY_STORE_IN_USE');
    await store.save(checkpointOfStep(1));
  });

  test('saving without open claims the folder for that save only', async () => {
    await storeAt(folder).save(checkpointOfStep(1));
    await storeAt(folder).open();
  });

  test('a store that is closed during a save holds the folder until that has ended', async () => {
    const closed = storeAt(folder);
    await closed.open();
    const saving = closed.save(checkpointOfStep(1));
    closed.close();
    expect(() => FolderLock.acquire(folder)).toThrow('in use');
    await saving;
    expect(await closed.load()).toEqual(checkpointOfStep(1));
    FolderLock.acquire(folder).release();
  });

  test('the next training in the process waits for a save that a closed store has begun', async () => {
    const closed = storeAt(folder);
    await closed.open();
    const saving = closed.save(checkpointOfStep(1, 500_000));
    closed.close();
    const next = storeAt(folder);
    await next.open();
    await next.save(checkpointOfStep(2));
    await saving;
    expect(await next.load()).toEqual(checkpointOfStep(2));
    expect(listing()).toEqual(filesOf(checkpointOfStep(2)));
  });

  test('loading needs no claim', async () => {
    const store = storeAt(folder);
    await store.open();
    await store.save(checkpointOfStep(1));
    expect(await new FileStore(folder).load()).toEqual(checkpointOfStep(1));
  });
});

describe('other processes', () => {
  test('a load during the saves of another process always gives a whole checkpoint', async () => {
    const child = startChild('save-loop.ts', [folder, '0', '1000']);
    await child.nextLine();
    const steps = new Set<number>();
    const end = Date.now() + 3000;
    while (Date.now() < end) {
      const loaded = await new FileStore(folder).load();
      if (loaded === null) throw new Error('Expected a checkpoint.');
      steps.add(stepOf(loaded));
    }
    expect(steps.size).toBeGreaterThan(10);
  });

  test('a process killed at any moment of its saves leaves a whole checkpoint and a free folder', async () => {
    const size = 200_000;
    let unfinished = 0;
    let step = 0;
    for (let kill = 0; kill < 20; kill++) {
      const child = startChild('save-loop.ts', [folder, String(step), String(size)]);
      const announced = Number(await child.nextLine());
      expect(announced).toBe(step);
      await new Promise((done) => setTimeout(done, Math.random() * 60));
      await child.kill();

      if (listing().length > 2) unfinished++;
      const loaded = await new FileStore(folder).load();
      if (loaded === null) throw new Error('Expected a checkpoint.');
      // Never older than what was announced as saved.
      expect(stepOf(loaded, size)).toBeGreaterThanOrEqual(announced);

      step = stepOf(loaded, size) + 1;
      const store = storeAt(folder);
      await store.open();
      await store.save(checkpointOfStep(step, size));
      expect(listing()).toEqual(filesOf(checkpointOfStep(step, size)));
      store.close();
      step++;
    }
    // Otherwise the moments were not those that this test is about.
    expect(unfinished).toBeGreaterThan(0);
  }, 120_000);
});
