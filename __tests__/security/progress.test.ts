import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, type Json } from '../../src/index.js';
import { afterBatch, BATCHES, fitFrom, makeDataset, makeNet } from '../saving/fixtures/interrupted.js';
import { countTensors } from '../state/fixtures/tensor-count.js';
import { modelBits } from '../state/fixtures/training.js';
import { rejection } from '../support/errors.js';
import { useTempFolder } from '../support/fixtures.js';
import { setOwn, type ModelJson } from './fixtures/crafted.js';
import type { JsonObject } from './fixtures/hostile-json.js';
import { reseal } from './fixtures/reseal.js';

const own = countTensors();
const tempFolder = useTempFolder();
const options = { averageWeights: true, saveLast: { everyBatches: 1 } } as const;

interface Crafted extends ModelJson {
  userDefinedMetadata: JsonObject & {
    entropyCheckpoint: ModelJson['userDefinedMetadata']['entropyCheckpoint'] & {
      progress: {
        batchesPerEpoch: Json;
        averagedSteps: Json;
        entropy: { parts: number; rows: number } | null;
        logs: { rows: number; totals: Record<string, number> };
      };
    };
  };
}

type Metadata = Crafted['userDefinedMetadata']['entropyCheckpoint'];

/** Stops a training after 4 batches of epoch 1, changes its state as an attacker could, and opens it again. */
async function resumed(change: (metadata: Metadata, root: Crafted) => void) {
  const filepath = join(tempFolder(), 'run');
  const first = own(makeNet(tf.train.adam(0.02)));
  const interrupted = new EntropyCheckpointCallback({ ...options, filepath });
  const stop = afterBatch(1, 3, () => {
    first.stopTraining = true;
    return Promise.resolve();
  });
  const start = { initialEpoch: 0, initialBatch: 0 };
  await fitFrom(first, makeDataset(true), start, [interrupted, stop]);
  interrupted.dispose();

  const file = join(filepath, 'model.last.json');
  const root = JSON.parse(fs.readFileSync(file, 'utf8')) as Crafted;
  change(root.userDefinedMetadata.entropyCheckpoint, root);
  fs.writeFileSync(file, await reseal(root as unknown as JsonObject));
  // Nothing older is there to fall back on.
  fs.rmSync(join(filepath, 'model.json'));

  const model = own(makeNet(tf.train.adam(0.02)));
  return { model, checkpoint: new EntropyCheckpointCallback({ ...options, filepath }) };
}

describe('how far an epoch is, with a matching checksum, is refused', () => {
  test.each<[string, (metadata: Metadata, root: Crafted) => void]>([
    ['without it', (metadata) => delete (metadata as Partial<Metadata>).progress],
    ['with more batches than the epoch has', ({ progress }) => (progress.batchesPerEpoch = 3)],
    ['with a negative number of batches', ({ progress }) => (progress.batchesPerEpoch = -BATCHES)],
    ['of no batches', ({ record }) => (record['batches'] = 0)],
    ['with half a batch', ({ record }) => (record['batches'] = 2.5)],
    ['with the scores of an epoch that has ended', ({ record }) => (record['entropy'] = 0.5)],
    ['of an epoch that is the best', ({ record }) => (record['isBest'] = true)],
    ['with logs', ({ record }) => (record['logs'] = { loss: 1 })],
    ['with steps that are no number', ({ progress }) => (progress.averagedSteps = '4')],
    ['of infinitely many steps', ({ progress }) => (progress.averagedSteps = { number: 'Infinity' })],
    ['with a mean of no rows', ({ progress }) => (progress.entropy!.rows = 0)],
    ['with a mean that is a weight', ({ progress }) => (progress.entropy!.parts = 0)],
    ['with a mean that is not there', ({ progress }) => (progress.entropy!.parts = 10_000)],
    ['with a sum that is a weight', ({ progress }) => (progress.logs.totals['loss'] = 1)],
    [
      'with one tensor for two sums',
      ({ progress }) => (progress.logs.totals['loss'] = progress.logs.totals['acc']!),
    ],
    [
      'with a mean of integers',
      ({ progress }, { weightsManifest: [{ weights }] }) =>
        (weights[progress.entropy!.parts]!.dtype = 'int32'),
    ],
    [
      'with a mean of two dimensions',
      ({ progress }, { weightsManifest: [{ weights }] }) =>
        (weights[progress.entropy!.parts]!.shape = [1, ...weights[progress.entropy!.parts]!.shape]),
    ],
    [
      'with a sum named `__proto__`',
      ({ progress: { logs } }) => {
        setOwn(logs.totals, '__proto__', logs.totals['loss']!);
        delete logs.totals['loss'];
      },
    ],
    ['with another field', ({ progress }) => Object.assign(progress, { more: 1 })],
  ])('%s', async (_name, change) => {
    const { model, checkpoint } = await resumed(change);
    const before = modelBits(model);

    const error = await rejection(checkpoint.resume(model));

    expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    expect(modelBits(model)).toEqual(before);
    checkpoint.dispose();
  });
});

describe('what could be true is resumed, and the training ends', () => {
  const huge = Number.MAX_SAFE_INTEGER;
  test.each<[string, (metadata: Metadata) => void]>([
    ['a mean of very many rows', ({ progress }) => (progress.entropy!.rows = huge)],
    ['no mean', ({ progress }) => Object.assign(progress, { entropy: null })],
    ['very many averaged steps', ({ progress }) => (progress.averagedSteps = huge)],
    ['sums over no rows', ({ progress }) => (progress.logs.rows = 0)],
    ['no sums', ({ progress }) => (progress.logs.totals = {})],
    ['an unknown number of batches', ({ progress }) => (progress.batchesPerEpoch = null)],
    [
      'sums with the names of methods',
      ({ progress: { logs } }) =>
        (logs.totals = { constructor: logs.totals['loss']!, toString: logs.totals['acc']! }),
    ],
  ])('%s', async (_name, change) => {
    const { model, checkpoint } = await resumed(change);
    const position = await checkpoint.resume(model);
    expect(position).toEqual({ initialEpoch: 1, initialBatch: 4 });
    await fitFrom(model, makeDataset(true), position, [checkpoint]);
    expect(checkpoint.history.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3]);
    checkpoint.dispose();
  });
});
