import { createRequire } from 'node:module';
import { afterAll, expect } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-node';

// Child processes of a suite use tfjs-node as well.
process.env['NODE_OPTIONS'] = `--require ${createRequire(import.meta.url).resolve('@tensorflow/tfjs-node')}`;

afterAll(() => {
  expect(tf.getBackend()).toBe('tensorflow');
});
