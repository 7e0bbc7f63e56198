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

const probabilitiesOf = (...rows: number[][]): Probabilities => ({
  values: Float64Array.from(rows.flat()),
  numClasses: rows[0]!.length,
});

test('softmax of each row, without overflow', () => {
  const { values } = softmaxRows(Float32Array.of(0, Math.log(3), 1000, 1000), 2);
  for (const [i, expected] of [0.25, 0.75, 0.5, 0.5].entries()) expect(values[i]).toBeCloseTo(expected, 6);
});

test('the predicted class is the first of equally probable ones', () => {
  expect([...predictedClasses(probabilitiesOf([0.2, 0.8], [0.5, 0.5]))]).toEqual([1, 0]);
});

test('top-two entropy ignores all but the two largest probabilities', () => {
  const expected = -(0.5 * Math.log(0.5) + 0.3 * Math.log(0.3));
  expect(topTwoEntropy(Float64Array.of(0.2, 0.5, 0.3))).toBeCloseTo(expected, 8);
});

test('marginal entropy is the entropy of the mean row', () => {
  expect(marginalEntropy(probabilitiesOf([1, 0], [0, 1]))).toBeCloseTo(Math.LN2, 8);
});

test('total variation is averaged over rows', () => {
  expect(
    meanTotalVariation(probabilitiesOf([1, 0], [0.5, 0.5]), probabilitiesOf([0, 1], [0.5, 0.5])),
  ).toBeCloseTo(0.5, 12);
});

describe('nuclear norm', () => {
  test('is 1 if all rows are certain and classes are equally frequent', () => {
    expect(nuclearNorm(probabilitiesOf([1, 0], [0, 1], [1, 0], [0, 1]))).toBeCloseTo(1, 10);
  });

  test('is the scaled sum of the singular values', () => {
    // [[0.6, 0.4], [0.3, 0.7]]: σ₁σ₂ = |det| = 0.3, σ₁² + σ₂² = 1.1, so their sum is √(1.1 + 0.6).
    expect(nuclearNorm(probabilitiesOf([0.6, 0.4], [0.3, 0.7]))).toBeCloseTo(Math.sqrt(1.7) / 2, 10);
  });
});

test('fourth norm is the fourth root of the mean fourth power', () => {
  expect(fourthNorm(probabilitiesOf([1, 0], [0, 1]))).toBeCloseTo(0.5 ** 0.25, 12);
});

test('prediction history compares with the previous epoch, the average and every earlier epoch', () => {
  const history = new PredictionHistory();
  const [a, b] = [probabilitiesOf([0.9, 0.1], [0.2, 0.8]), probabilitiesOf([0.45, 0.55], [0.2, 0.8])];
  expect(history.add(a)).toMatchObject({ changes: null, averagedChanges: null });
  const second = history.add(b);
  expect(second.changes).toBe(0.5);
  expect(second.averagedChanges).toBe(0.5);
  expect(second.shift).toBeCloseTo(0.225, 12);
  expect(second.confidentChanges).toBeCloseTo(0.4, 12);
  // The average is 0.7 · (0.9, 0.1) + 0.3 · (0.45, 0.55), whose class is still the first.
  expect(history.add(b)).toMatchObject({ changes: 0, averagedChanges: 0.5 });
  expect(history.agreements()).toEqual([[], [0.5], [0.5, 1]]);
});
