import * as tf from '@tensorflow/tfjs';
import { assert } from 'chai';
import '../../src/entropy/all-kernels.js';
import { RunningMean } from '../../src/scoring/running-mean.js';
import { mean } from '../support/entropy64.js';
import { assertClose, stored, type ConformanceCase, type Terms } from './conformance-case.js';

async function valueOf(runningMean: RunningMean): Promise<number | null> {
  const detached = runningMean.detach();
  if (detached === null) return null;
  const parts = Array.from(await detached.parts.data());
  detached.parts.dispose();
  return parts.reduce((sum, part) => sum + part, 0);
}

/** Adds batches as an operation on the device would give them. */
function addAll(runningMean: RunningMean, batches: readonly (readonly number[])[]): void {
  for (const batch of batches) {
    tf.tidy(() => {
      runningMean.add(tf.keep(tf.tensor1d([...batch])));
    });
  }
}

async function checkMean(batches: readonly number[][], terms: Terms): Promise<void> {
  const runningMean = new RunningMean();
  const values = batches.map((batch) => batch.map((value) => stored(value, terms)));
  addAll(runningMean, values);
  assert.equal(runningMean.rows, values.flat().length);
  assertClose([(await valueOf(runningMean))!], [mean(values.flat())], 1e-5);
}

/** What the running mean must do on every backend: its own error is at most 1e-5, on half precision too. */
export const runningMeanCases: readonly ConformanceCase[] = [
  {
    name: 'running mean: one batch is its mean',
    run: (terms) => checkMean([[1, 2, 6]], terms),
  },
  {
    name: 'running mean: batches of uneven sizes count by their rows',
    run: (terms) => checkMean([[0.7], [0.1, 0.2, 0.3, 0.4, 0.5], [0.6, 0.1], [0.3, 0.3, 0.3]], terms),
  },
  {
    name: 'running mean: a batch of 5,000 rows, and of 4,999',
    run: async (terms) => {
      const rows = (count: number): number[] =>
        Array.from({ length: count }, (_, i) => 0.5 + 0.2 * Math.sin(i));
      await checkMean([rows(5000)], terms);
      await checkMean([rows(4999), rows(64), rows(65)], terms);
    },
  },
  {
    name: 'running mean: a batch of 100,000 rows, nearly all alike, and a second one',
    run: async (terms) => {
      const rows = Array.from({ length: 100_000 }, (_, i) => (i % 1000 === 0 ? 0.1 : 0.7));
      await checkMean([rows, rows.slice(0, 8193)], terms);
    },
  },
  {
    name: 'running mean: a batch that fails does not count, and nothing of it is left',
    run: async () => {
      const runningMean = new RunningMean();
      addAll(runningMean, [[1, 1]]);
      const values = tf.tensor1d([9, 9]);
      // Takes the place of the method, until it is deleted.
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
    name: 'running mean: 500 drifting batches, in constant memory',
    run: async (terms) => {
      const runningMean = new RunningMean();
      const before = tf.memory();
      const all: number[] = [];
      for (let i = 0; i < 500; i++) {
        // Drifts as an epoch's entropies do, so that the order matters.
        const batch = Array.from({ length: i % 7 === 0 ? 3 : 16 }, () => stored(0.7 - i / 1500, terms));
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
    name: 'running mean: a NaN in any batch makes it NaN, until it is reset',
    run: async () => {
      for (const place of [0, 1, 2]) {
        const runningMean = new RunningMean();
        const values = [0.1, 0.2, 0.3].with(place, NaN);
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
