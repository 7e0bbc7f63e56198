import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import golden from '../golden/top-k-entropy.json' with { type: 'json' };
import { entropyOfProbabilities, softmax64 } from '../support/entropy64.js';
import { expectNoTensorsLeft } from '../support/fixtures.js';

/** One way to compute the entropies, on the backend that is current. */
export interface Implementation {
  /** float32 `[..., numClasses]` to float32 `[rows]`. */
  readonly score: (predictions: tf.Tensor, k: number, fromLogits: boolean) => tf.Tensor1D;
  /** Largest difference from float64 that is allowed. */
  readonly tolerance: number;
}

interface GoldenCase {
  readonly name: string;
  readonly k: number;
  readonly shape: number[];
  readonly logits: number[];
  readonly entropy: number[];
}

const goldenCases: GoldenCase[] = golden.cases;

/** Rows of logits as float32 holds them. */
function randomLogits(rows: number, numClasses: number, scale: number, seed: number): number[][] {
  return tf.tidy(() => {
    const values = Array.from(tf.randomNormal([rows * numClasses], 0, scale, 'float32', seed).dataSync());
    return rowsOf(values, numClasses);
  });
}

function rowsOf(values: readonly number[], numClasses: number): number[][] {
  const rows: number[][] = [];
  for (let start = 0; start < values.length; start += numClasses) {
    rows.push(values.slice(start, start + numClasses));
  }
  return rows;
}

function expectClose(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(actual).toHaveLength(expected.length);
  const differences = expected.map((value, i) => Math.abs((actual[i] ?? NaN) - value));
  const largest = Math.max(0, ...differences);
  expect({ largest, withinTolerance: largest <= tolerance }).toEqual({ largest, withinTolerance: true });
}

/** What every implementation must do. To be called where its backend is current when tests run. */
export function topKEntropySuite({ score, tolerance }: Implementation): void {
  const valuesOf = (values: readonly number[], shape: number[], k: number, fromLogits: boolean): number[] =>
    tf.tidy(() => Array.from(score(tf.tensor([...values], shape, 'float32'), k, fromLogits).dataSync()));
  const entropiesOf = (rows: readonly number[][], k = 2, fromLogits = true): number[] =>
    valuesOf(rows.flat(), [rows.length, rows[0]?.length ?? 0], k, fromLogits);

  test.each(goldenCases)('golden values: $name', ({ k, shape, logits, entropy }) => {
    expectClose(valuesOf(logits, shape, k, true), entropy, tolerance);
  });

  test.each(goldenCases)('golden values from probabilities: $name', ({ k, shape, logits, entropy }) => {
    const probabilities = rowsOf(logits, shape.at(-1)!).flatMap(softmax64);
    expectClose(valuesOf(probabilities, shape, k, false), entropy, tolerance);
  });

  test.each([
    { shape: [2], k: 1 },
    { shape: [2], k: 2 },
    { shape: [7], k: 3 },
    { shape: [1, 3], k: 2 },
    { shape: [5, 2], k: 1 },
    { shape: [17, 3], k: 3 },
    { shape: [128, 10], k: 2 },
    { shape: [13, 31], k: 5 },
    { shape: [3, 257], k: 257 },
    { shape: [2, 1000], k: 2 },
    { shape: [2, 1000], k: 999 },
    { shape: [3, 5, 11], k: 2 },
    { shape: [1, 1, 4], k: 4 },
    { shape: [2, 3, 2, 9], k: 3 },
  ])('random logits of shape $shape, k = $k', ({ shape, k }) => {
    const numClasses = shape.at(-1)!;
    const rows = randomLogits(tf.util.sizeFromShape(shape) / numClasses, numClasses, 3, 11 + k);
    const expected = rows.map((row) => entropyOfProbabilities(softmax64(row), k));
    expectClose(valuesOf(rows.flat(), shape, k, true), expected, tolerance);
    expectClose(valuesOf(rows.flatMap(softmax64), shape, k, false), expected, tolerance);
  });

  test.each([{ shape: [0, 3] }, { shape: [2, 0, 5] }])('no rows, of shape $shape', async ({ shape }) => {
    await expectNoTensorsLeft(() => {
      for (const fromLogits of [true, false]) {
        tf.tidy(() => {
          const entropies = score(tf.tensor([], shape), 2, fromLogits);
          expect({ shape: entropies.shape, dtype: entropies.dtype }).toEqual({
            shape: [0],
            dtype: 'float32',
          });
          expect(Array.from(entropies.dataSync())).toEqual([]);
        });
      }
    });
  });

  test('the result is float32 with one value a row', () => {
    tf.tidy(() => {
      const entropies = score(tf.zeros([2, 3, 4]), 2, true);
      expect({ shape: entropies.shape, dtype: entropies.dtype }).toEqual({ shape: [6], dtype: 'float32' });
    });
  });

  test('ties: each of the tied counts, wherever it stands', () => {
    const rows = [
      [5, 5, 5, 5],
      [9, 9, 1, 1],
      [1, 9, 1, 9],
      [9, 3, 3, 3],
      [3, 3, 3, 9],
    ];
    const expected = rows.map((row) => entropyOfProbabilities(softmax64(row), 2));
    expect(expected[0]).toBeCloseTo((2 * Math.log(4)) / 4, 8);
    expectClose(entropiesOf(rows), expected, tolerance);
    expectClose(entropiesOf(rows.map(softmax64), 2, false), expected, tolerance);
  });

  test('the order of the classes does not matter', () => {
    const rows = randomLogits(16, 9, 2, 5);
    expectClose(entropiesOf(rows.map((row) => row.toReversed())), entropiesOf(rows), tolerance);
    const ascending = rows.map((row) => row.toSorted((a, b) => a - b));
    expectClose(entropiesOf(ascending), entropiesOf(rows), tolerance);
  });

  test('logits of ±1e4 neither overflow nor underflow to NaN', () => {
    const rows = [
      [1e4, 1e4, -1e4],
      [-1e4, -1e4, -1e4],
      [-1e4, 0, 1e4],
      [1e4, 9999, 0],
      [-1e4, -9999, -1e4],
    ];
    const expected = rows.map((row) => entropyOfProbabilities(softmax64(row), 2));
    expect(expected.every(Number.isFinite)).toBe(true);
    expectClose(entropiesOf(rows), expected, tolerance);
  });

  test('probabilities of exactly 0 and 1 are finite', () => {
    const entropies = entropiesOf(
      [
        [1, 0, 0],
        [0, 0, 1],
      ],
      2,
      false,
    );
    expectClose(entropies, [-1e-10, -1e-10], tolerance);
  });

  test.each([
    { numClasses: 2, k: 1, fromLogits: true },
    { numClasses: 2, k: 2, fromLogits: false },
    { numClasses: 5, k: 1, fromLogits: false },
    { numClasses: 5, k: 2, fromLogits: true },
    { numClasses: 5, k: 2, fromLogits: false },
    { numClasses: 5, k: 3, fromLogits: true },
    { numClasses: 5, k: 3, fromLogits: false },
    { numClasses: 5, k: 5, fromLogits: true },
    { numClasses: 40, k: 2, fromLogits: true },
    { numClasses: 40, k: 2, fromLogits: false },
  ])(
    'a NaN at any place makes its row NaN and no other: $numClasses classes, k = $k, fromLogits $fromLogits',
    ({ numClasses, k, fromLogits }) => {
      const clean = softmax64(randomLogits(1, numClasses, 1, 3)[0]!);
      const spoilt = clean.map((_, place) => clean.with(place, NaN));
      const entropies = entropiesOf(
        spoilt.flatMap((row) => [row, clean]),
        k,
        fromLogits,
      );
      const isNaNs = entropies.map(Number.isNaN);
      expect(isNaNs).toEqual(spoilt.flatMap(() => [true, false]));
    },
  );

  test('a logit of −Infinity is a probability of 0', () => {
    const rows = [
      [-Infinity, 1, 2, 3],
      [3, 2, -Infinity, 1],
      [-Infinity, -Infinity, 2, 3],
      [2, -Infinity, -Infinity, -Infinity],
    ];
    for (const k of [1, 2, 3]) {
      const expected = rows.map((row) => entropyOfProbabilities(softmax64(row), k));
      expectClose(entropiesOf(rows, k), expected, tolerance);
    }
  });

  test('what has no softmax is NaN: a logit of +Infinity, a row of −Infinity alone', () => {
    const rows = [
      [Infinity, 1, 2],
      [1, 2, Infinity],
      [-Infinity, Infinity, 1],
      [Infinity, Infinity, Infinity],
      [-Infinity, -Infinity, -Infinity],
    ];
    for (const k of [1, 2, 3]) expect(entropiesOf(rows, k)).toEqual([NaN, NaN, NaN, NaN, NaN]);
  });

  test('an infinite probability is NaN', () => {
    const rows = [
      [Infinity, 0.5, 0.5],
      [0.5, 0.5, -Infinity],
    ];
    for (const k of [1, 2, 3]) expect(entropiesOf(rows, k, false)).toEqual([NaN, NaN]);
  });

  test('leaves one tensor and one buffer, and the input to its owner', async () => {
    await expectNoTensorsLeft(() => {
      const predictions = tf.tensor2d([
        [1, 2, 3],
        [4, 5, 6],
      ]);
      for (const fromLogits of [true, false]) {
        const before = tf.memory();
        const entropies = score(predictions, 2, fromLogits);
        const after = tf.memory();
        expect(after.numTensors - before.numTensors).toBe(1);
        expect(after.numDataBuffers - before.numDataBuffers).toBe(1);
        entropies.dispose();
      }
      expect(Array.from(predictions.dataSync())).toEqual([1, 2, 3, 4, 5, 6]);
      predictions.dispose();
    });
  });
}
