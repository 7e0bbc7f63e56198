import * as tf from '@tensorflow/tfjs';
import { assert } from 'chai';
import '../../src/entropy/all-kernels.js';
import { RunningMean } from '../../src/scoring/running-mean.js';
import { mean } from '../support/entropy64.js';
import { assertClose, stored, type ConformanceCase, type CaseSettings } from './conformance-case.js';

async function valueOf(runningMean: RunningMean): Promise<number | null> {
  const detached = runningMean.detach();
  if (detached === null) return null;
  const parts = Array.from(await detached.parts.data());
  detached.parts.dispose();
  return parts.reduce((sum, part) => sum + part, 0);
}

/** Adds batches, each kept inside a tidy, as the result of an operation would be. */
function addAll(runningMean: RunningMean, batches: readonly (readonly number[])[]): void {
  for (const batch of batches) {
    tf.tidy(() => {
      runningMean.add(tf.keep(tf.tensor1d([...batch])));
    });
  }
}

async function checkMean(batches: readonly number[][], settings: CaseSettings): Promise<void> {
  const runningMean = new RunningMean();
  const values = batches.map((batch) => batch.map((value) => stored(value, settings)));
  addAll(runningMean, values);
  assert.equal(runningMean.rows, values.flat().length);
  assertClose([(await valueOf(runningMean))!], [mean(values.flat())], 1e-5);
}

/** The cases for the running mean on every backend. Its own error is at most 1e-5, also in half precision. */
export const runningMeanCases: readonly ConformanceCase[] = [
  {
    name: 'running mean: is the mean of a single batch',
    run: (settings) => checkMean([[1, 2, 6]], settings),
  },
  {
    name: 'running mean: weighs batches by their rows',
    run: (settings) => checkMean([[0.7], [0.1, 0.2, 0.3, 0.4, 0.5], [0.6, 0.1], [0.3, 0.3, 0.3]], settings),
  },
  {
    name: 'running mean: batches of 5,000 and of 4,999 rows',
    run: async (settings) => {
      const rows = (count: number): number[] =>
        Array.from({ length: count }, (_, i) => 0.5 + 0.2 * Math.sin(i));
      await checkMean([rows(5000)], settings);
      await checkMean([rows(4999), rows(64), rows(65)], settings);
    },
  },
  {
    name: 'running mean: a batch of 100,000 rows, nearly all equal, and a second batch',
    run: async (settings) => {
      const rows = Array.from({ length: 100_000 }, (_, i) => (i % 1000 === 0 ? 0.1 : 0.7));
      await checkMean([rows, rows.slice(0, 8193)], settings);
    },
  },
  {
    name: 'running mean: does not count a batch that fails, and disposes it',
    run: async () => {
      const runningMean = new RunningMean();
      addAll(runningMean, [[1, 1]]);
      const values = tf.tensor1d([9, 9]);
      // Shadows the method until it is deleted.
      Object.assign(tf.engine(), {
        runKernel: () => {
          throw new Error('device lost');
        },
      });
      assert.throws(() => {
        runningMean.add(values);
      }, 'device lost');
      Reflect.deleteProperty(tf.engine(), 'runKernel');
      assert.isTrue(values.isDisposed);
      assert.equal(runningMean.rows, 2);
      addAll(runningMean, [[3, 3]]);
      assert.equal(await valueOf(runningMean), 2);
    },
  },
  {
    name: 'running mean: 500 drifting batches in constant memory',
    run: async (settings) => {
      const runningMean = new RunningMean();
      const before = tf.memory();
      const all: number[] = [];
      for (let i = 0; i < 500; i++) {
        // Drifts like the entropies of an epoch, so that the order matters.
        const batch = Array.from({ length: i % 7 === 0 ? 3 : 16 }, () => stored(0.7 - i / 1500, settings));
        addAll(runningMean, [batch]);
        all.push(...batch);
        const now = tf.memory();
        assert.equal(now.numTensors - before.numTensors, 1);
        assert.equal(now.numDataBuffers - before.numDataBuffers, 1);
      }
      assertClose([(await valueOf(runningMean))!], [mean(all)], 1e-5);
    },
  },
  {
    name: 'running mean: is NaN after a NaN in any batch, until it is reset',
    run: async () => {
      for (const position of [0, 1, 2]) {
        const runningMean = new RunningMean();
        const values = [0.1, 0.2, 0.3].with(position, NaN);
        addAll(
          runningMean,
          values.map((value) => [value, 0.5]),
        );
        assert.deepEqual(await valueOf(runningMean), NaN);
        addAll(runningMean, [[NaN]]);
        runningMean.reset();
        addAll(runningMean, [[2]]);
        assert.equal(await valueOf(runningMean), 2);
      }
    },
  },
];
