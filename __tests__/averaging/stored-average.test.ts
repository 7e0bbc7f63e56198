import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { loadCheckpoint } from '../../src/index.js';
import type { Json } from '../../src/stores/store.js';
import { craft, LOCATIONS, setOwn } from '../security/fixtures/crafted.js';
import { DENSE } from '../security/fixtures/samples.js';
import { useSamples } from '../security/fixtures/use-samples.js';
import { rejection } from '../support/errors.js';

const { root, sample } = useSamples();

const AVERAGING = { decay: 0.62, updatesPerEpoch: 8, mass: 0.5, batchesPerEpoch: 3, trained: [] };

test.each<[string, (numWeights: number) => Json]>([
  ['fewer trained weights than weights', () => AVERAGING],
  ['more', (length) => ({ ...AVERAGING, trained: Array.from({ length: length + 1 }, () => null) })],
  ['a decay of 1', (length) => ({ ...AVERAGING, decay: 1, trained: Array.from({ length }, () => null) })],
  ['a mass above 1', (length) => ({ ...AVERAGING, mass: 1.1, trained: Array.from({ length }, () => null) })],
  [
    'no update in an epoch',
    (length) => ({ ...AVERAGING, updatesPerEpoch: 0, trained: Array.from({ length }, () => null) }),
  ],
  ['a tensor that is not there', (length) => ({ ...AVERAGING, trained: Array.from({ length }, () => 999) })],
])('a stored average with %s is refused', async (_name, averagingOf) => {
  const modelJson = await craft(sample(DENSE), ({ userDefinedMetadata: { entropyCheckpoint } }) => {
    setOwn(entropyCheckpoint, 'averaging', averagingOf(entropyCheckpoint.weights.length));
  });
  const folder = await LOCATIONS['a folder']!(modelJson, sample(DENSE), join(root(), 'average'));
  expect((await rejection(loadCheckpoint(folder))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
});

test('a weight that is named as its own trained weight is refused', async () => {
  const modelJson = await craft(sample(DENSE), ({ userDefinedMetadata: { entropyCheckpoint } }) => {
    const trained = entropyCheckpoint.weights.map((_, i) => i);
    setOwn(entropyCheckpoint, 'averaging', { ...AVERAGING, trained });
  });
  const folder = await LOCATIONS['a folder']!(modelJson, sample(DENSE), join(root(), 'average'));
  expect((await rejection(loadCheckpoint(folder))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
});
