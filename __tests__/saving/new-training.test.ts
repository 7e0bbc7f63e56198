import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type * as tf from '@tensorflow/tfjs';
import { join } from 'node:path';
import { EntropyCheckpointError, MESSAGE_PREFIX } from '../../src/errors.js';
import { readManifests } from '../../src/saving/read-checkpoints.js';
import { FileStore } from '../../src/stores/file/file-store.js';
import { HandlerStore } from '../../src/stores/handler-store.js';
import { MemoryStore } from '../../src/stores/memory-store.js';
import type { CheckpointStore } from '../../src/stores/store.js';
import { rejection } from '../support/errors.js';
import { expectNoTensorsLeft, useTempFolder } from '../support/fixtures.js';
import { GatedStore } from '../support/gated-store.js';
import { SaverTraining } from '../support/saver-training.js';
import { storedEpochs } from '../support/stored-epochs.js';
import { until } from '../support/until.js';

const folder = useTempFolder();
let warn: jest.SpiedFunction<typeof console.warn>;

beforeEach(() => {
  warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

/** The warnings of this package. TensorFlow.js has its own. */
function warnings(): string[] {
  return warn.mock.calls.map(([text]) => String(text)).filter((text) => text.startsWith(MESSAGE_PREFIX));
}

const FULL = new Error('No space left');

type Options = NonNullable<ConstructorParameters<typeof SaverTraining>[1]>;

/** Runs a training with these values to its end. */
async function train(
  store: CheckpointStore,
  values: readonly number[],
  options: Options = {},
): Promise<SaverTraining> {
  const training = new SaverTraining(store, options);
  await training.saver.open();
  for (const value of values) await training.endEpoch(value);
  await training.saver.flush();
  training.saver.close();
  return training;
}

/** A training that has ended, and whose best epoch could not be stored. */
async function trainUnstored(store: GatedStore, value: number): Promise<SaverTraining> {
  const training = new SaverTraining(store, {});
  await training.saver.open();
  store.failures.push(FULL, FULL);
  await training.endEpoch(value);
  await rejection(training.saver.flush());
  training.saver.close();
  return training;
}

/** The monitored values that a store holds, by slot. They tell trainings apart. */
async function storedValues(store: CheckpointStore): Promise<Record<string, number | null>> {
  const { manifests } = await readManifests(store);
  return Object.fromEntries(manifests.map(({ slot, record }) => [slot, record.value]));
}

/** A handler that keeps what it saves. */
class KeepingHandler implements tf.io.IOHandler {
  artifacts: tf.io.ModelArtifacts | null = null;
  save = (artifacts: tf.io.ModelArtifacts): Promise<tf.io.SaveResult> => {
    this.artifacts = artifacts;
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } });
  };
  load = (): Promise<tf.io.ModelArtifacts> => Promise.resolve(this.artifacts!);
}

const SEVERAL: Options = { maxToKeep: 2, saveLast: true };

const STORES: readonly [string, () => CheckpointStore, Options][] = [
  ['a folder', () => new FileStore(join(folder(), 'run')), SEVERAL],
  ['memory', () => new MemoryStore(), SEVERAL],
  ['a handler', () => new HandlerStore(new KeepingHandler()), {}],
];

describe.each(STORES)('a new training where another one is stored: %s', (_name, makeStore, options) => {
  /** No epoch below 5 can be the best. */
  const withThreshold = { ...options, initialThreshold: 5 };

  it('warns once, and names `resume` and the place', () =>
    expectNoTensorsLeft(async () => {
      const store = makeStore();
      await train(store, [1, 3, 2], options);
      expect(warnings()).toEqual([]);
      const training = await train(store, [4], withThreshold);
      await training.saver.open();
      training.saver.dispose();
      expect(warnings()).toHaveLength(1);
      expect(warnings()[0]).toMatch(/`resume`/);
      expect(warnings()[0]).toContain(store.name);
    }));

  it('replaces nothing before it has a best epoch, and everything then', () =>
    expectNoTensorsLeft(async () => {
      const store = makeStore();
      await train(store, [1, 3, 2], options);
      const before = await storedValues(store);
      const training = await train(store, [4, 4], withThreshold);
      expect(await storedValues(store)).toEqual(before);
      expect(training.captured).toEqual([]);
      await training.saver.open();
      await training.endEpoch(6);
      await training.saver.flush();
      const expected = store.capacity === 'one' ? { best: 6 } : { best: 6, 'epoch-2': 6, last: 6 };
      expect(await storedValues(store)).toEqual(expected);
      training.saver.dispose();
    }));

  it('does not warn where it is resumed', () =>
    expectNoTensorsLeft(async () => {
      const store = makeStore();
      await train(store, [1, 3, 2], options);
      const training = new SaverTraining(store, options);
      await training.resume();
      await training.saver.open();
      await training.endEpoch(4);
      await training.saver.flush();
      training.saver.dispose();
      expect(warnings()).toEqual([]);
      expect((await storedValues(store))['best']).toBe(4);
    }));
});

describe('where the latest epoch is kept', () => {
  it('it is stored without a best one in an empty store', () =>
    expectNoTensorsLeft(async () => {
      const store = new MemoryStore();
      await train(store, [4], { ...SEVERAL, initialThreshold: 5 });
      expect(await storedEpochs(store)).toEqual({ last: 0 });
      expect(warnings()).toEqual([]);
    }));

  it('it is stored without a best one in a training that was resumed', () =>
    expectNoTensorsLeft(async () => {
      const store = new MemoryStore();
      const options = { ...SEVERAL, initialThreshold: 5 };
      await train(store, [4], options);
      const training = new SaverTraining(store, options);
      await training.resume();
      await training.saver.open();
      await training.endEpoch(3);
      await training.saver.flush();
      training.saver.dispose();
      expect(await storedEpochs(store)).toEqual({ last: 1 });
    }));

  it('it is stored without a best one after resuming, where the best one is damaged', () =>
    expectNoTensorsLeft(async () => {
      const store = new MemoryStore();
      await train(store, [7, 3], { saveLast: true });
      const load = store.load.bind(store);
      const damage = new EntropyCheckpointError('ENTROPY_CORRUPT_CHECKPOINT', 'Damaged.');
      jest
        .spyOn(store, 'load')
        .mockImplementation((slot) => (slot === 'best' ? Promise.reject(damage) : load(slot)));
      const training = new SaverTraining(store, { saveLast: true, initialThreshold: 9 });
      await training.resume();
      await training.saver.open();
      await training.endEpoch(8);
      await training.saver.flush();
      training.saver.dispose();
      expect((await storedValues(store))['last']).toBe(8);
    }));

  it('periodic epochs wait in memory for it, where another training is', () =>
    expectNoTensorsLeft(async () => {
      const store = new MemoryStore();
      await train(store, [1]);
      const training = await train(store, [4, 3, 2], { keepEvery: 2, initialThreshold: 5 });
      await training.saver.flush();
      expect(await storedEpochs(store)).toEqual({ best: 0 });
      expect(await training.load(training.selector.periodic[0]!, false)).toBe(1);
      await training.saver.open();
      await training.endEpoch(6);
      await training.saver.flush();
      expect(await storedEpochs(store)).toEqual({ best: 3, 'periodic-epoch-1': 1, 'periodic-epoch-3': 3 });
      training.saver.dispose();
    }));

  it('`flush` fails as long as it is not stored, also once another training is there', () =>
    expectNoTensorsLeft(async () => {
      const store = new GatedStore();
      const training = new SaverTraining(store, { saveLast: true, initialThreshold: 9 });
      await training.saver.open();
      store.failures.push(FULL, FULL);
      await training.endEpoch(4);
      expect((await rejection(training.saver.flush())).code).toBe('ENTROPY_STORE_FAILED');
      training.saver.close();
      (await train(store, [1])).saver.dispose();
      expect((await rejection(training.saver.flush())).code).toBe('ENTROPY_STORE_FAILED');
      expect(await storedEpochs(store)).toEqual({ best: 0 });
      training.saver.dispose();
    }));

  it('loading it says why it is not stored, where another training is', () =>
    expectNoTensorsLeft(async () => {
      const store = new MemoryStore();
      await train(store, [1]);
      const training = await train(store, [4], { ...SEVERAL, initialThreshold: 5 });
      const error = await rejection(training.load(training.selector.last!, false));
      expect(error.code).toBe('ENTROPY_NO_CHECKPOINT');
      expect(error.message).toMatch(/only a best epoch replaces the other training in memory/);
    }));
});

describe('while the best epoch of a new training can not be stored, the other training stays whole', () => {
  const OLDER = { best: 3, 'epoch-1': 3, 'epoch-2': 2, last: 2 };

  it.each<[string, (training: SaverTraining) => Promise<unknown>]>([
    ['flush', (training) => rejection(training.saver.flush())],
    [
      'close',
      (training) => {
        training.saver.close();
        return Promise.resolve();
      },
    ],
  ])('%s', (_name, end) =>
    expectNoTensorsLeft(async () => {
      const store = new GatedStore();
      await train(store, [1, 3, 2], SEVERAL);
      const training = new SaverTraining(store, SEVERAL);
      await training.saver.open();
      store.shut();
      // The best fails each time; what comes after it would have room.
      store.failures.push(FULL);
      for (const value of [6, 5, 4]) await training.endEpoch(value);
      store.failures.push(FULL);
      const ended = end(training);
      store.letThrough();
      await ended;
      await until(() => store.ended === store.begun.length);
      expect(await storedValues(store)).toEqual(OLDER);
      training.saver.dispose();
      await training.saver.flush();
    }),
  );
});

describe('a training that another one has replaced meanwhile', () => {
  it('becomes the newest when it continues, and resuming gives its record and its state', () =>
    expectNoTensorsLeft(async () => {
      const store = new MemoryStore();
      const first = await train(store, [1, 3], SEVERAL);
      await train(store, [7, 8], SEVERAL);
      warn.mockClear();
      await first.saver.open();
      expect(warnings().join()).toMatch(/Another training has stored its checkpoints in memory/);
      await first.endEpoch(9);
      // The epochs that the other one has replaced are wanted and lost.
      expect((await rejection(first.saver.flush())).code).toBe('ENTROPY_CHECKPOINT_REPLACED');
      first.saver.dispose();

      const resumed = new SaverTraining(store, SEVERAL);
      const { record, state } = await resumed.resume();
      expect({ value: record?.value, state }).toEqual({ value: 9, state: 2 });
      expect(resumed.selector.history.map(({ value }) => value)).toEqual([1, 3, 9]);
      expect(resumed.selector.best?.value).toBe(9);
    }));

  it('does not replace the other with a latest epoch, as its best is lost', () =>
    expectNoTensorsLeft(async () => {
      const store = new MemoryStore();
      const first = await train(store, [3, 2], { saveLast: true });
      await train(store, [7], { saveLast: true });
      await first.saver.open();
      await first.endEpoch(1);
      await rejection(first.saver.flush());
      first.saver.dispose();
      expect(await storedValues(store)).toEqual({ best: 7, last: 7 });
    }));

  it('stores what was left in memory as the newest, if it is flushed after that', () =>
    expectNoTensorsLeft(async () => {
      const store = new GatedStore();
      const first = await trainUnstored(store, 3);
      await train(store, [7], { saveLast: true });
      await first.saver.flush();
      expect(await storedValues(store)).toEqual({ best: 3 });
      first.saver.dispose();
    }));

  it('is not flushed while the other has the store open', () =>
    expectNoTensorsLeft(async () => {
      const store = new GatedStore();
      const first = await trainUnstored(store, 3);
      const other = new SaverTraining(store);
      await other.saver.open();
      await other.endEpoch(7);
      await other.saver.flush();
      expect((await rejection(first.saver.flush())).code).toBe('ENTROPY_STORE_IN_USE');
      other.saver.dispose();
      first.saver.dispose();
      expect(await storedValues(store)).toEqual({ best: 7 });
    }));
});

describe('a handler', () => {
  it('that can only save is not read', () =>
    expectNoTensorsLeft(async () => {
      const handler: tf.io.IOHandler = { save: new KeepingHandler().save };
      await train(new HandlerStore(handler), [1]);
      expect(warnings()).toEqual([]);
    }));

  it('whose `load` fails may hold a checkpoint: training is refused, until it answers', () =>
    expectNoTensorsLeft(async () => {
      const handler = new KeepingHandler();
      await train(new HandlerStore(handler), [1]);
      const save = jest.spyOn(handler, 'save');
      const load = jest.spyOn(handler, 'load').mockRejectedValueOnce(new Error('no route to host'));
      const next = new SaverTraining(new HandlerStore(handler));
      const error = await rejection(next.saver.open());
      expect(error.code).toBe('ENTROPY_STORE_FAILED');
      expect(error.message).toMatch(/no route to host.*resolve with null/);
      expect(save).not.toHaveBeenCalled();
      await next.saver.open();
      expect(load).toHaveBeenCalledTimes(2);
      await next.endEpoch(2);
      await next.saver.flush();
      next.saver.dispose();
      expect(save).toHaveBeenCalledTimes(1);
    }));

  it('that holds a damaged checkpoint is one with a checkpoint: a warning says so', () =>
    expectNoTensorsLeft(async () => {
      const handler = new KeepingHandler();
      handler.load = () =>
        Promise.resolve({ modelTopology: {}, weightSpecs: [], weightData: new ArrayBuffer(0) });
      await train(new HandlerStore(handler), [1]);
      expect(warnings().join()).toMatch(/Call `resume` before training/);
    }));

  it('is read once a training, however often it is opened', () =>
    expectNoTensorsLeft(async () => {
      const handler = new KeepingHandler();
      await train(new HandlerStore(handler), [1]);
      const load = jest.spyOn(handler, 'load');
      const training = await train(new HandlerStore(handler), [1]);
      await training.saver.open();
      training.saver.dispose();
      expect(load).toHaveBeenCalledTimes(1);
    }));
});
