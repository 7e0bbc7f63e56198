import { describe, expect, test } from '@jest/globals';
import { PredictionHistory } from '../../study/training/prediction-signals.js';
import {
  fourthNorm,
  marginalEntropy,
  meanTotalVariation,
  nuclearNorm,
  predictedClasses,
  softmaxRows,
  topTwoEntropy,
  type Probabilities,
} from '../../study/training/prediction-statistics.js';

const of = (...rows: number[][]): Probabilities => ({
  values: Float64Array.from(rows.flat()),
  numClasses: rows[0]!.length,
});

test('softmax', () => {
  const { values } = softmaxRows(Float32Array.of(0, Math.log(3), 1000, 1000), 2);
  for (const [i, expected] of [0.25, 0.75, 0.5, 0.5].entries()) expect(values[i]).toBeCloseTo(expected, 6);
});

test('classes, the first of equals', () => {
  expect([...predictedClasses(of([0.2, 0.8], [0.5, 0.5]))]).toEqual([1, 0]);
});

test('entropy of the two largest', () => {
  const expected = -(0.5 * Math.log(0.5) + 0.3 * Math.log(0.3));
  expect(topTwoEntropy(Float64Array.of(0.2, 0.5, 0.3))).toBeCloseTo(expected, 8);
});

test('entropy of the mean', () => {
  expect(marginalEntropy(of([1, 0], [0, 1]))).toBeCloseTo(Math.LN2, 8);
});

test('total variation', () => {
  expect(meanTotalVariation(of([1, 0], [0.5, 0.5]), of([0, 1], [0.5, 0.5]))).toBeCloseTo(0.5, 12);
});

describe('nuclear norm', () => {
  test('is 1 where each class is certain as often', () => {
    expect(nuclearNorm(of([1, 0], [0, 1], [1, 0], [0, 1]))).toBeCloseTo(1, 10);
  });

  test('is the sum of the singular values, here by hand', () => {
    // [[0.6, 0.4], [0.3, 0.7]]: σ₁σ₂ = |det| = 0.3, σ₁² + σ₂² = 1.1, so their sum is √(1.1 + 0.6).
    expect(nuclearNorm(of([0.6, 0.4], [0.3, 0.7]))).toBeCloseTo(Math.sqrt(1.7) / 2, 10);
  });
});

test('fourth root of the mean fourth power', () => {
  expect(fourthNorm(of([1, 0], [0, 1]))).toBeCloseTo(0.5 ** 0.25, 12);
});

test('changes from epoch to epoch, to the average, and between any two', () => {
  const history = new PredictionHistory();
  const [a, b] = [of([0.9, 0.1], [0.2, 0.8]), of([0.45, 0.55], [0.2, 0.8])];
  expect(history.next(a)).toMatchObject({ changes: null, averagedChanges: null });
  const second = history.next(b);
  expect(second.changes).toBe(0.5);
  expect(second.averagedChanges).toBe(0.5);
  expect(second.shift).toBeCloseTo(0.225, 12);
  expect(second.confidentChanges).toBeCloseTo(0.4, 12);
  // The average is 0.7 · (0.9, 0.1) + 0.3 · (0.45, 0.55), whose class is still the first.
  expect(history.next(b)).toMatchObject({ changes: 0, averagedChanges: 0.5 });
  expect(history.agreements()).toEqual([[], [0.5], [0.5, 1]]);
});
