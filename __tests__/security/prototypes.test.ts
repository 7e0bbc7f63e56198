import { afterEach, beforeEach, describe, expect, it, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  EntropyCheckpoint,
  EntropyCheckpointError,
  loadCheckpoint,
  MemoryStore,
  type Json,
} from '../../src/index.js';
import { MemoryHandler } from '../state/fixtures/memory-handler.js';
import { rejection } from '../support/errors.js';
import { craft, LOCATIONS, setOwn, type ModelJson } from './fixtures/crafted.js';
import type { JsonObject } from './fixtures/hostile-json.js';
import { prototypeKeys } from './fixtures/prototype-keys.js';
import { bitsOf, DENSE, disposeAll, GRAPH, predictionsOf, trainOneBatch } from './fixtures/samples.js';
import { useSamples } from './fixtures/use-samples.js';

const { root, sample } = useSamples();
let model: tf.LayersModel;
let before: { bits: unknown; prototypes: string; numTensors: number; optimizerPrototype: unknown };

beforeEach(async () => {
  model = sample(DENSE).makeModel(9);
  await trainOneBatch(model);
  before = observableState();
});

afterEach(() => {
  expect(prototypeKeys()).toBe(before.prototypes);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  disposeAll(model);
});

function observableState(): typeof before {
  const { numTensors } = tf.memory();
  const optimizerPrototype: unknown = Object.getPrototypeOf(model.optimizer);
  return { bits: bitsOf(model), prototypes: prototypeKeys(), numTensors, optimizerPrototype };
}

const LOCATION_NAMES = Object.keys(LOCATIONS);

/** Stores a crafted checkpoint, and loads it. */
async function load(
  location: string,
  modelJson: string,
  options: { model?: tf.LayersModel } = {},
): Promise<tf.LayersModel> {
  const source = await LOCATIONS[location]!(modelJson, sample(DENSE), root());
  return (await loadCheckpoint(source, options)).model;
}

/** Expects a load to fail, into a model and without one. A MemoryStore may refuse even to store the checkpoint. */
async function expectRefused(location: string, modelJson: string, codes: readonly string[]): Promise<void> {
  for (const options of [{ model }, {}]) {
    const { code } = await rejection(load(location, modelJson, options));
    expect(location === 'a MemoryStore' ? [...codes, 'ENTROPY_STORE_FAILED'] : codes).toContain(code);
    expect(observableState()).toEqual(before);
  }
}

const polluting = { polluted: 'yes' };

describe.each(LOCATION_NAMES)('a field of the optimizer, in %s,', (location) => {
  const fieldsOf = ({ userDefinedMetadata }: ModelJson): Record<string, Json> =>
    userDefinedMetadata.entropyCheckpoint.optimizer.fields;

  test.each<[string, Json]>([
    ['__proto__', { scalar: 1 }],
    ['__proto__', { list: [] }],
    ['__proto__', polluting],
  ])('named %s is refused: %j', async (key, field) => {
    const modelJson = await craft(sample(DENSE), (crafted) => {
      setOwn(fieldsOf(crafted), key, field);
    });
    await expectRefused(location, modelJson, ['ENTROPY_CORRUPT_CHECKPOINT']);
  });

  it.each([
    'constructor',
    'applyGradients',
    'minimize',
    'computeGradients',
    'getClassName',
    'getConfig',
    'dispose',
    'incrementIterations',
    'iterations',
    'toString',
    'valueOf',
    'hasOwnProperty',
    '__defineGetter__',
    '__lookupSetter__',
  ])('does not replace what the optimizer inherits: %s', async (key) => {
    const { numTensors } = tf.memory();
    for (const field of [{ scalar: 1 }, { undefined: true }, { list: [] }] as Json[]) {
      const modelJson = await craft(sample(DENSE), (crafted) => {
        fieldsOf(crafted)[key] = field;
      });
      const { code } = await rejection(load(location, modelJson, { model }));
      expect(code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
      expect(observableState()).toEqual(before);
    }
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  test.each<[string, Json, string]>([
    ['learningRate', 'fast', "'fast'"],
    ['learningRate', null, 'null'],
    ['learningRate', true, 'true'],
    ['learningRate', { number: 'NaN' }, 'NaN'],
    ['learningRate', { number: 'Infinity' }, 'Infinity'],
    ['beta1', null, 'null'],
    ['epsilon', { number: '-Infinity' }, '-Infinity'],
  ])('refuses %s: %j, which is no number', async (key, scalar, got) => {
    const modelJson = await craft(sample(DENSE), (crafted) => {
      fieldsOf(crafted)[key] = { scalar };
    });
    const { code, message } = await rejection(load(location, modelJson, { model }));
    expect(code).toBe('ENTROPY_OPTIMIZER_MISMATCH');
    expect(message).toContain(`Adam.${key}`);
    expect(message).toContain(typeof scalar === 'object' ? got : 'a number');
    expect(observableState()).toEqual(before);
  });

  const tensor: Json = { tensor: 'accBeta1', assigned: true };
  test.each<[string, Json, string]>([
    ['learningRate', tensor, 'a number'],
    ['learningRate', { list: [] }, 'a number'],
    ['accBeta2', { scalar: 0.9 }, 'a tensor'],
    ['accBeta2', { list: [tensor] }, 'a tensor'],
    ['accumulatedFirstMoment', { scalar: 0 }, 'a list'],
    ['accumulatedSecondMoment', tensor, 'a list'],
  ])('%s is refused with another kind of value: %j', async (key, field, got) => {
    const modelJson = await craft(sample(DENSE), (crafted) => {
      const fields = fieldsOf(crafted);
      const { tensor: index } = fields['accBeta1'] as { tensor: number };
      // A tensor can be referred to only once.
      fields['accBeta1'] = { undefined: true };
      fields[key] = JSON.parse(JSON.stringify(field).replace('"accBeta1"', String(index))) as Json;
    });
    const { code, message } = await rejection(load(location, modelJson, { model }));
    expect(code).toBe('ENTROPY_OPTIMIZER_MISMATCH');
    expect(message).toContain(`Adam.${key}`);
    expect(message).toContain(got);
    expect(observableState()).toEqual(before);
  });

  it.each<Json>([
    {},
    null,
    [],
    1,
    'text',
    { scalar: {} },
    { scalar: { number: 'x' } },
    { scalar: polluting },
    { tensor: -1, assigned: true },
    { tensor: 0.5, assigned: true },
    { tensor: 1e9, assigned: true },
    { tensor: '0', assigned: true },
    { tensor: 0, assigned: 1 },
    { slot: 0, path: [-1], suffix: '' },
    { slot: 0, path: '0', suffix: '' },
    { list: {} },
    { list: { length: 1e9 } },
    { list: [{ list: [polluting] }] },
    { scalar: 1, extra: 1 },
    { undefined: false },
  ])('is refused if it is malformed: %j', async (field) => {
    const modelJson = await craft(sample(DENSE), (crafted) => {
      fieldsOf(crafted)['learningRate'] = field;
    });
    await expectRefused(location, modelJson, ['ENTROPY_CORRUPT_CHECKPOINT']);
  });

  it('does not replace an own function of the optimizer', async () => {
    const applyGradients = (): void => undefined;
    Object.assign(model.optimizer, { schedule: applyGradients });
    for (const field of [{ scalar: 1 }, { undefined: true }] as Json[]) {
      const modelJson = await craft(sample(DENSE), (crafted) => {
        fieldsOf(crafted)['schedule'] = field;
      });
      const { code } = await rejection(load(location, modelJson, { model }));
      expect(code).toBe('ENTROPY_OPTIMIZER_MISMATCH');
    }
    expect((model.optimizer as unknown as Record<string, unknown>)['schedule']).toBe(applyGradients);
  });

  test.each(['__proto__', 'constructor', 'toString', ''])('of the class %j is refused', async (className) => {
    const modelJson = await craft(sample(DENSE), ({ userDefinedMetadata }) => {
      userDefinedMetadata.entropyCheckpoint.optimizer.className = className;
    });
    const { code } = await rejection(load(location, modelJson, { model }));
    expect(code).toBe('ENTROPY_OPTIMIZER_MISMATCH');
    expect(observableState()).toEqual(before);
  });
});

describe.each(LOCATION_NAMES)('an architecture, in %s,', (location) => {
  /** The objects of an architecture that can get a key. */
  const PARTS: Readonly<Record<string, (topology: ModelJson['modelTopology']) => object>> = {
    itself: (topology) => topology,
    'its arguments': ({ config }) => config,
    'a layer': ({ config }) => config.layers[0]!,
    'the arguments of a layer': ({ config }) => config.layers[0]!['config'] as JsonObject,
    'an initialiser': ({ config }) =>
      (config.layers[0]!['config'] as JsonObject)['kernel_initializer'] as JsonObject,
  };

  it.each(Object.keys(PARTS))('is refused with a key `__proto__` in %s', async (part) => {
    const modelJson = await craft(sample(DENSE), ({ modelTopology }) => {
      setOwn(PARTS[part]!(modelTopology), '__proto__', polluting);
    });
    await expectRefused(location, modelJson, ['ENTROPY_CORRUPT_CHECKPOINT']);
  });

  it.each(Object.keys(PARTS))('is built with keys that objects inherit, in %s', async (part) => {
    const modelJson = await craft(sample(DENSE), ({ modelTopology }) => {
      for (const key of ['constructor', 'prototype', 'has_own_property', '_proto_', '___proto___']) {
        setOwn(PARTS[part]!(modelTopology), key, { prototype: polluting, __proto: polluting });
      }
    });
    const built = await load(location, modelJson);
    disposeAll(built);
    expect(observableState()).toEqual(before);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'is refused with the class %s',
    async (name) => {
      for (const part of ['itself', 'a layer', 'an initialiser']) {
        const modelJson = await craft(sample(DENSE), ({ modelTopology }) => {
          Object.assign(PARTS[part]!(modelTopology), { class_name: name });
        });
        expect((await rejection(load(location, modelJson))).code).toBe('ENTROPY_MODEL_MISMATCH');
        expect(observableState()).toEqual(before);
      }
    },
  );

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'pollutes nothing with a layer named %s',
    async (name) => {
      const graph = sample(GRAPH);
      const modelJson = await craft(graph, (crafted) => {
        const first = crafted.modelTopology.config.layers[1]!['name'] as string;
        const text = JSON.stringify(crafted.modelTopology).replaceAll(`"${first}"`, JSON.stringify(name));
        crafted.modelTopology = JSON.parse(text) as ModelJson['modelTopology'];
      });
      const source = await LOCATIONS[location]!(modelJson, graph, root());
      const loaded = await loadCheckpoint(source).catch((error: unknown) => error);
      if (loaded instanceof EntropyCheckpointError) expect(loaded.code).toBe('ENTROPY_MODEL_MISMATCH');
      else disposeAll((loaded as { model: tf.LayersModel }).model);
      expect(observableState()).toEqual(before);
    },
  );
});

describe.each(LOCATION_NAMES)("the user's metadata, in %s,", (location) => {
  test.each<[string, (metadata: JsonObject) => void]>([
    [
      'at the top level',
      (metadata) => {
        setOwn(metadata, '__proto__', polluting);
      },
    ],
    [
      'in a nested object',
      (metadata) => {
        const inner = {};
        setOwn(inner, '__proto__', polluting);
        metadata['mine'] = { list: [inner] };
      },
    ],
    [
      'in the part of this package',
      ({ entropyCheckpoint }) => {
        setOwn(entropyCheckpoint as object, '__proto__', polluting);
      },
    ],
    [
      'in the record',
      ({ entropyCheckpoint }) => {
        setOwn((entropyCheckpoint as JsonObject)['record'] as object, '__proto__', polluting);
      },
    ],
  ])('are refused with a key `__proto__` %s', async (_name, change) => {
    const modelJson = await craft(sample(DENSE), ({ userDefinedMetadata }) => {
      change(userDefinedMetadata);
    });
    await expectRefused(location, modelJson, ['ENTROPY_CORRUPT_CHECKPOINT']);
  });

  test('are restored as plain data with keys that objects inherit', async () => {
    const mine = {
      constructor: { prototype: polluting },
      prototype: polluting,
      toString: 'a',
      valueOf: null,
      hasOwnProperty: [1],
    };
    const modelJson = await craft(sample(DENSE), ({ userDefinedMetadata }) => {
      Object.assign(userDefinedMetadata, { mine, constructor: polluting });
    });
    const loaded = await load(location, modelJson);
    const metadata = loaded.getUserDefinedMetadata() as Record<string, object>;
    disposeAll(loaded);
    expect(Object.keys(metadata)).toEqual(['mine', 'constructor']);
    expect(JSON.stringify(metadata)).toBe(JSON.stringify({ mine, constructor: polluting }));
    for (const part of [metadata, metadata['mine']!, metadata.constructor]) {
      expect(Object.getPrototypeOf(part)).toBe(Object.prototype);
    }
  });
});

describe('metadata with a key `__proto__`, which could not be loaded again, are not saved', () => {
  test.each<[string, () => string | tf.io.IOHandler | MemoryStore]>([
    ['to a folder', () => `${root()}/saved`],
    ['to a MemoryStore', () => new MemoryStore()],
    ['to a tf.io.IOHandler', () => new MemoryHandler()],
  ])('%s', async (_name, makeLocation) => {
    const source = makeLocation();
    model.setUserDefinedMetadata(JSON.parse('{"mine":{"__proto__":{"polluted":"yes"}}}') as object);
    const checkpoint = new EntropyCheckpoint(model, undefined, { filepath: source });
    const predictions = predictionsOf(model);
    checkpoint.appendOutput(predictions);
    predictions.dispose();
    await checkpoint.saveCheckpoint(0);
    const { code, message } = await rejection(checkpoint.flush());
    checkpoint.dispose();
    expect(code).toBe('ENTROPY_STORE_FAILED');
    expect(message).toContain('__proto__');
    expect((await rejection(loadCheckpoint(source))).code).toBe('ENTROPY_NO_CHECKPOINT');
  });
});
