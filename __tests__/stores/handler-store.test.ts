import { beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint, EntropyCheckpointCallback, loadCheckpoint } from '../../src/index.js';
import { HandlerStore } from '../../src/stores/handler-store.js';
import { resolveLocation } from '../../src/stores/resolve-location.js';
import type { CheckpointStore, SlotUpdate } from '../../src/stores/store.js';
import { MemoryHandler } from '../state/fixtures/memory-handler.js';
import { countTensors } from '../state/fixtures/tensor-count.js';
import { makeData, makeNet, modelBits, trainEpochs, type Data } from '../state/fixtures/training.js';
import { checkpointOfStep, stepOf } from './fixtures/checkpoints.js';
import { rejection, thrownBy } from '../support/errors.js';

const INTO_BEST: SlotUpdate = { into: ['best'], keep: [] };

const track = countTensors();
let data: Data;
let handler: MemoryHandler;

beforeEach(() => {
  handler = new MemoryHandler();
  data = makeData();
  for (const tensor of [data.x, data.y, ...data.validationData]) track(tensor);
});

const net = (seed?: number): tf.Sequential => track(makeNet(tf.train.adam(0.02), seed));

describe('saving and loading', () => {
  it('passes one buffer to the handler, in the format of `model.save`', async () => {
    await new HandlerStore(handler).save(checkpointOfStep(7), INTO_BEST);
    expect(handler.weights.byteLength).toBe(1000 * 2 * 4 + 1000 * 4 + 3);
    expect(JSON.parse(handler.json!)).toMatchObject({ format: 'layers-model', convertedBy: null });
    expect(Object.keys(JSON.parse(handler.json!) as object)).not.toContain('trainingConfig');
  });

  it('passes one buffer even for several shards of the maximum size', async () => {
    const store = new HandlerStore(handler);
    await store.save(checkpointOfStep(7, 1_500_000), INTO_BEST);
    expect(handler.weights.byteLength).toBe(1_500_000 * 12 + 3);
    expect(await stepOf(await store.load('best'), 1_500_000)).toBe(7);
  });

  it("restores model and optimizer exactly through a user's handler", async () => {
    const model = net();
    const checkpoint = new EntropyCheckpointCallback({ filepath: handler, monitor: 'val_loss' });
    await trainEpochs(model, data, 0, 3, [checkpoint]);
    await checkpoint.loadCheckpoint();
    const other = net(9);

    await loadCheckpoint(handler, { model: other });

    expect(modelBits(other)).toEqual(modelBits(model));
  });

  it("restores the model through TensorFlow.js's in-memory handlers", async () => {
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

  /** A store whose handler loads the weights in the form that `convert` gives them. */
  async function storeWithWeights(
    convert: (weights: Uint8Array<ArrayBuffer>) => unknown,
  ): Promise<HandlerStore> {
    await new HandlerStore(handler).save(checkpointOfStep(7), INTO_BEST);
    const artifacts = await handler.load();
    const weightData = convert(handler.weights) as ArrayBuffer;
    return new HandlerStore({ load: () => Promise.resolve({ ...artifacts, weightData }) });
  }

  it('joins weights that the handler loads in several buffers', async () => {
    const store = await storeWithWeights(({ buffer }) => [
      buffer.slice(0, 5),
      buffer.slice(5, 9001),
      new ArrayBuffer(0),
      buffer.slice(9001),
    ]);
    expect(await stepOf(await store.load('best'))).toBe(7);
  });

  it('reads only the visible part of Buffers that share a larger ArrayBuffer', async () => {
    const store = await storeWithWeights((weights) => {
      const pool = Buffer.concat([Buffer.alloc(3, 99), weights, Buffer.alloc(5, 99)]);
      return [pool.subarray(3, 103), pool.subarray(103, pool.length - 5)];
    });
    expect(await stepOf(await store.load('best'))).toBe(7);
  });

  it('copies only the requested bytes, until the checkpoint is closed', async () => {
    const weights = new Uint8Array(12_003).fill(7);
    const store = await storeWithWeights(() => weights);
    const stored = (await store.load('best'))!;
    weights.fill(8, 100, 200);
    const bytes = new Uint8Array(4);
    await stored.read(98, bytes);
    expect([...bytes]).toEqual([7, 7, 8, 8]);
    await stored.close();
    await expect(stored.read(0, bytes)).rejects.toThrow('has been closed');
  });

  it('accepts a handler whose `save` resolves with nothing', async () => {
    const silent = {
      save: async (artifacts: tf.io.ModelArtifacts) => {
        await handler.save(artifacts);
        return undefined as unknown as tf.io.SaveResult;
      },
    };
    await new HandlerStore(silent).save(checkpointOfStep(7), INTO_BEST);
    expect(handler.saves).toBe(1);
  });

  it('takes `generatedBy` from the record if the handler leaves it out', async () => {
    await new HandlerStore(handler).save(checkpointOfStep(7), INTO_BEST);
    const { generatedBy, ...artifacts } = await handler.load();
    const { entropyCheckpoint } = artifacts.userDefinedMetadata as { entropyCheckpoint: object };
    Object.assign(entropyCheckpoint, { generatedBy });
    const stored = await new HandlerStore({ load: () => Promise.resolve(artifacts) }).load('best');
    expect(stored!.manifest.generatedBy).toBe(generatedBy);
  });

  it('has no slot but `best`', async () => {
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

  it('passes on any other error of `load` as the cause', async () => {
    const cause = new Error('The disk is on fire.');
    const store = new HandlerStore({ load: () => Promise.reject(cause) }, { url: 'fire://disk' });
    for (const use of [store.load('best'), store.slots()]) {
      const error = await rejection(use);
      expect(error.code).toBe('ENTROPY_STORE_FAILED');
      expect(error.message).toContain('fire://disk');
      expect(error.cause).toBe(cause);
    }
  });

  it.each([
    ['`load`', 'load', () => new HandlerStore({ save: () => handler.save({}) }).load('best')],
    ['`save`', 'save', () => new HandlerStore({ load: () => handler.load() }).open()],
    [
      '`save`',
      'save',
      () => new HandlerStore({ load: () => handler.load() }).save(checkpointOfStep(1), INTO_BEST),
    ],
  ])('refuses a handler without %s when it needs that method', async (_name, method, use) => {
    const error = await rejection(use());
    expect(error.code).toBe('ENTROPY_INVALID_OPTION');
    expect(error.message).toContain(`\`${method}\``);
  });
});

describe('an error is not an empty store', () => {
  const http = (status: number, statusText = ''): tf.io.IOHandler =>
    tf.io.http('http://a/model.json', {
      fetchFunc: () => Promise.resolve(new Response(null, { status, statusText })),
    });

  /** Runs `use` where `url` is served by a handler of the class `make` returns, as a platform of TensorFlow.js's would. */
  async function withPlatform(
    url: string,
    handler: tf.io.IOHandler,
    use: (store: CheckpointStore) => Promise<void>,
  ): Promise<void> {
    const find = (asked: string | string[]): tf.io.IOHandler[] =>
      String(asked).startsWith(url) ? [handler] : [];
    const spies = [
      jest.spyOn(tf.io, 'getLoadHandlers').mockImplementation(find),
      jest.spyOn(tf.io, 'getSaveHandlers').mockImplementation(find),
    ];
    try {
      await use(await resolveLocation(`${url}a`).loadStore());
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
  }

  class PlatformHandler implements tf.io.IOHandler {
    readonly #message: string;
    constructor(message: string) {
      this.#message = message;
    }
    load(): Promise<tf.io.ModelArtifacts> {
      return Promise.reject(new Error(this.#message));
    }
    save(): Promise<tf.io.SaveResult> {
      return Promise.reject(new Error('unused'));
    }
  }

  it.each([
    ['indexeddb://', "Cannot find model with path 'a' in IndexedDB."],
    ['localstorage://', "In local storage, there is no model with name 'a'"],
    ['file://', 'Path /a/model.json does not exist: loading failed'],
  ])('of %s, "%s" means that nothing is stored', async (url, message) => {
    await withPlatform(url, new PlatformHandler(message), async () => {
      const store = new HandlerStore(new PlatformHandler(message));
      expect(await store.load('best')).toBeNull();
      expect(await store.slots()).toEqual([]);
    });
  });

  it.each([
    ['indexeddb://', "In local storage, there is no model with name 'a'"],
    ['localstorage://', "In local storage, the topology of model 'a' is missing."],
    ['localstorage://', "Error: In local storage, there is no model with name 'a'"],
    ['file://', 'Weight file /a/weights.bin does not exist: loading failed'],
  ])('of %s, "%s" is an error', async (url, message) => {
    await withPlatform(url, new PlatformHandler(message), async () => {
      const store = new HandlerStore(new PlatformHandler(message));
      expect((await rejection(store.slots())).code).toBe('ENTROPY_STORE_FAILED');
    });
  });

  it('of a URL, the handler that serves it counts', async () => {
    const absent = new PlatformHandler("In local storage, there is no model with name 'a'");
    await withPlatform('localstorage://', absent, async (store) => {
      expect(await store.slots()).toEqual([]);
    });
    const broken = new PlatformHandler('SecurityError');
    await withPlatform('localstorage://', broken, async (store) => {
      const error = await rejection(store.open());
      expect(error.code).toBe('ENTROPY_STORE_FAILED');
      expect(error.message).not.toContain('resolve with null');
    });
  });

  it('of a web server, the status 404 alone means that nothing is stored', async () => {
    expect(await new HandlerStore(http(404)).load('best')).toBeNull();
    for (const status of [401, 403, 500, 502, 503]) {
      const error = await rejection(new HandlerStore(http(status, 'not found')).load('best'));
      expect(error.code).toBe('ENTROPY_STORE_FAILED');
      expect((error.cause as Error).message).toContain(`status code ${status}`);
    }
  });

  it.each([
    "Cannot find module '@aws-sdk/client-s3'",
    'getaddrinfo: host not found',
    'AccessDenied: credentials not found',
    'NoSuchKey: weights.bin does not exist',
    "In local storage, there is no model with name 'a'",
    "Cannot find model with path 'a' in IndexedDB.",
    'Request to a failed with status code 404. Please verify this URL points to the model JSON of the model to load.',
    "ENOENT: no such file or directory, open 'a'",
  ])("of a user's handler, no error is: %s", async (message) => {
    const resumed = net();
    const before = modelBits(resumed);
    const failing: tf.io.IOHandler = {
      load: () => Promise.reject(new Error(message)),
      save: (artifacts) => handler.save(artifacts),
    };
    const store = new HandlerStore(failing);
    for (const use of [store.load('best'), store.slots()]) {
      const error = await rejection(use);
      expect(error.code).toBe('ENTROPY_STORE_FAILED');
      expect(error.message).toContain('let `load` resolve with null');
    }
    const checkpoint = new EntropyCheckpointCallback({ filepath: failing, monitor: 'val_loss' });
    expect((await rejection(checkpoint.resume(resumed))).code).toBe('ENTROPY_STORE_FAILED');
    expect((await rejection(loadCheckpoint(failing))).code).toBe('ENTROPY_STORE_FAILED');
    expect(modelBits(resumed)).toEqual(before);
    expect(handler.saves).toBe(0);
  });

  it.each([null, undefined])("of a user's handler, %p means that nothing is stored", async (nothing) => {
    const empty = { load: () => Promise.resolve(nothing as unknown as tf.io.ModelArtifacts) };
    expect(await new HandlerStore(empty).slots()).toEqual([]);
    expect((await rejection(loadCheckpoint(empty))).code).toBe('ENTROPY_NO_CHECKPOINT');
  });
});

describe('how often the model is loaded', () => {
  it('is at most twice for one `resume`, and once for `loadCheckpoint`', async () => {
    const checkpoint = new EntropyCheckpointCallback({ filepath: handler, monitor: 'val_loss' });
    await trainEpochs(net(), data, 0, 1, [checkpoint]);
    let loads = 0;
    const counting: tf.io.IOHandler = {
      load: () => {
        loads++;
        return handler.load();
      },
      save: (artifacts) => handler.save(artifacts),
    };
    const resumed = new EntropyCheckpointCallback({ filepath: counting, monitor: 'val_loss' });
    expect(await resumed.resume(net(9))).toMatchObject({ initialEpoch: 1 });
    expect(loads).toBeLessThanOrEqual(2);
    loads = 0;
    await loadCheckpoint(counting, { model: net(9) });
    expect(loads).toBe(1);
  });

  it('is anew after a save', async () => {
    const store = new HandlerStore(handler);
    await store.save(checkpointOfStep(1), INTO_BEST);
    expect(await store.slots()).toEqual(['best']);
    await store.save(checkpointOfStep(2), INTO_BEST);
    expect(await stepOf(await store.load('best'))).toBe(2);
  });
});

describe('a handler that never answers', () => {
  const never = (): Promise<never> => new Promise(() => undefined);

  it.each([
    ['load', (store: HandlerStore) => store.load('best')],
    ['slots', (store: HandlerStore) => store.slots()],
    ['save', (store: HandlerStore) => store.save(checkpointOfStep(1), INTO_BEST)],
  ])('fails `%s` after the time that is set', async (_name, use) => {
    const store = new HandlerStore({ load: never, save: never }, { timeoutMs: 20 });
    const error = await rejection(use(store));
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.message).toContain('within 0.02 seconds');
    expect(error.message).toContain('`storeTimeoutMs`');
  });

  it('fails `resume`, `loadCheckpoint` and `fit`, each after `storeTimeoutMs`', async () => {
    const silent = { load: never, save: never };
    const options = { filepath: silent, monitor: 'val_loss', storeTimeoutMs: 20 };
    const checkpoint = new EntropyCheckpointCallback(options);
    expect((await rejection(checkpoint.resume(net()))).code).toBe('ENTROPY_STORE_FAILED');
    expect((await rejection(loadCheckpoint(silent, { storeTimeoutMs: 20 }))).code).toBe(
      'ENTROPY_STORE_FAILED',
    );
    const warned = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const failed = new EntropyCheckpointCallback(options);
    const fit = trainEpochs(net(), data, 0, 1, [failed]);
    expect((await rejection(fit)).code).toBe('ENTROPY_STORE_FAILED');
    failed.dispose();
    warned.mockRestore();
  });

  it('is waited for before the next save, so that a late one never replaces a newer one', async () => {
    const order: number[] = [];
    let answer: (() => void) | null = null;
    const slow: tf.io.IOHandler = {
      load: () => handler.load(),
      save: async (artifacts) => {
        if (answer === null) await new Promise<void>((resolve) => (answer = resolve));
        const result = await handler.save(artifacts);
        order.push((await stepOf(await new HandlerStore(handler).load('best')))!);
        return result;
      },
    };
    const store = new HandlerStore(slow, { timeoutMs: 20 });
    const first = await rejection(store.save(checkpointOfStep(1), INTO_BEST));
    const second = await rejection(store.save(checkpointOfStep(2), INTO_BEST));
    expect([first.code, second.code]).toEqual(['ENTROPY_STORE_FAILED', 'ENTROPY_STORE_FAILED']);
    expect(handler.saves).toBe(0);

    const other = new HandlerStore(slow);
    const third = other.save(checkpointOfStep(3), INTO_BEST);
    answer!();
    await third;

    expect(order).toEqual([1, 3]);
    expect(await stepOf(await store.load('best'))).toBe(3);
  });

  it('is waited for without a limit if the time is Infinity, and no timer is left behind', async () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const cleared = jest.spyOn(globalThis, 'clearTimeout');
    await new HandlerStore(handler, { timeoutMs: Infinity }).save(checkpointOfStep(1), INTO_BEST);
    expect(timers).not.toHaveBeenCalled();
    await (await new HandlerStore(handler, { timeoutMs: 1e6 }).load('best'))!.close();
    const [made] = timers.mock.results;
    expect(cleared).toHaveBeenCalledWith(made!.value as NodeJS.Timeout);
    timers.mockRestore();
    cleared.mockRestore();
  });
});

describe('a handler that fails to save', () => {
  const cause = new Error('QuotaExceeded');
  /** A handler that saves once. Later saves fail and keep what is stored. */
  const failingAfterFirst = (fail: () => Promise<tf.io.SaveResult>): tf.io.IOHandler => ({
    save: (artifacts) => (handler.saves === 0 ? handler.save(artifacts) : fail()),
    load: () => handler.load(),
  });

  it('rejects the save with its error as the cause, and keeps the previous checkpoint', async () => {
    const store = new HandlerStore(failingAfterFirst(() => Promise.reject(cause)));
    await store.save(checkpointOfStep(1), INTO_BEST);
    const error = await rejection(store.save(checkpointOfStep(2), INTO_BEST));
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.cause).toBe(cause);
    expect(await stepOf(await store.load('best'))).toBe(1);
  });

  it('rejects `flush`, and the previous checkpoint still restores the model exactly', async () => {
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

  it('rejects the save when its result lists errors', async () => {
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

describe('loading a damaged checkpoint', () => {
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

  it('refuses a changed weight byte, and changes nothing', async () => {
    for (const position of [0, 101, handler.weights.length - 1]) {
      handler.weights[position]! ^= 1;
      await expectCorrupt();
      handler.weights[position]! ^= 1;
    }
    await loadCheckpoint(handler, { model });
  });

  it.each([
    ['missing', -1],
    ['extra', 4],
  ])('refuses %s weight bytes', async (_name, change) => {
    const changed = new Uint8Array(handler.weights.length + change);
    changed.set(handler.weights.subarray(0, changed.length));
    handler.weights = changed;
    await expectCorrupt();
  });

  interface Artifacts {
    modelTopology: { config: { layers: [{ config: { units: number } }] } };
    weightSpecs?: [{ name: string; dtype: string; shape?: number[] }, ...unknown[]];
    generatedBy: string;
    userDefinedMetadata: { mine?: number; entropyCheckpoint: Partial<RecordedMetadata> };
  }

  interface RecordedMetadata {
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
  const inRecord = (change: (recorded: RecordedMetadata) => void) => (all: Artifacts) => {
    change(all.userDefinedMetadata.entropyCheckpoint as RecordedMetadata);
  };

  it.each<[string, (artifacts: Artifacts) => unknown]>([
    ['the architecture', (all) => (all.modelTopology.config.layers[0].config.units = 6)],
    ["a weight's name", inSpec((spec) => (spec.name += 'x'))],
    ["a weight's dtype", inSpec((spec) => (spec.dtype = 'int32'))],
    ["a weight's dtype, to an unknown one", inSpec((spec) => (spec.dtype = 'float16'))],
    ["a weight's shape", inSpec((spec) => spec.shape?.reverse())],
    ["a weight's shape, which is removed", inSpec((spec) => delete spec.shape)],
    ['the weights, one of which is removed', (all) => all.weightSpecs?.pop()],
    ['the weights, which are removed', (all) => delete all.weightSpecs],
    ["an epoch's number", inRecord(({ record }) => (record.epoch = 3))],
    ['the history', inRecord(({ history }) => history.pop())],
    ['a weight path', inRecord(({ weights }) => (weights[0] = [0, 1]))],
    ['a field of the optimizer', inRecord(({ optimizer }) => (optimizer.fields['beta1'] = { scalar: 0.8 }))],
    ['the checksum', inRecord((recorded) => (recorded.checksum = ''))],
    [
      'the record, which is emptied',
      (all) => (all.userDefinedMetadata.entropyCheckpoint = { formatVersion: 1 }),
    ],
    ["the user's metadata", (all) => (all.userDefinedMetadata.mine = 1)],
    ['the version of TensorFlow.js', (all) => (all.generatedBy = 'another')],
  ])('refuses a change of %s, and changes nothing', async (_name, change) => {
    const artifacts = JSON.parse(handler.json!) as Artifacts;
    change(artifacts);
    handler.json = JSON.stringify(artifacts);
    await expectCorrupt();
  });

  it('accepts another order of keys, which a handler may return', async () => {
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
  const url = 'handlerstoretest://location';

  beforeAll(() => {
    const router = ((asked: string | string[]) => (asked === url ? handler : null)) as Parameters<
      typeof tf.io.registerSaveRouter
    >[0];
    tf.io.registerSaveRouter(router);
    tf.io.registerLoadRouter(router);
  });

  it.each([
    ['handler', () => handler],
    ['URL', () => url],
  ])('refuse the second on one %s until the first has ended', async (_name, filepath) => {
    const first = await resolveLocation(filepath()).loadStore();
    const second = await resolveLocation(filepath()).loadStore();
    await first.open();
    const error = await rejection(Promise.resolve().then(() => second.open()));
    expect(error.code).toBe('ENTROPY_STORE_IN_USE');
    // Closing the refused store must not release the lock.
    second.close();
    expect((await rejection(Promise.resolve().then(() => second.open()))).code).toBe('ENTROPY_STORE_IN_USE');
    first.close();
    await second.open();
    second.close();
  });

  it('may use one URL in consecutive `fit` calls', async () => {
    for (let i = 0; i < 2; i++) {
      await trainEpochs(net(), data, 0, 1, [new EntropyCheckpointCallback({ filepath: url })]);
    }
    expect(handler.saves).toBe(2);
  });

  it('are refused in one `fit` before a weight changes, and release the lock', async () => {
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

  it('may use two handlers', async () => {
    const stores = [new HandlerStore(handler), new HandlerStore(new MemoryHandler())];
    for (const store of stores) await store.open();
    for (const store of stores) store.close();
  });
});

describe('filepath', () => {
  it.each(['nowhere://a', 'indexeddb://a', 'localstorage://a'])(
    'is refused when the callback is made if no handler serves it: %s',
    (filepath) => {
      const error = thrownBy(() => new EntropyCheckpointCallback({ filepath }));
      expect(error.code).toBe('ENTROPY_INVALID_OPTION');
      expect(error.message).toContain(filepath);
    },
  );

  it('is used as it is if it is a store', async () => {
    const store = new HandlerStore(handler);
    expect(await resolveLocation(store).loadStore()).toBe(store);
  });
});

describe('an artifact that is not a checkpoint is refused', () => {
  const loading = (artifacts: object): Promise<unknown> =>
    new HandlerStore({ load: () => Promise.resolve(artifacts) }).load('best');

  it.each([{ modelTopology: {} }, { modelTopology: {}, userDefinedMetadata: { mine: 1 } }])(
    'if it has no record: %j',
    async (artifacts) => {
      const error = await rejection(loading(artifacts));
      expect(error.code).toBe('ENTROPY_NOT_A_CHECKPOINT');
      expect(error.message).toContain('a model without its record');
    },
  );

  it.each([
    null,
    3,
    [],
    {},
    { shards: {} },
    { shards: [{ sizeBytes: 0, sha256: '0'.repeat(64) }] },
    { shards: [{ sizeBytes: 1, sha256: 'x' }] },
  ])('if its record has no valid shards: %j', async (entropyCheckpoint) => {
    const artifacts = { modelTopology: {}, generatedBy: '', userDefinedMetadata: { entropyCheckpoint } };
    expect((await rejection(loading(artifacts))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  it.each(['modelTopology', 'userDefinedMetadata'])('if it has a key `__proto__` in %s', async (part) => {
    await new HandlerStore(handler).save(checkpointOfStep(7), INTO_BEST);
    const artifacts = (await handler.load()) as Record<string, Record<string, unknown>>;
    artifacts[part]!['deep'] = [JSON.parse('{"__proto__": {"isAdmin": true}}')];
    const error = await rejection(loading(artifacts));
    expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    expect(error.message).toContain('__proto__');
  });

  it('if it contains itself', async () => {
    await new HandlerStore(handler).save(checkpointOfStep(7), INTO_BEST);
    const artifacts = (await handler.load()) as Record<string, Record<string, unknown>>;
    const endless: unknown[] = [];
    endless.push(endless, endless);
    artifacts['modelTopology']!['deep'] = endless;
    expect((await rejection(loading(artifacts))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  it('if its sizes exceed any memory', async () => {
    await new HandlerStore(handler).save(checkpointOfStep(7), INTO_BEST);
    const artifacts = await handler.load();
    artifacts.weightSpecs![0]!.shape = [2 ** 40];
    expect((await rejection(loading(artifacts))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });
});

describe('local storage', () => {
  /** A stand-in for TensorFlow.js's handler, which holds the given artifacts, or nothing. */
  const storageWith = (artifacts: object | null): tf.io.IOHandler => ({
    load: () => Promise.resolve(artifacts as tf.io.ModelArtifacts),
    save: () => Promise.reject(new Error('unused')),
  });

  it('is not overwritten if it holds a model that this package did not write', async () => {
    const store = new HandlerStore(storageWith({ modelTopology: {} }), { url: 'localstorage://mine' });
    expect((await rejection(store.open())).code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    const broken: tf.io.IOHandler = {
      ...storageWith(null),
      load: () => Promise.reject(new Error('No access')),
    };
    const unknown = new HandlerStore(broken, { url: 'localstorage://mine' });
    expect((await rejection(unknown.open())).code).toBe('ENTROPY_STORE_FAILED');
    const again = new HandlerStore(storageWith(null), { url: 'localstorage://mine' });
    await again.open();
    again.close();
  });
});
