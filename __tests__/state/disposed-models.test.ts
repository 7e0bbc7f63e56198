import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint, EntropyCheckpointCallback, loadCheckpoint } from '../../src/index.js';
import { rejection } from '../support/errors.js';
import { countTensors } from './fixtures/tensor-count.js';
import { makeData, makeNet, trainEpochs, type Data } from './fixtures/training.js';

const track = countTensors();
let data: Data;
let filepath: string;

beforeEach(() => {
  filepath = mkdtempSync(join(tmpdir(), 'disposed-model-'));
  data = makeData();
  for (const tensor of [data.x, data.y, ...data.validationData]) track(tensor);
});

afterEach(() => {
  rmSync(filepath, { recursive: true, force: true });
});

/** A trained model, disposed as a user does it: its optimizer was given to `compile`, so it may live on. */
async function disposedNet(): Promise<tf.Sequential> {
  const optimizer = tf.train.adam(0.02);
  const model = makeNet(optimizer);
  await trainEpochs(model, data, 0, 1);
  model.dispose();
  optimizer.dispose();
  return model;
}

const options = (): { filepath: string; monitor: string } => ({ filepath, monitor: 'val_loss' });

test.each<[string, (model: tf.Sequential) => Promise<unknown>]>([
  ['fit', (model) => trainEpochs(model, data, 0, 1, [new EntropyCheckpointCallback(options())])],
  ['EntropyCheckpointCallback.resume', (model) => new EntropyCheckpointCallback(options()).resume(model)],
  ['loadCheckpoint', (model) => loadCheckpoint(filepath, { model })],
  ['EntropyCheckpoint.resume', (model) => new EntropyCheckpoint(model, undefined, options()).resume()],
  [
    'EntropyCheckpoint.saveCheckpoint',
    (model) => new EntropyCheckpoint(model, undefined, options()).saveCheckpoint(0, { val_loss: 1 }),
  ],
])('%s refuses a disposed model', async (_name, use) => {
  const error = await rejection(use(await disposedNet()));
  expect(error.code).toBe('ENTROPY_MODEL_DISPOSED');
  expect(error.message).toContain('Make the model anew');
});

test('restoring into a model that has been disposed since is refused', async () => {
  const optimizer = tf.train.adam(0.02);
  const model = makeNet(optimizer);
  const checkpoint = new EntropyCheckpointCallback(options());
  await trainEpochs(model, data, 0, 1, [checkpoint]);
  model.dispose();
  optimizer.dispose();
  expect((await rejection(checkpoint.loadCheckpoint())).code).toBe('ENTROPY_MODEL_DISPOSED');
});

test('an optimizer that has been disposed is refused before the epoch is saved', async () => {
  const optimizer = tf.train.adam(0.02);
  const model = track(makeNet(optimizer));
  await trainEpochs(model, data, 0, 1);
  optimizer.dispose();
  const checkpoint = new EntropyCheckpoint(model, optimizer, options());
  const error = await rejection(checkpoint.saveCheckpoint(0, { val_loss: 1 }));
  expect(error.code).toBe('ENTROPY_MODEL_DISPOSED');
  expect(error.message).toContain('optimizer');
});
