import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type * as tf from '@tensorflow/tfjs';
import type { EntropyCheckpointCallback } from 'tfjs-entropy-checkpoint';
import { useTempFolder } from '../support/fixtures.js';
import { makeData, makeModel } from './fixtures/training.js';

interface Example {
  trainWithTensorBoard: (
    model: tf.LayersModel,
    x: tf.Tensor,
    y: tf.Tensor,
  ) => Promise<EntropyCheckpointCallback>;
}

// The example is in JavaScript, as the package that it imports is not installed and has no types.
const EXAMPLE = '../../examples/integrations/tensorboard.js';
const folder = useTempFolder();
const start = process.cwd();

beforeAll(() => {
  jest.unstable_mockModule('@tensorflow/tfjs-node', () => import('./fixtures/tfjs-node.js'), {
    virtual: true,
  });
});

afterAll(() => {
  process.chdir(start);
});

describe('the TensorBoard example', () => {
  test('logs the entropies of each epoch as numbers, and the validation entropy in the run `val`', async () => {
    process.chdir(folder());
    const { written } = await import('./fixtures/tfjs-node.js');
    const { trainWithTensorBoard } = (await import(EXAMPLE)) as Example;
    const { x, y } = makeData();
    const { history } = await trainWithTensorBoard(makeModel(), x, y);
    const valuesOf = (run: string, name: string) =>
      written.filter((scalar) => scalar.run === run && scalar.name === name).map(({ value }) => value);
    expect(history).toHaveLength(5);
    expect(valuesOf('logs/run-1/train', 'epoch_entropy')).toEqual(history.map(({ entropy }) => entropy));
    expect(valuesOf('logs/run-1/train', 'epoch_train_entropy')).toEqual(
      history.map(({ trainEntropy }) => trainEntropy),
    );
    expect(valuesOf('logs/run-1/val', 'epoch_entropy')).toEqual(history.map(({ valEntropy }) => valEntropy));
    expect(written.every(({ value }) => typeof value === 'number')).toBe(true);
  });
});
