import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { EntropyCheckpointCallback, loadCheckpoint } from '../../src/index.js';
import { requireProportion } from '../../src/format/stored-size.js';
import { MAX_MANIFEST_BYTES, refusalOfJson } from '../../src/stores/json-limits.js';
import { isHarmless } from '../../src/stores/outside-data.js';
import { rejection, thrownBy } from '../support/errors.js';
import { countTensors } from '../state/fixtures/tensor-count.js';
import { watchAllocations } from './fixtures/allocation-watch.js';
import { craft, LOCATIONS, type Location, type ModelJson } from './fixtures/crafted.js';
import { bitsOf, DENSE, disposeAll, trainOneBatch } from './fixtures/samples.js';
import { useSamples } from './fixtures/use-samples.js';

const { root, sample } = useSamples();
countTensors();

describe('JSON is refused before it is parsed if it has', () => {
  test.each<[string, string, string]>([
    ['more than 32 MB', ' '.repeat(MAX_MANIFEST_BYTES + 1), 'bytes, more than 33554432'],
    ['too many lists', `[${'[],'.repeat(1e6)}[]]`, 'more objects and lists'],
    ['too many objects', `[${'{},'.repeat(1e6)}{}]`, 'more objects and lists'],
    ['too many numbers', `[${'0,'.repeat(2e6)}0]`, 'more values'],
    ['lists in lists', '['.repeat(1001), 'nested deeper than 1000'],
    ['objects in objects', '{"a":'.repeat(1001), 'nested deeper than 1000'],
  ])('%s', (_name, text, reason) => {
    expect(refusalOfJson(text)).toContain(reason);
    expect(refusalOfJson(new TextEncoder().encode(text))).toContain(reason);
  });

  test.each<[string, string]>([
    ['what texts hold', JSON.stringify(['[{,'.repeat(2e6), '\\"', '"[', '\\'])],
    ['what is closed again', `[${'[[]],'.repeat(1e5)}[]]`],
    [
      'ten thousand layers',
      JSON.stringify(Array.from({ length: 1e4 }, (_, i) => ({ name: `dense_${i}`, a: [i] }))),
    ],
  ])('but not %s', (_name, text) => {
    expect(refusalOfJson(text)).toBeNull();
    expect(refusalOfJson(new TextEncoder().encode(text))).toBeNull();
  });
});

test('an object of a handler with millions of parts is refused', () => {
  expect(isHarmless(Array.from({ length: 1e5 }, () => []))).toBe(true);
  expect(isHarmless(Array.from({ length: 2.5e6 }, () => []))).toBe(false);
});

test('a model.json of gigabytes is refused by its size alone, and not overwritten', async () => {
  const folder = await LOCATIONS['a folder']!(sample(DENSE).modelJson, sample(DENSE), join(root(), 'sparse'));
  const modelJson = join(folder as string, 'model.json');
  fs.truncateSync(modelJson, 5.7e9);
  const model = sample(DENSE).makeModel(9);
  const resume = () => new EntropyCheckpointCallback({ filepath: folder as string }).resume(model);
  const uses: (() => Promise<unknown>)[] = [
    () => loadCheckpoint(folder),
    () => loadCheckpoint(folder, { model }),
    resume,
  ];
  for (const use of uses) {
    const { error, totalBytes } = await watchAllocations(use);
    expect(error).toMatchObject({ code: 'ENTROPY_CORRUPT_CHECKPOINT' });
    expect((error as Error).message).toContain('5700000000 bytes');
    expect(totalBytes).toBeLessThan(2 ** 20);
  }
  expect(fs.statSync(modelJson).size).toBe(5.7e9);
  disposeAll(model);
});

/** Names a shard of 8 MB forty times. @returns a folder with it. */
async function repeatShard(
  folderName: string,
  change: (root: ModelJson, count: number, elements: number) => void,
): Promise<Location> {
  const bytes = new Uint8Array(2 ** 23).fill(1);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const repeated = Array.from({ length: 40 }, () => ({ sizeBytes: bytes.length, sha256 }));
  const nameOf = (digest: string): string =>
    sample(DENSE).weightFile.replace(/[0-9a-f]{8,}/, (name) => digest.slice(0, name.length));
  const modelJson = await craft(sample(DENSE), (root) => {
    root.userDefinedMetadata.entropyCheckpoint.shards.push(...repeated);
    root.weightsManifest[0].paths.push(...repeated.map(() => nameOf(sha256)));
    change(root, repeated.length, (repeated.length * bytes.length) / 4);
  });
  const folder = await LOCATIONS['a folder']!(modelJson, sample(DENSE), join(root(), folderName));
  fs.writeFileSync(join(folder as string, nameOf(sha256)), bytes);
  return folder;
}

test('one shard that is named many times as weights is refused, with a model and without', async () => {
  const folder = await repeatShard(
    'repeated',
    ({ weightsManifest: [{ weights }], userDefinedMetadata }, _, elements) => {
      const { fields } = userDefinedMetadata.entropyCheckpoint.optimizer;
      fields['extra'] = { tensor: weights.length, assigned: false };
      weights.push({ name: 'extra', shape: [elements], dtype: 'float32' });
    },
  );
  const model = sample(DENSE).makeModel(9);
  for (const options of [{}, { model }]) {
    const { error, totalBytes } = await watchAllocations(() => loadCheckpoint(folder, options));
    expect(error).toMatchObject({ code: 'ENTROPY_MODEL_MISMATCH' });
    expect((error as Error).message).toContain('from 838');
    // Three buffers, to compare checksums.
    expect(totalBytes).toBeLessThan(40 * 2 ** 20);
  }
  disposeAll(model);
});

test('one shard that is named many times as the history is refused', async () => {
  const folder = await repeatShard(
    'history',
    ({ weightsManifest: [{ weights }], userDefinedMetadata }, count, elements) => {
      userDefinedMetadata.entropyCheckpoint.earlier = { shards: count, epochs: 1000 };
      weights.push({ name: 'history', shape: [elements], dtype: 'int32' });
    },
  );
  const model = sample(DENSE).makeModel(9);
  await trainOneBatch(model);
  const before = bitsOf(model);
  const { error, totalBytes } = await watchAllocations(() =>
    new EntropyCheckpointCallback({ filepath: folder as string }).resume(model),
  );
  expect(error).toMatchObject({ code: 'ENTROPY_CORRUPT_CHECKPOINT' });
  expect((error as Error).message).toContain('history repeats a shard');
  // Each of two readings takes three buffers.
  expect(totalBytes).toBeLessThan(64 * 2 ** 20);
  expect(bitsOf(model)).toEqual(before);
  disposeAll(model);
});

test.each([
  [2 ** 26, 0, 0, true],
  [2 ** 26 + 1, 0, 0, false],
  [2 ** 26 + 800, 100, 0, true],
  [2 ** 26 + 801, 100, 0, false],
  [2 ** 26 + 1600, 100, 200, true],
  [2 ** 26 + 1601, 100, 200, false],
])(
  '%d bytes from %d in the store, for a model of %d: accepted %p',
  (totalBytes, distinctBytes, needed, isOk) => {
    const check = (): void => {
      requireProportion({ totalBytes, distinctBytes }, needed);
    };
    if (isOk) check();
    else expect(thrownBy(check).code).toBe('ENTROPY_MODEL_MISMATCH');
  },
);

describe('an architecture is refused if it has', () => {
  const input = {
    class_name: 'InputLayer',
    name: 'in',
    inbound_nodes: [],
    config: { batch_input_shape: [null, 2], name: 'in' },
  };
  const graph = (layers: object[]): object => ({
    class_name: 'Functional',
    config: {
      name: 'crafted',
      layers: [input, ...layers],
      input_layers: [['in', 0, 0]],
      output_layers: [['a0', 0, 0]],
    },
  });
  const layer = (name: string, nodes: number): object => ({
    class_name: 'Activation',
    name,
    config: { activation: 'linear', name },
    inbound_nodes: Array.from({ length: nodes }, () => [['in', 0, 0, {}]]),
  });

  test.each<[string, object, string]>([
    [
      'fifty thousand layers',
      graph(Array.from({ length: 50_001 }, (_, i) => layer(`a${i}`, 0))),
      'layers and initializers',
    ],
    ['fifty thousand connections', graph([layer('a0', 50_001)]), 'connected more than 50000 times'],
  ])('%s', async (_name, topology, reason) => {
    const modelJson = await craft(sample(DENSE), (crafted) => {
      crafted.modelTopology = topology as typeof crafted.modelTopology;
    });
    const folder = await LOCATIONS['a folder']!(modelJson, sample(DENSE), join(root(), 'parts'));
    const error = await rejection(loadCheckpoint(folder));
    expect(error.code).toBe('ENTROPY_MODEL_MISMATCH');
    expect(error.message).toContain(reason);
  });
});
