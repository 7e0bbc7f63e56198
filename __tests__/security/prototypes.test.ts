import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
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
import { craft, PLACES, setOwn, type Root } from './fixtures/crafted.js';
import type { JsonObject } from './fixtures/hostile-json.js';
import { keysOfPrototypes } from './fixtures/prototypes.js';
import { bitsOf, DENSE, disposeAll, GRAPH, predictionsOf, trainOneBatch } from './fixtures/samples.js';
import { useSamples } from './fixtures/temporary-root.js';

const { root, sample } = useSamples();
let model: tf.LayersModel;
let before: { bits: unknown; prototypes: string; numTensors: number; optimizerPrototype: unknown };

beforeEach(async () => {
  model = sample(DENSE).makeModel(9);
  await trainOneBatch(model);
  before = surroundings();
});

afterEach(() => {
  expect(keysOfPrototypes()).toBe(before.prototypes);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  disposeAll(model);
});

function surroundings(): typeof before {
  const { numTensors } = tf.memory();
  const optimizerPrototype: unknown = Object.getPrototypeOf(model.optimizer);
  return { bits: bitsOf(model), prototypes: keysOfPrototypes(), numTensors, optimizerPrototype };
}

const EVERYWHERE = Object.keys(PLACES);

/** Puts what is crafted where the store finds it, and loads it. */
async function load(
  where: string,
  modelJson: string,
  options: { model?: tf.LayersModel } = {},
): Promise<tf.LayersModel> {
  const place = await PLACES[where]!(modelJson, sample(DENSE), root());
  return (await loadCheckpoint(place, options)).model;
}

/** Neither into a model nor as a new one; the store of this package alone may refuse to take it at all. */
async function expectRefused(where: string, modelJson: string, codes: readonly string[]): Promise<void> {
  for (const options of [{ model }, {}]) {
    const { code } = await rejection(load(where, modelJson, options));
    expect(where === 'a MemoryStore' ? [...codes, 'ENTROPY_STORE_FAILED'] : codes).toContain(code);
    expect(surroundings()).toEqual(before);
  }
}

const polluting = { polluted: 'yes' };

describe.each(EVERYWHERE)('a field of the optimizer, in %s,', (where) => {
  const fieldsOf = ({ userDefinedMetadata }: Root): Record<string, Json> =>
    userDefinedMetadata.entropyCheckpoint.optimizer.fields;

  test.each<[string, Json]>([
    ['__proto__', { scalar: 1 }],
    ['__proto__', { list: [] }],
    ['__proto__', polluting],
  ])('that is called %s is damage: %j', async (key, field) => {
    const modelJson = await craft(sample(DENSE), (crafted) => {
      setOwn(fieldsOf(crafted), key, field);
    });
    await expectRefused(where, modelJson, ['ENTROPY_CORRUPT_CHECKPOINT']);
  });

  test.each([
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
  ])('does not take the place of what the optimizer has from its class: %s', async (key) => {
    const { numTensors } = tf.memory();
    for (const field of [{ scalar: 1 }, { undefined: true }, { list: [] }] as Json[]) {
      const modelJson = await craft(sample(DENSE), (crafted) => {
        fieldsOf(crafted)[key] = field;
      });
      const { code } = await rejection(load(where, modelJson, { model }));
      expect(code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
      expect(surroundings()).toEqual(before);
    }
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  const tensor: Json = { tensor: 'accBeta1', assigned: true };
  test.each<[string, Json, string]>([
    ['learningRate', tensor, 'a setting'],
    ['learningRate', { list: [] }, 'a setting'],
    ['accBeta2', { scalar: 0.9 }, 'a tensor'],
    ['accBeta2', { list: [tensor] }, 'a tensor'],
    ['accumulatedFirstMoment', { scalar: 0 }, 'a list'],
    ['accumulatedSecondMoment', tensor, 'a list'],
  ])('%s is refused as another kind of value: %j', async (key, field, got) => {
    const modelJson = await craft(sample(DENSE), (crafted) => {
      const fields = fieldsOf(crafted);
      const { tensor: index } = fields['accBeta1'] as { tensor: number };
      // Of the tensors each can be named once.
      fields['accBeta1'] = { undefined: true };
      fields[key] = JSON.parse(JSON.stringify(field).replace('"accBeta1"', String(index))) as Json;
    });
    const { code, message } = await rejection(load(where, modelJson, { model }));
    expect(code).toBe('ENTROPY_OPTIMIZER_MISMATCH');
    expect(message).toContain(`Adam.${key}`);
    expect(message).toContain(got);
    expect(surroundings()).toEqual(before);
  });

  test.each<Json>([
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
    { slot: 0, place: [-1], suffix: '' },
    { slot: 0, place: '0', suffix: '' },
    { list: {} },
    { list: { length: 1e9 } },
    { list: [{ list: [polluting] }] },
    { scalar: 1, extra: 1 },
    { undefined: false },
  ])('is damage where it is no field: %j', async (field) => {
    const modelJson = await craft(sample(DENSE), (crafted) => {
      fieldsOf(crafted)['learningRate'] = field;
    });
    await expectRefused(where, modelJson, ['ENTROPY_CORRUPT_CHECKPOINT']);
  });

  test('does not take the place of a function that the optimizer itself has', async () => {
    const applyGradients = (): void => undefined;
    Object.assign(model.optimizer, { schedule: applyGradients });
    for (const field of [{ scalar: 1 }, { undefined: true }] as Json[]) {
      const modelJson = await craft(sample(DENSE), (crafted) => {
        fieldsOf(crafted)['schedule'] = field;
      });
      const { code } = await rejection(load(where, modelJson, { model }));
      expect(code).toBe('ENTROPY_OPTIMIZER_MISMATCH');
    }
    expect((model.optimizer as unknown as Record<string, unknown>)['schedule']).toBe(applyGradients);
  });

  test.each(['__proto__', 'constructor', 'toString', ''])('of the class %j is refused', async (className) => {
    const modelJson = await craft(sample(DENSE), ({ userDefinedMetadata }) => {
      userDefinedMetadata.entropyCheckpoint.optimizer.className = className;
    });
    const { code } = await rejection(load(where, modelJson, { model }));
    expect(code).toBe('ENTROPY_OPTIMIZER_MISMATCH');
    expect(surroundings()).toEqual(before);
  });
});

describe.each(EVERYWHERE)('an architecture, in %s,', (where) => {
  /** Where in it a key may be. */
  const PARTS: Readonly<Record<string, (topology: Root['modelTopology']) => object>> = {
    itself: (topology) => topology,
    'its arguments': ({ config }) => config,
    'a layer': ({ config }) => config.layers[0]!,
    'the arguments of a layer': ({ config }) => config.layers[0]!['config'] as JsonObject,
    'an initialiser': ({ config }) =>
      (config.layers[0]!['config'] as JsonObject)['kernel_initializer'] as JsonObject,
  };

  test.each(Object.keys(PARTS))('with a key `__proto__` in %s is damage', async (part) => {
    const modelJson = await craft(sample(DENSE), ({ modelTopology }) => {
      setOwn(PARTS[part]!(modelTopology), '__proto__', polluting);
    });
    await expectRefused(where, modelJson, ['ENTROPY_CORRUPT_CHECKPOINT']);
  });

  test.each(Object.keys(PARTS))(
    'with keys that objects have from their prototype in %s is built',
    async (part) => {
      const modelJson = await craft(sample(DENSE), ({ modelTopology }) => {
        for (const key of ['constructor', 'prototype', 'has_own_property', '_proto_', '___proto___']) {
          setOwn(PARTS[part]!(modelTopology), key, { prototype: polluting, __proto: polluting });
        }
      });
      const built = await load(where, modelJson);
      disposeAll(built);
      expect(surroundings()).toEqual(before);
    },
  );

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'with %s for a class is refused',
    async (name) => {
      for (const part of ['itself', 'a layer', 'an initialiser']) {
        const modelJson = await craft(sample(DENSE), ({ modelTopology }) => {
          Object.assign(PARTS[part]!(modelTopology), { class_name: name });
        });
        expect((await rejection(load(where, modelJson))).code).toBe('ENTROPY_MODEL_MISMATCH');
        expect(surroundings()).toEqual(before);
      }
    },
  );

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'with %s for the name of a layer pollutes nothing',
    async (name) => {
      const graph = sample(GRAPH);
      const modelJson = await craft(graph, (crafted) => {
        const first = crafted.modelTopology.config.layers[1]!['name'] as string;
        const text = JSON.stringify(crafted.modelTopology).replaceAll(`"${first}"`, JSON.stringify(name));
        crafted.modelTopology = JSON.parse(text) as Root['modelTopology'];
      });
      const place = await PLACES[where]!(modelJson, graph, root());
      const loaded = await loadCheckpoint(place).catch((error: unknown) => error);
      if (loaded instanceof EntropyCheckpointError) expect(loaded.code).toBe('ENTROPY_MODEL_MISMATCH');
      else disposeAll((loaded as { model: tf.LayersModel }).model);
      expect(surroundings()).toEqual(before);
    },
  );
});

describe.each(EVERYWHERE)("the user's metadata, in %s,", (where) => {
  test.each<[string, (metadata: JsonObject) => void]>([
    [
      'at the top',
      (metadata) => {
        setOwn(metadata, '__proto__', polluting);
      },
    ],
    [
      'within',
      (metadata) => {
        const inner = {};
        setOwn(inner, '__proto__', polluting);
        metadata['mine'] = { list: [inner] };
      },
    ],
    [
      'within a part of this package',
      ({ entropyCheckpoint }) => {
        setOwn(entropyCheckpoint as object, '__proto__', polluting);
      },
    ],
    [
      'within the record',
      ({ entropyCheckpoint }) => {
        setOwn((entropyCheckpoint as JsonObject)['record'] as object, '__proto__', polluting);
      },
    ],
  ])('with a key `__proto__` %s are damage', async (_name, change) => {
    const modelJson = await craft(sample(DENSE), ({ userDefinedMetadata }) => {
      change(userDefinedMetadata);
    });
    await expectRefused(where, modelJson, ['ENTROPY_CORRUPT_CHECKPOINT']);
  });

  test('with keys that objects have from their prototype are given back as they are, as plain data', async () => {
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
    const loaded = await load(where, modelJson);
    const metadata = loaded.getUserDefinedMetadata() as Record<string, object>;
    disposeAll(loaded);
    expect(Object.keys(metadata)).toEqual(['mine', 'constructor']);
    expect(JSON.stringify(metadata)).toBe(JSON.stringify({ mine, constructor: polluting }));
    for (const part of [metadata, metadata['mine']!, metadata.constructor]) {
      expect(Object.getPrototypeOf(part)).toBe(Object.prototype);
    }
  });
});

describe('metadata with a key `__proto__` are not saved, as they could not be loaded again,', () => {
  test.each<[string, () => string | tf.io.IOHandler | MemoryStore]>([
    ['to a folder', () => `${root()}/saved`],
    ['to a MemoryStore', () => new MemoryStore()],
    ['to a tf.io.IOHandler', () => new MemoryHandler()],
  ])('%s', async (_name, makePlace) => {
    const place = makePlace();
    model.setUserDefinedMetadata(JSON.parse('{"mine":{"__proto__":{"polluted":"yes"}}}') as object);
    const checkpoint = new EntropyCheckpoint(model, undefined, { filepath: place });
    const predictions = predictionsOf(model);
    checkpoint.appendOutput(predictions);
    predictions.dispose();
    await checkpoint.saveCheckpoint(0);
    const { code, message } = await rejection(checkpoint.flush());
    checkpoint.dispose();
    expect(code).toBe('ENTROPY_STORE_FAILED');
    expect(message).toContain('__proto__');
    expect((await rejection(loadCheckpoint(place))).code).toBe('ENTROPY_NO_CHECKPOINT');
  });
});
