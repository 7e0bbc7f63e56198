import { afterEach, describe, expect, it, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  EntropyCheckpoint,
  EntropyCheckpointCallback,
  listCheckpoints,
  loadCheckpoint,
  MemoryStore,
  type EntropyCheckpointOptions,
  type Json,
} from '../src/index.js';
import { FileStore } from '../src/stores/file/file-store.js';
import { craft, LOCATIONS } from './security/fixtures/crafted.js';
import { DENSE, disposeAll } from './security/fixtures/samples.js';
import { useSamples } from './security/fixtures/use-samples.js';
import { MemoryHandler } from './state/fixtures/memory-handler.js';
import { FIT, fitWithConfidences } from './support/confidences.js';
import { rejection, thrownBy } from './support/errors.js';
import { disposeModel, expectNoTensorsLeft, makeData, makeModel, useTempFolder } from './support/fixtures.js';

const tempFolder = useTempFolder();
const { root, sample } = useSamples();

afterEach(() => {
  jest.restoreAllMocks();
});

type Filepath = NonNullable<EntropyCheckpointOptions['filepath']>;

const STORES: [string, () => Filepath][] = [
  ['a folder', () => new FileStore(tempFolder())],
  ['a MemoryStore', () => new MemoryStore()],
  ['a tf.io.IOHandler', () => new MemoryHandler()],
];

const METADATA = {
  labels: ['größe', '"b"'],
  scale: { mean: 0.1, by: [1, null, true] },
  entropyCheckpoint: {},
};

/** What is stored as the user's data in the best checkpoint. */
async function storedMetadata(source: Filepath): Promise<Json> {
  const { model, metadata } = await loadCheckpoint(source);
  model.dispose();
  return metadata;
}

async function train(options: EntropyCheckpointOptions): Promise<void> {
  const { checkpoint, model } = await fitWithConfidences([5, 3, 4], options);
  checkpoint.dispose();
  disposeModel(model);
}

describe.each(STORES)('metadata in %s', (_name, makeStore) => {
  it('is returned by loadCheckpoint and listCheckpoints, as it was', async () => {
    const filepath = makeStore();
    await train({ filepath, metadata: METADATA });
    expect(await storedMetadata(filepath)).toEqual(METADATA);
    expect((await listCheckpoints(filepath)).map(({ metadata }) => metadata)).toEqual([METADATA]);
  });

  it('is null if there is none', async () => {
    const filepath = makeStore();
    await train({ filepath });
    expect(await storedMetadata(filepath)).toBeNull();
  });

  it('belongs to the caller of each call', async () => {
    const filepath = makeStore();
    await train({ filepath, metadata: METADATA });
    const [first] = await listCheckpoints(filepath);
    (first!.metadata as typeof METADATA).labels.push('changed');
    expect(await storedMetadata(filepath)).toEqual(METADATA);
  });
});

test('a handler that hands out its own object keeps it unchanged', async () => {
  let stored: tf.io.ModelArtifacts = {};
  const handler: tf.io.IOHandler = {
    save: (artifacts) => {
      stored = artifacts;
      return Promise.resolve({ modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) });
    },
    load: () => Promise.resolve(stored),
  };
  await train({ filepath: handler, metadata: METADATA });
  const [listed] = await listCheckpoints(handler);
  (listed!.metadata as typeof METADATA).labels.push('changed');
  expect(await storedMetadata(handler)).toEqual(METADATA);
});

test('metadata is what it was when the object was built', async () => {
  const metadata = { rates: [0.1] };
  const filepath = new MemoryStore();
  const checkpoint = new EntropyCheckpointCallback({ filepath, metadata });
  metadata.rates.push(NaN);
  const model = makeModel();
  const { x, y } = makeData(24);
  await model.fit(x, y, { ...FIT, callbacks: checkpoint });
  expect(await storedMetadata(filepath)).toEqual({ rates: [0.1] });
});

test.each<Json>([0, '', false, [], {}, 'text', -1.5])(
  'the value %p is metadata as well',
  async (metadata) => {
    const filepath = new MemoryStore();
    await train({ filepath, metadata });
    expect(await storedMetadata(filepath)).toEqual(metadata);
  },
);

test('the largest metadata that is accepted can be stored and loaded', async () => {
  // The most objects in so many characters.
  const metadata = Array<Json>(166_666).fill({});
  expect(JSON.stringify(metadata).length).toBeGreaterThan(499_000);
  const filepath = new FileStore(tempFolder());
  await train({ filepath, metadata });
  expect(await storedMetadata(filepath)).toEqual(metadata);
});

test('metadata that JSON cannot hold is refused by both constructors', () => {
  const metadata = { classes: new Map() };
  const model = makeModel();
  for (const build of [
    () => new EntropyCheckpointCallback({ metadata }),
    () => new EntropyCheckpoint(model, undefined, { metadata }),
  ]) {
    const error = thrownBy(build);
    expect(error.code).toBe('ENTROPY_INVALID_OPTION');
    expect(error.message).toContain('`metadata.classes`');
  }
  disposeModel(model);
});

test("the model's own metadata stays beside it", () =>
  expectNoTensorsLeft(async () => {
    const input = tf.input({ shape: [1] });
    const output = tf.layers.dense({ units: 2, activation: 'softmax' }).apply(input) as tf.SymbolicTensor;
    const model = tf.model({ inputs: input, outputs: output });
    model.setUserDefinedMetadata({ metadata: 'of the model' });
    const filepath = new MemoryStore();
    const checkpoint = new EntropyCheckpoint(model, undefined, {
      filepath,
      monitor: 'val_acc',
      metadata: 'of the user',
      saveLast: true,
    });
    await checkpoint.saveCheckpoint(0, { val_acc: 0.5 });
    await checkpoint.saveCheckpoint(1, { val_acc: 0.4 });
    await checkpoint.flush();
    checkpoint.dispose();
    model.dispose();
    for (const epoch of [0, 'last'] as const) {
      const loaded = await loadCheckpoint(filepath, { epoch });
      expect(loaded.metadata).toBe('of the user');
      expect(loaded.model.getUserDefinedMetadata()).toEqual({ metadata: 'of the model' });
      loaded.model.dispose();
    }
  }));

test('after `resume`, each epoch has the metadata of the instance that stored it', async () => {
  const filepath = new MemoryStore();
  await train({ filepath, metadata: 'first', maxToKeep: 5 });
  const model = makeModel();
  const checkpoint = new EntropyCheckpointCallback({ filepath, metadata: 'second', maxToKeep: 5 });
  const { initialEpoch } = await checkpoint.resume(model);
  const { x, y } = makeData(24);
  await model.fit(x, y, { ...FIT, initialEpoch, epochs: initialEpoch + 2, callbacks: checkpoint });
  const listed = await listCheckpoints(filepath);
  expect(listed.length).toBeGreaterThan(3);
  for (const { record, metadata } of listed) {
    expect(metadata).toBe(record.epoch < initialEpoch ? 'first' : 'second');
  }
});

describe('a crafted checkpoint', () => {
  async function load(metadata: Json | undefined, location = 'a folder'): Promise<Json> {
    const modelJson = await craft(sample(DENSE), ({ userDefinedMetadata }) => {
      Object.assign(userDefinedMetadata.entropyCheckpoint, { metadata });
    });
    const source = await LOCATIONS[location]!(modelJson, sample(DENSE), root());
    const { model, metadata: loaded } = await loadCheckpoint(source);
    disposeAll(model);
    return loaded;
  }

  it('of a training without metadata has no such field, and loads as null', async () => {
    expect(sample(DENSE).modelJson).not.toContain('"metadata":');
    expect(await load(undefined)).toBeNull();
  });

  it.each(Object.keys(LOCATIONS))('with metadata in its place loads it from %s', async (location) => {
    expect(await load({ a: [1] }, location)).toEqual({ a: [1] });
  });

  it.each<[string, Json]>([
    ['1000 levels', 'deep 1000'],
    ['a key __proto__', JSON.parse('{ "__proto__": { "polluted": 1 } }') as Json],
    ['a million lists', Array<Json>(1_000_000).fill([])],
  ])('with %s in it is damaged', async (_name, metadata) => {
    const { numTensors } = tf.memory();
    expect((await rejection(load({ metadata }))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it('whose metadata was changed without its checksum is damaged', async () => {
    const handler = new MemoryHandler();
    await train({ filepath: handler, metadata: 'secret' });
    handler.json = handler.json!.replace('secret', 'public');
    expect((await rejection(loadCheckpoint(handler))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  it('of a handler that returns what no JSON holds is damaged', async () => {
    const handler = new MemoryHandler();
    await train({ filepath: handler, metadata: { a: null } });
    // The checksum is right: JSON leaves them out, or has null for them.
    for (const [key, value] of [
      ['b', () => 1],
      ['b', undefined],
      ['b', Symbol('s')],
      ['a', NaN],
    ] as const) {
      const hostile: tf.io.IOHandler = {
        async load() {
          const artifacts = await handler.load();
          const { entropyCheckpoint } = artifacts.userDefinedMetadata as {
            entropyCheckpoint: { metadata: Record<string, unknown> };
          };
          entropyCheckpoint.metadata[key] = value;
          return artifacts;
        },
      };
      expect((await rejection(loadCheckpoint(hostile))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    }
  });
});
