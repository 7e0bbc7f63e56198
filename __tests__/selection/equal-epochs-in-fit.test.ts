import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback } from '../../src/index.js';
import { disposeModel, expectNoTensorsLeft, makeData, makeModel } from '../support/fixtures.js';

// With a rate of 0 nothing is learned. `fit` shuffles the rows, so that sums differ in their last digits.
test.each(['entropy', 'loss'])(
  'the first of equal epochs stays with `monitor: %s`, and the others are ranked as they ran',
  (monitor) =>
    expectNoTensorsLeft(async () => {
      const { x, y } = makeData(320);
      const model = makeModel(tf.train.sgd(0));
      const checkpoint = new EntropyCheckpointCallback({ filepath: null, monitor, maxToKeep: 3 });
      await model.fit(x, y, {
        epochs: 6,
        batchSize: 4,
        validationSplit: 0.25,
        verbose: 0,
        callbacks: checkpoint,
      });
      expect(checkpoint.kept.map(({ epoch }) => epoch)).toEqual([0, 1, 2]);
      checkpoint.dispose();
      disposeModel(model);
      tf.dispose([x, y]);
    }),
);
