import { beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import '../../src/entropy/all-kernels.js';
import { RunningMean } from '../../src/scoring/running-mean.js';
import { mean } from '../support/entropy64.js';
import { expectNoTensorsLeft } from '../support/fixtures.js';

beforeEach(async () => {
  await tf.setBackend('cpu');
});

function batchOf(rows: readonly number[]): tf.Tensor1D {
  return tf.tensor1d([...rows]);
}

/** Ends the mean and reads its value. */
function valueOf(runningMean: RunningMean): number | null {
  const detached = runningMean.detach();
  if (detached === null) return null;
  const [value = NaN] = detached.parts.dataSync();
  detached.parts.dispose();
  return value;
}

describe('RunningMean', () => {
  test('starts without a value and rows', () => {
    const runningMean = new RunningMean();
    expect({ value: valueOf(runningMean), rows: runningMean.rows }).toEqual({ value: null, rows: 0 });
  });

  test('is the mean of a single batch', async () => {
    await expectNoTensorsLeft(() => {
      const runningMean = new RunningMean();
      runningMean.add(batchOf([1, 2, 6]));
      expect(runningMean.rows).toBe(3);
      expect(valueOf(runningMean)).toBe(3);
      expect(runningMean.rows).toBe(0);
    });
  });

  test.each([[[0, 0, 0, 0]], [[1, 1, 1, 1]], [[0, 0, 1, 0]], [[0, 1, 1, 0]], [[1, 0, 0, 1]]])(
    'is, bit for bit, the same for means in memory and tensors: %j',
    async (isTensor) => {
      const batches = [0.1, 0.7, 0.3, 0.9].map((value, i) => ({ mean: Math.fround(value), rows: 3 + 2 * i }));
      await expectNoTensorsLeft(() => {
        const expected = batches.reduce(
          ({ mean: before, rows: rowsBefore }, batch) => {
            const rows = rowsBefore + batch.rows;
            return { mean: Math.fround(before + ((batch.mean - before) * batch.rows) / rows), rows };
          },
          { mean: 0, rows: 0 },
        );
        const runningMean = new RunningMean();
        for (const [i, batch] of batches.entries()) {
          const asTensor = tf.fill<tf.Rank.R1>([batch.rows], batch.mean);
          if (isTensor[i] === 1) runningMean.add(asTensor);
          else runningMean.add({ ...batch, dispose: () => undefined });
          if (isTensor[i] === 0) asTensor.dispose();
        }
        expect(runningMean.rows).toBe(expected.rows);
        const shared = runningMean.share()!;
        const restored = new RunningMean();
        restored.restore(shared);
        shared.parts.dispose();
        expect([valueOf(runningMean), valueOf(restored)]).toEqual([expected.mean, expected.mean]);
      });
    },
  );

  test('weighs batches by their rows', async () => {
    await expectNoTensorsLeft(() => {
      const runningMean = new RunningMean();
      const batches = [[0.7], [0.1, 0.2, 0.3, 0.4, 0.5], [0.6, 0.1], [0.3, 0.3, 0.3]];
      for (const batch of batches) runningMean.add(batchOf(batch));
      expect(runningMean.rows).toBe(11);
      const value = valueOf(runningMean);
      expect(value).toBeCloseTo(mean(batches.flat()), 6);
      expect(value).not.toBeCloseTo(mean(batches.map(mean)), 2);
    });
  });

  describe.each(['cpu', 'wasm'])('on %s', (backend) => {
    test('stays within 1e-5 of float64 over 10,000 batches, in constant memory', async () => {
      await tf.setBackend(backend);
      await expectNoTensorsLeft(() => {
        const before = tf.memory();
        const runningMean = new RunningMean();
        let sum = 0;
        let total = 0;
        for (let i = 0; i < 10_000; i++) {
          const rows = i % 7 === 0 ? 3 : 128;
          // Drifts like the entropies of an epoch, so that the order matters.
          const value = Math.fround(0.7 - i / 20_000 + 0.05 * Math.sin(i));
          runningMean.add(tf.fill([rows], value));
          sum += value * rows;
          total += rows;
          if (i % 1000 !== 0) continue;
          const now = tf.memory();
          expect(now.numTensors - before.numTensors).toBe(1);
          expect(now.numDataBuffers - before.numDataBuffers).toBe(1);
        }
        expect(runningMean.rows).toBe(total);
        expect(Math.abs(valueOf(runningMean)! - sum / total)).toBeLessThan(1e-5);
        runningMean.reset();
      });
    });
  });

  test('disposes the batches', async () => {
    await expectNoTensorsLeft(() => {
      const runningMean = new RunningMean();
      const batches = [batchOf([1]), batchOf([2])];
      for (const batch of batches) runningMean.add(batch);
      expect(batches.map((batch) => batch.isDisposed)).toEqual([true, true]);
      runningMean.reset();
    });
  });

  test('outlives a tidy around add', async () => {
    await expectNoTensorsLeft(() => {
      const runningMean = new RunningMean();
      for (const value of [1, 2, 6]) {
        tf.tidy(() => {
          runningMean.add(tf.keep(tf.tensor1d([value])));
        });
      }
      expect(valueOf(runningMean)).toBe(3);
      runningMean.reset();
    });
  });

  test.each(['first', 'second', 'last'])('is NaN after a NaN in the %s batch', async (position) => {
    await expectNoTensorsLeft(() => {
      const runningMean = new RunningMean();
      const values = [0.1, 0.2, 0.3].with(['first', 'second', 'last'].indexOf(position), NaN);
      for (const value of values) runningMean.add(batchOf([value, value]));
      expect(valueOf(runningMean)).toBeNaN();
      runningMean.reset();
    });
  });

  test('starts over after reset, even after a NaN or a second reset', async () => {
    await expectNoTensorsLeft(() => {
      const runningMean = new RunningMean();
      runningMean.add(batchOf([NaN, 5]));
      runningMean.reset();
      runningMean.reset();
      expect({ value: valueOf(runningMean), rows: runningMean.rows }).toEqual({ value: null, rows: 0 });
      runningMean.add(batchOf([2]));
      expect(valueOf(runningMean)).toBe(2);
      runningMean.reset();
    });
  });
});
