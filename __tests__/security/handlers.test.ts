import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError, loadCheckpoint } from '../../src/index.js';
import { watchAllocations } from './fixtures/allocation-watch.js';
import type { JsonObject } from './fixtures/hostile-json.js';
import { bitsOf, DENSE, disposeAll, trainOneBatch } from './fixtures/samples.js';
import { useSamples } from './fixtures/use-samples.js';
import { handlerOf } from './fixtures/ways-to-load.js';

const { sample } = useSamples();
let model: tf.LayersModel;
let before: unknown;

beforeEach(async () => {
  model = sample(DENSE).makeModel(9);
  await trainOneBatch(model);
  before = bitsOf(model);
});

afterEach(() => {
  disposeAll(model);
});

/** Loads from a handler that returns the sample with these parts replaced, and expects it to be refused. */
async function expectRefused(parts: object): Promise<void> {
  const artifacts = await handlerOf(sample(DENSE).modelJson, sample(DENSE).weights)!.load!();
  const handler = { load: () => Promise.resolve({ ...artifacts, ...parts }) };
  const { numTensors } = tf.memory();
  const { error, totalBytes } = await watchAllocations(() => loadCheckpoint(handler, { model }));
  expect(error).toBeInstanceOf(EntropyCheckpointError);
  expect((error as EntropyCheckpointError).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  expect(totalBytes).toBeLessThan(2 ** 20);
  expect(bitsOf(model)).toEqual(before);
  expect(tf.memory().numTensors).toBe(numTensors);
}

const cyclic: JsonObject = {};
cyclic['itself'] = cyclic;

test.each<[string, object]>([
  ['an architecture that contains itself', { modelTopology: cyclic }],
  ['an architecture that is a list', { modelTopology: [] }],
  ['an architecture with a bigint in it', { modelTopology: { a: 1n } }],
  ['metadata that contain themselves', { userDefinedMetadata: { entropyCheckpoint: cyclic } }],
  ['a function as metadata', { userDefinedMetadata: { entropyCheckpoint: () => 1 } }],
  ['weights that are not a list', { weightSpecs: { length: 1e9 } }],
  ['a list of weights with holes in it', { weightSpecs: new Array<unknown>(1e6) }],
  ['a number as the version of tfjs', { generatedBy: 1 }],
  ['no bytes', { weightData: undefined }],
  ['an empty list of bytes', { weightData: [] }],
  ['too many bytes', { weightData: new Uint8Array(1) }],
])('a handler that returns %s is refused', async (_name, parts) => {
  await expectRefused(parts);
});

test.each<[string, unknown]>([
  ['a number', 1e8],
  ['a negative number', -1],
  ['a number as text', '100000000'],
  ['an object with a length', { length: 1e8 }],
  ['a list of numbers', [1e8, 1e8]],
])('a handler that returns %s as the bytes is refused, and takes no memory', async (_name, weightData) => {
  await expectRefused({ weightData });
});
