import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint, EntropyCheckpointCallback, loadCheckpoint } from '../../src/index.js';
import { HandlerStore } from '../../src/stores/handler-store.js';
import { resolveLocation } from '../../src/stores/resolve-location.js';
import type { SlotUpdate } from '../../src/stores/store.js';
import { MemoryHandler } from '../state/fixtures/memory-handler.js';
import { countTensors } from '../state/fixtures/tensor-count.js';
import { makeData, makeNet, modelBits, trainEpochs, type Data } from '../state/fixtures/training.js';
import { checkpointOfStep, stepOf } from './fixtures/checkpoints.js';
import { rejection, thrownBy } from '../support/errors.js';

const INTO_BEST: SlotUpdate = { into: ['best'], keep: [] };

const own = countTensors();
let data: Data;
let handler: MemoryHandler;

beforeEach(() => {
  handler = new MemoryHandler();
  data = makeData();
  for (const tensor of [data.x, data.y, ...data.validationData]) own(tensor);
});

const net = (seed?: number): tf.Sequential => own(makeNet(tf.train.adam(0.02), seed));

describe('saving and loading', () => {
  test('the handler is given one buffer, and what tfjs itself would save', async () => {
    await new HandlerStore(handler).save(checkpointOfStep(7), INTO_BEST);
    expect(handler.weights.byteLength).toBe(1000 * 2 * 4 + 1000 * 4 + 3);
    expect(JSON.parse(handler.json!)).toMatchObject({ format: 'layers-model', convertedBy: null });
    expect(Object.keys(JSON.parse(handler.json!) as object)).not.toContain('trainingConfig');
  });

  test('a checkpoint of several of the largest shards is one buffer as well', async () => {
    const store = new HandlerStore(handler);
    await store.save(checkpointOfStep(7, 1_500_000), INTO_BEST);
    expect(handler.weights.byteLength).toBe(1_500_000 * 12 + 3);
    expect(await stepOf(await store.load('best'), 1_500_000)).toBe(7);
  });

  test('model and optimizer go through a handler of the user and come back exactly', async () => {
    const model = net();
    const checkpoint = new EntropyCheckpointCallback({ filepath: handler, monitor: 'val_loss' });
    await trainEpochs(model, data, 0, 3, [checkpoint]);
    await checkpoint.loadCheckpoint();
    const other = net(9);

    await loadCheckpoint(handler, { model: other });

    expect(modelBits(other)).toEqual(modelBits(model));
  });

  test("tfjs's own handlers of memory give back what they were given", async () => {
    let saved: tf.io.ModelArtifacts | null = null;
    const saver = tf.io.withSaveHandler((artifacts) => {
      saved = artifacts;
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } });
    });
    const model = net();
    const checkpoint = new EntropyCheckpointCallback({ filepath: saver });
    await trainEpochs(model, data, 0, 1, [checkpoint]);
    const expected = modelBits(model);
    const other = net(9);

    await loadCheckpoint(tf.io.fromMemory(saved!), { model: other });

    expect(modelBits(other)).toEqual(expected);
  });

  /** A store whose handler gives the weights as `cut` gives them. */
  async function storeGiving(cut: (weights: Uint8Array<ArrayBuffer>) => unknown): Promise<HandlerStore> {
    await new HandlerStore(handler).save(checkpointOfStep(7), INTO_BEST);
    const artifacts = await handler.load();
    const weightData = cut(handler.weights) as ArrayBuffer;
    return new HandlerStore({ load: () => Promise.resolve({ ...artifacts, weightData }) });
  }

  test('weights in several buffers, as a loader in parts gives them, are read as one', async () => {
    const store = await storeGiving(({ buffer }) => [
      buffer.slice(0, 5),
      buffer.slice(5, 9001),
      new ArrayBuffer(0),
      buffer.slice(9001),
    ]);
    expect(await stepOf(await store.load('best'))).toBe(7);
  });

  test('weights in Buffers, which are parts of a larger piece of memory, are read without the rest', async () => {
    const store = await storeGiving((weights) => {
      const pool = Buffer.concat([Buffer.alloc(3, 99), weights, Buffer.alloc(5, 99)]);
      return [pool.subarray(3, 103), pool.subarray(103, pool.length - 5)];
    });
    expect(await stepOf(await store.load('best'))).toBe(7);
  });

  test('reading copies the bytes that are asked for, and no others', async () => {
    const weights = new Uint8Array(12_003).fill(7);
    const store = await storeGiving(() => weights);
    const stored = (await store.load('best'))!;
    weights.fill(8, 100, 200);
    const bytes = new Uint8Array(4);
    await stored.read(98, bytes);
    expect([...bytes]).toEqual([7, 7, 8, 8]);
    await stored.close();
    await expect(stored.read(0, bytes)).rejects.toThrow('has been closed');
  });

  test('a handler whose `save` resolves with nothing has saved', async () => {
    const silent = {
      save: async (artifacts: tf.io.ModelArtifacts) => {
        await handler.save(artifacts);
        return undefined as unknown as tf.io.SaveResult;
      },
    };
    await new HandlerStore(silent).save(checkpointOfStep(7), INTO_BEST);
    expect(handler.saves).toBe(1);
  });

  test('the version of tfjs, which a handler may leave out, is taken from the record', async () => {
    await new HandlerStore(handler).save(checkpointOfStep(7), INTO_BEST);
    const { generatedBy, ...artifacts } = await handler.load();
    const { entropyCheckpoint } = artifacts.userDefinedMetadata as { entropyCheckpoint: object };
    Object.assign(entropyCheckpoint, { generatedBy });
    const stored = await new HandlerStore({ load: () => Promise.resolve(artifacts) }).load('best');
    expect(stored!.manifest.generatedBy).toBe(generatedBy);
  });

  test.each([
    'Cannot find model with path "a" in IndexedDB database.',
    "Cannot find model with path 'a' in IndexedDB.",
    "In local storage, there is no model with name 'a'",
    'Request to a failed with status code 404. Please verify this URL points to the model JSON.',
    "ENOENT: no such file or directory, open 'a'",
  ])('where a handler says "%s", null is loaded', async (message) => {
    const store = new HandlerStore({ load: () => Promise.reject(new Error(message)) });
    expect(await store.load('best')).toBeNull();
    expect(await store.slots()).toEqual([]);
  });

  test('no other slot than `best` can be saved to, and in no other is anything', async () => {
    const store = new HandlerStore(handler);
    const updates: SlotUpdate[] = [
      { into: ['best', 'last'], keep: [] },
      { into: ['best'], keep: ['last'] },
      { into: ['last'], keep: [] },
      { into: [], keep: ['best'] },
    ];
    for (const update of updates) {
      await expect(store.save(checkpointOfStep(7), update)).rejects.toThrow(TypeError);
    }
    expect(handler.saves).toBe(0);
    await store.save(checkpointOfStep(7), { into: ['best'], keep: ['best'] });
    expect(await store.load('last')).toBeNull();
    expect(await store.slots()).toEqual(['best']);
  });

  test('any other error of `load` is handed on as the cause', async () => {
    const cause = new Error('The disk is on fire.');
    const store = new HandlerStore({ load: () => Promise.reject(cause) }, 'fire://disk');
    for (const use of [store.load('best'), store.slots()]) {
      const error = await rejection(use);
      expect(error.code).toBe('ENTROPY_STORE_FAILED');
      expect(error.message).toContain('fire://disk');
      expect(error.cause).toBe(cause);
    }
  });

  test.each([
    ['`load`', 'load', () => new HandlerStore({ save: () => handler.save({}) }).load('best')],
    ['`save`', 'save', () => new HandlerStore({ load: () => handler.load() }).open()],
    [
      '`save`',
      'save',
      () => new HandlerStore({ load: () => handler.load() }).save(checkpointOfStep(1), INTO_BEST),
    ],
  ])('a handler without %s is refused when it is needed', async (_name, method, use) => {
    const error = await rejection(use());
    expect(error.code).toBe('ENTROPY_INVALID_OPTION');
    expect(error.message).toContain(`\`${method}\``);
  });
});

describe('a handler that fails to save', () => {
  const cause = new Error('QuotaExceeded');
  /** Saves once; after that it fails and leaves alone what it has. */
  const failingAfterFirst = (fail: () => Promise<tf.io.SaveResult>): tf.io.IOHandler => ({
    save: (artifacts) => (handler.saves === 0 ? handler.save(artifacts) : fail()),
    load: () => handler.load(),
  });

  test('fails the save with its error as the cause, and the earlier checkpoint is still loaded', async () => {
    const store = new HandlerStore(failingAfterFirst(() => Promise.reject(cause)));
    await store.save(checkpointOfStep(1), INTO_BEST);
    const error = await rejection(store.save(checkpointOfStep(2), INTO_BEST));
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.cause).toBe(cause);
    expect(await stepOf(await store.load('best'))).toBe(1);
  });

  test('is told of by `flush`, and the model of the earlier checkpoint comes back exactly', async () => {
    const failing = failingAfterFirst(() => Promise.reject(cause));
    const model = net();
    const checkpoint = new EntropyCheckpoint(model, undefined, { filepath: failing, monitor: 'val_loss' });
    await checkpoint.saveCheckpoint(0, { val_loss: 1 });
    await checkpoint.flush();
    const saved = modelBits(model);
    await trainEpochs(model, data, 0, 1);
    await checkpoint.saveCheckpoint(1, { val_loss: 0.5 });

    const error = await rejection(checkpoint.flush());

    expect(error).toMatchObject({ code: 'ENTROPY_STORE_FAILED', cause });
    checkpoint.dispose();
    const other = net(9);
    await loadCheckpoint(handler, { model: other });
    expect(modelBits(other)).toEqual(saved);
  });

  test('by an error in its result has failed as well', async () => {
    const failing: tf.io.IOHandler = {
      save: () =>
        Promise.resolve({
          modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' as const },
          errors: ['half of it', 'the other half'],
        }),
    };
    const error = await rejection(new HandlerStore(failing).save(checkpointOfStep(1), INTO_BEST));
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.message).toContain('half of it; the other half');
  });
});

describe('damage', () => {
  let model: tf.Sequential;

  beforeEach(async () => {
    const trained = net();
    const saver = new EntropyCheckpoint(trained, undefined, { filepath: handler, monitor: 'val_loss' });
    await saver.saveCheckpoint(0, { val_loss: 1 });
    await saver.flush();
    saver.dispose();
    model = net(9);
  });

  async function expectCorrupt(): Promise<void> {
    const before = modelBits(model);
    const error = await rejection(loadCheckpoint(handler, { model }));
    expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    expect(modelBits(model)).toEqual(before);
  }

  test('of a byte of the weights is refused, and nothing is changed', async () => {
    for (const position of [0, 101, handler.weights.length - 1]) {
      handler.weights[position]! ^= 1;
      await expectCorrupt();
      handler.weights[position]! ^= 1;
    }
    await loadCheckpoint(handler, { model });
  });

  test.each([
    ['missing', -1],
    ['too many', 4],
  ])('of weights with bytes that are %s is refused', async (_name, change) => {
    const changed = new Uint8Array(handler.weights.length + change);
    changed.set(handler.weights.subarray(0, changed.length));
    handler.weights = changed;
    await expectCorrupt();
  });

  interface Artifacts {
    modelTopology: { config: { layers: [{ config: { units: number } }] } };
    weightSpecs?: [{ name: string; dtype: string; shape?: number[] }, ...unknown[]];
    generatedBy: string;
    userDefinedMetadata: { mine?: number; entropyCheckpoint: Partial<Recorded> };
  }

  interface Recorded {
    formatVersion: number;
    record: { epoch: number };
    history: unknown[];
    weights: number[][];
    optimizer: { fields: Record<string, unknown> };
    checksum: string;
  }

  const inSpec = (change: (spec: NonNullable<Artifacts['weightSpecs']>[0]) => void) => (all: Artifacts) => {
    change(all.weightSpecs![0]);
  };
  const inRecord = (change: (recorded: Recorded) => void) => (all: Artifacts) => {
    change(all.userDefinedMetadata.entropyCheckpoint as Recorded);
  };

  test.each<[string, (artifacts: Artifacts) => unknown]>([
    ['the architecture', (all) => (all.modelTopology.config.layers[0].config.units = 6)],
    ['the name of a weight', inSpec((spec) => (spec.name += 'x'))],
    ['the type of a weight', inSpec((spec) => (spec.dtype = 'int32'))],
    ['the type of a weight to one that is none', inSpec((spec) => (spec.dtype = 'float16'))],
    ['the shape of a weight', inSpec((spec) => spec.shape?.reverse())],
    ['the shape of a weight to none', inSpec((spec) => delete spec.shape)],
    ['the weights, one of which is gone', (all) => all.weightSpecs?.pop()],
    ['the weights, all of which are gone', (all) => delete all.weightSpecs],
    ['the number of an epoch', inRecord(({ record }) => (record.epoch = 3))],
    ['the history', inRecord(({ history }) => history.pop())],
    ['the place of a weight', inRecord(({ weights }) => (weights[0] = [0, 1]))],
    ['a field of the optimizer', inRecord(({ optimizer }) => (optimizer.fields['beta1'] = { scalar: 0.8 }))],
    ['the checksum', inRecord((recorded) => (recorded.checksum = ''))],
    [
      'the record, of which nothing is left',
      (all) => (all.userDefinedMetadata.entropyCheckpoint = { formatVersion: 1 }),
    ],
    ["the user's metadata", (all) => (all.userDefinedMetadata.mine = 1)],
    ['the version of tfjs', (all) => (all.generatedBy = 'another')],
  ])('of %s is refused, and nothing is changed', async (_name, change) => {
    const artifacts = JSON.parse(handler.json!) as Artifacts;
    change(artifacts);
    handler.json = JSON.stringify(artifacts);
    await expectCorrupt();
  });

  test('is not what another order of the keys is, which stores may give', async () => {
    const reversed = (value: unknown): unknown => {
      if (typeof value !== 'object' || value === null) return value;
      if (Array.isArray(value)) return value.map(reversed);
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, item]) => [key, reversed(item)]),
      );
    };
    handler.json = JSON.stringify(reversed(JSON.parse(handler.json!)));
    await loadCheckpoint(handler, { model });
  });
});

describe('two trainings at once', () => {
  const url = 'handlerstoretest://place';

  beforeAll(() => {
    const router = ((asked: string | string[]) => (asked === url ? handler : null)) as Parameters<
      typeof tf.io.registerSaveRouter
    >[0];
    tf.io.registerSaveRouter(router);
    tf.io.registerLoadRouter(router);
  });

  test.each([
    ['handler', () => handler],
    ['URL', () => url],
  ])('on one %s: the second is refused until the first has ended', async (_name, place) => {
    const first = await resolveLocation(place()).loadStore();
    const second = await resolveLocation(place()).loadStore();
    await first.open();
    const error = await rejection(Promise.resolve().then(() => second.open()));
    expect(error.code).toBe('ENTROPY_STORE_IN_USE');
    // Closing what was refused must not free it.
    second.close();
    expect((await rejection(Promise.resolve().then(() => second.open()))).code).toBe('ENTROPY_STORE_IN_USE');
    first.close();
    await second.open();
    second.close();
  });

  test('in one `fit` after the other are welcome, for one URL', async () => {
    for (let i = 0; i < 2; i++) {
      await trainEpochs(net(), data, 0, 1, [new EntropyCheckpointCallback({ filepath: url })]);
    }
    expect(handler.saves).toBe(2);
  });

  test('in one `fit` are refused before a weight has changed, and the place is free afterwards', async () => {
    const model = net();
    const before = modelBits(model);
    const make = (): EntropyCheckpointCallback => new EntropyCheckpointCallback({ filepath: url });
    const callbacks = [make(), make()];

    const error = await rejection(trainEpochs(model, data, 0, 1, callbacks));

    expect(error.code).toBe('ENTROPY_STORE_IN_USE');
    expect(modelBits(model)).toEqual(before);
    for (const callback of callbacks) callback.dispose();
    await trainEpochs(model, data, 0, 1, [make()]);
  });

  test('on two handlers do not hinder each other', async () => {
    const stores = [new HandlerStore(handler), new HandlerStore(new MemoryHandler())];
    for (const store of stores) await store.open();
    for (const store of stores) store.close();
  });
});

describe('where a checkpoint is to be kept', () => {
  test.each(['nowhere://a', 'indexeddb://a', 'localstorage://a'])(
    '%s has no handler here and is refused when the callback is made',
    (filepath) => {
      const error = thrownBy(() => new EntropyCheckpointCallback({ filepath }));
      expect(error.code).toBe('ENTROPY_INVALID_OPTION');
      expect(error.message).toContain(filepath);
    },
  );

  test('a store of the user is used as it is', async () => {
    const store = new HandlerStore(handler);
    expect(await resolveLocation(store).loadStore()).toBe(store);
  });
});

describe('what is no checkpoint', () => {
  const loading = (artifacts: object): Promise<unknown> =>
    new HandlerStore({ load: () => Promise.resolve(artifacts) }).load('best');

  test.each([{ modelTopology: {} }, { modelTopology: {}, userDefinedMetadata: { mine: 1 } }])(
    'because it has no record: %j',
    async (artifacts) => {
      const error = await rejection(loading(artifacts));
      expect(error.code).toBe('ENTROPY_NOT_A_CHECKPOINT');
      expect(error.message).toContain('a model without its record');
    },
  );

  test.each([
    null,
    3,
    [],
    {},
    { shards: {} },
    { shards: [{ sizeBytes: 0, sha256: '0'.repeat(64) }] },
    { shards: [{ sizeBytes: 1, sha256: 'x' }] },
  ])('because its record has no valid shards: %j', async (entropyCheckpoint) => {
    const artifacts = { modelTopology: {}, generatedBy: '', userDefinedMetadata: { entropyCheckpoint } };
    expect((await rejection(loading(artifacts))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  test.each(['modelTopology', 'userDefinedMetadata'])('because of a key `__proto__` in %s', async (part) => {
    await new HandlerStore(handler).save(checkpointOfStep(7), INTO_BEST);
    const artifacts = (await handler.load()) as Record<string, Record<string, unknown>>;
    artifacts[part]!['deep'] = [JSON.parse('{"__proto__": {"isAdmin": true}}')];
    const error = await rejection(loading(artifacts));
    expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    expect(error.message).toContain('__proto__');
  });

  test('because it contains itself', async () => {
    await new HandlerStore(handler).save(checkpointOfStep(7), INTO_BEST);
    const artifacts = (await handler.load()) as Record<string, Record<string, unknown>>;
    const endless: unknown[] = [];
    endless.push(endless, endless);
    artifacts['modelTopology']!['deep'] = endless;
    expect((await rejection(loading(artifacts))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  test('because its sizes are those of no memory that there is', async () => {
    await new HandlerStore(handler).save(checkpointOfStep(7), INTO_BEST);
    const artifacts = await handler.load();
    artifacts.weightSpecs![0]!.shape = [2 ** 40];
    expect((await rejection(loading(artifacts))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });
});

describe("the browser's own storage", () => {
  /** tfjs's handler of a URL stands behind the store; here one that has, or has not, a model of the user's. */
  const storageWith = (artifacts: object | null): tf.io.IOHandler => ({
    load: () =>
      artifacts === null ? Promise.reject(new Error('Cannot find model')) : Promise.resolve(artifacts),
    save: () => Promise.reject(new Error('unused')),
  });

  test("is not written over where it holds a model of the user's own", async () => {
    const store = new HandlerStore(storageWith({ modelTopology: {} }), 'localstorage://mine');
    expect((await rejection(store.open())).code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    const again = new HandlerStore(storageWith(null), 'localstorage://mine');
    await again.open();
    again.close();
  });
});
