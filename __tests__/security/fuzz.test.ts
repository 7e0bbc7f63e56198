import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { applyByteEdits, byteEdits } from './fixtures/hostile-bytes.js';
import { applyEdits, edits, textOf, type JsonObject } from './fixtures/hostile-json.js';
import { Reader } from './fixtures/reader.js';
import { reseal } from './fixtures/reseal.js';
import { makeSamples, SAMPLE_NAMES, type Sample } from './fixtures/samples.js';
import { Watchdog } from './fixtures/watchdog.js';
import { liveBytes } from '../support/live-bytes.js';
import { IS_THOROUGH } from '../support/thorough.js';

/** How long the search is. For a longer one, run `FUZZ_SCALE=20 npm test -- security/fuzz`, with another `FUZZ_SEED`. */
const SCALE = Number(process.env['FUZZ_SCALE'] ?? (IS_THOROUGH ? 1 : 0.06));
const SEED = Number(process.env['FUZZ_SEED'] ?? (IS_THOROUGH ? 2 : 5));
const MIN_LOADS = 10_000;
const TIMEOUT_MS = 120_000 * Math.max(1, SCALE);
/** What TensorFlow.js and the tallies keep. `Reader` limits what each single load requests. */
const MAX_KEPT_BYTES = 48 * 2 ** 20;

const runs = (numRuns: number): { numRuns: number; seed: number } => ({
  numRuns: Math.ceil(numRuns * SCALE),
  seed: SEED,
});
const SECTIONS = ['modelTopology', 'weightsManifest', 'userDefinedMetadata'];

let root = '';
let samples: Sample[] = [];
let watchdog: Watchdog;
const tallies = new Map<string, number>();
let startBytes = 0;

beforeAll(async () => {
  // On a disk, flushing would take most of the time.
  root = fs.mkdtempSync(join(fs.existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'fuzz-'));
  samples = await makeSamples(root);
  fs.mkdirSync(join(root, 'changed'));
  watchdog = new Watchdog(join(root, 'changed'));
  startBytes = liveBytes();
});

afterAll(async () => {
  await watchdog.close();
  fs.rmSync(root, { recursive: true, force: true });
});

describe.each(SAMPLE_NAMES)('a checkpoint of %s is refused or loaded exactly after changes to', (name) => {
  let sample: Sample;
  let reader: Reader;

  beforeEach(async () => {
    sample = samples.find((one) => one.name === name)!;
    reader = new Reader(sample, join(root, 'changed'), watchdog);
    await reader.open();
  });

  afterEach(() => {
    reader.close();
    for (const [key, count] of reader.tally) tallies.set(key, (tallies.get(key) ?? 0) + count);
  });

  const changed = (list: Parameters<typeof applyEdits>[1]): JsonObject => {
    const copy = JSON.parse(sample.modelJson) as JsonObject;
    applyEdits(copy, list);
    return copy;
  };

  test(
    'the bytes of its model.json',
    async () => {
      const original = Buffer.from(sample.modelJson);
      const property = fc.asyncProperty(byteEdits, async (list) => {
        await reader.read(applyByteEdits(original, list), sample.weights, 'as in the sample');
      });
      await fc.assert(property, runs(220));
    },
    TIMEOUT_MS,
  );

  test(
    'the bytes of its weights',
    async () => {
      const property = fc.asyncProperty(byteEdits, async (list) => {
        await reader.read(sample.modelJson, applyByteEdits(sample.weights, list), 'as in the sample');
      });
      await fc.assert(property, runs(50));
    },
    TIMEOUT_MS,
  );

  test(
    'the values in its model.json',
    async () => {
      const property = fc.asyncProperty(edits([2, 500, 1001, 100_000], SECTIONS), async (list) => {
        await reader.read(textOf(changed(list)), sample.weights, 'as in the sample');
      });
      await fc.assert(property, runs(130));
    },
    TIMEOUT_MS,
  );

  test(
    'the values in its model.json, with a matching checksum',
    async () => {
      const property = fc.asyncProperty(
        edits([2, 500], [...SECTIONS, 'userDefinedMetadata']),
        async (list) => {
          await reader.read(await reseal(changed(list)), sample.weights, 'as written');
        },
      );
      await fc.assert(property, runs(500));
    },
    TIMEOUT_MS,
  );
});

test('the search made enough loads, saw every outcome, and kept no memory', () => {
  const total = [...tallies.values()].reduce((sum, count) => sum + count, 0);
  expect(total).toBeGreaterThan(MIN_LOADS * SCALE);
  const outcomes = [
    'loadCheckpoint, a new model: loaded',
    'loadCheckpoint, a given model: loaded',
    'EntropyCheckpoint.resume: loaded',
    'EntropyCheckpointCallback.resume: loaded',
    'loadCheckpoint, a tf.io.IOHandler: loaded',
    'EntropyCheckpointCallback.resume: ENTROPY_CORRUPT_CHECKPOINT',
    'loadCheckpoint, a tf.io.IOHandler: ENTROPY_CORRUPT_CHECKPOINT',
  ];
  const rareOutcomes = [
    'loadCheckpoint, a new model: ENTROPY_MODEL_MISMATCH',
    'loadCheckpoint, a given model: ENTROPY_NOT_A_CHECKPOINT',
    'loadCheckpoint, a given model: ENTROPY_OPTIMIZER_MISMATCH',
  ];
  // A short search may miss the rare ones.
  const expected = SCALE < 1 ? outcomes : [...outcomes, ...rareOutcomes];
  expect([...tallies.keys()]).toEqual(expect.arrayContaining(expected));
  expect(liveBytes() - startBytes).toBeLessThan(MAX_KEPT_BYTES * Math.max(1, SCALE));
});
