import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback } from '../src/index.js';
import { expectNoTensorsLeft, makeData, makeModel } from './support/fixtures.js';

// In a separate file: a registration lasts for the whole process.
test('a class that is registered with tfjs works in every fit, with a new instance each', async () => {
  const made: Registered[] = [];
  class Registered extends EntropyCheckpointCallback {
    constructor() {
      super({ filepath: null });
      made.push(this);
    }
  }
  tf.registerCallbackConstructor(1, Registered);
  const model = makeModel();
  const { x, y } = makeData(24);
  await expectNoTensorsLeft(async () => {
    for (let i = 0; i < 2; i++) {
      const { history } = await model.fit(x, y, { epochs: 2, validationSplit: 0.25, verbose: 1 });
      expect(history['entropy']).toHaveLength(2);
    }
    expect(made.map(({ best }) => best !== null)).toEqual([true, true]);
    for (const checkpoint of made) checkpoint.dispose();
  });
});

test('the constructor works without arguments', () => {
  expect(new EntropyCheckpointCallback().history).toEqual([]);
});
