import { describe, expect, test } from '@jest/globals';
import {
  lastEpoch,
  maximumEntropy,
  maximumEntropyLater,
  validationLoss,
} from '../../study/rules/baselines.js';
import { RULES } from '../../study/rules/all-rules.js';
import { consensus, informedConsensus } from '../../study/rules/consensus.js';
import { labelWave } from '../../study/rules/label-wave.js';
import { gradientDisparity, mutualInformation } from '../../study/rules/literature.js';
import { firstMarginMaximum, marginGap } from '../../study/rules/margins.js';
import { argmax, argmin, firstMaximum, firstMinimum, movingAverage } from '../../study/rules/series.js';
import { signalsOf } from './fixtures/signals.js';

describe('series', () => {
  test('argmax and argmin return the first of equal extremes and ignore null', () => {
    expect(argmax([null, 1, 3, 2, 3])).toBe(2);
    expect(argmin([null, 2, 1, 1])).toBe(2);
    expect(argmax([null, null])).toBe(0);
  });

  test.each([
    [[null, 5, 4, 6, 1], 1, 2],
    [[null, 5, 4, 6, 1], 2, 4],
    // An equal value is not a smaller one, so patience runs on.
    [[3, 3, 1], 1, 0],
    [[4, 3, 2], 1, 2],
    [[null], 1, 0],
  ])('the first minimum of %j with patience %i is at epoch %i', (series, patience, epoch) => {
    expect(firstMinimum(series, patience)).toBe(epoch);
    expect(
      firstMaximum(
        series.map((value) => (value === null ? null : -value)),
        patience,
      ),
    ).toBe(epoch);
  });

  test('a moving average uses fewer values at the beginning and ignores null', () => {
    expect(movingAverage([null, 2, 4, 9], 2)).toEqual([null, 2, 3, 6.5]);
    expect(movingAverage([1, 2, 3, 8], 3)).toEqual([1, 1.5, 2, 13 / 3]);
  });
});

describe('rules', () => {
  test('the baseline selects the last epoch', () => {
    expect(lastEpoch.select(signalsOf({}, 7))).toBe(6);
  });

  test('maximum entropy weighs training and validation by their rows, four to one', () => {
    const signals = signalsOf(
      { 'running-entropy': [0.1, 0.2, 0.3, 0.1], 'val-entropy': [0.9, 0.6, 0.1, 0.1] },
      4,
    );
    // 0.26, 0.28, 0.26, 0.10
    expect(maximumEntropy.select(signals)).toBe(1);
  });

  test('maximum entropy from epoch 5 on ignores earlier epochs', () => {
    const entropy = [0.9, 0.8, 0.7, 0.6, 0.5, 0.2, 0.4, 0.3];
    const signals = signalsOf({ 'running-entropy': entropy, 'val-entropy': entropy }, 8);
    expect(maximumEntropyLater.select(signals)).toBe(6);
  });

  test('Label Wave selects the first minimum of the moving average', () => {
    const changes = [null, 0.5, 0.3, 0.32, 0.2, 0.4];
    const signals = signalsOf(
      { 'running-changes': changes, 'val-changes': [null, 0.5, 0.4, 0.3, 0.2, 0.1] },
      6,
    );
    expect(labelWave('training', 1).select(signals)).toBe(2);
    // 0.5, 0.4, 0.31, 0.26, 0.3
    expect(labelWave('training', 2).select(signals)).toBe(4);
    expect(labelWave('validation', 1).select(signals)).toBe(5);
  });

  test('the margin rule selects the first maximum', () => {
    expect(firstMarginMaximum.select(signalsOf({ 'val-margin': [0.1, 0.4, 0.3, 0.9] }, 4))).toBe(1);
  });

  test('the margin gap selects the epoch before the training margin exceeds the validation margin', () => {
    const signals = signalsOf(
      { 'train-margin': [0.1, 0.4, 0.52, 0.8], 'val-margin': [0.2, 0.4, 0.51, 0.6] },
      4,
    );
    expect(marginGap('train', 0.02).select(signals)).toBe(2);
    expect(marginGap('train', 0.5).select(signals)).toBe(3);
  });

  test('gradient disparity ignores epochs after the fifth rise', () => {
    const disparity = [9, 10, 8, 9, 10, 11, 12, 1];
    expect(gradientDisparity.select(signalsOf({ 'gradient-disparity': disparity }, 8))).toBe(2);
  });

  test('mutual information is the marginal entropy minus the mean entropy', () => {
    const signals = signalsOf(
      { 'val-marginal-entropy': [1.5, 2.2, 2.3], 'val-full-entropy': [0.9, 1, 1.2] },
      3,
    );
    expect(mutualInformation.select(signals)).toBe(1);
  });

  test('consensus combines agreement with the entropy gap', () => {
    const signals = signalsOf(
      {
        'val-averaged-changes': [null, 0.3, 0.2, 0.1, 0.1],
        'val-entropy': [0.5, 0.5, 0.5, 0.5, 0.7],
        'running-entropy': [0.5, 0.5, 0.5, 0.3, 0.6],
      },
      5,
    );
    expect(consensus(0, null).select(signals)).toBe(3);
    // 0.3, 0.2, 0.3, 0.1
    expect(consensus(1, null).select(signals)).toBe(4);
    expect(consensus(1, 1).select(signals)).toBe(2);
  });

  test('informed consensus discounts a network that has not begun to learn', () => {
    const signals = signalsOf(
      {
        'val-averaged-changes': [null, 0, 0, 0.3, 0.1, 0.4],
        'val-entropy': Array<number>(6).fill(0.5),
        'running-entropy': Array<number>(6).fill(0.5),
        // Mutual information as a share of ln 10 = 2.3: 0, a hundredth, a twentieth, then above the threshold.
        'val-marginal-entropy': [2, 2.02, 2.12, 2.2, 2.2, 2.2],
        'val-full-entropy': [2, 2, 2, 1.9, 1.9, 1.9],
      },
      6,
    );
    expect(consensus(1, 7).select(signals)).toBe(1);
    expect(informedConsensus(7, 0.1).select(signals)).toBe(4);
    expect(informedConsensus(7, 0.001).select(signals)).toBe(1);
  });

  test('the loss rule selects the smallest validation loss', () => {
    expect(validationLoss.select(signalsOf({ 'val-loss': [3, 1, 2] }, 3))).toBe(1);
  });

  test('every rule has a unique name', () => {
    const names = RULES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  test('a rule that stops early ignores later epochs', () => {
    const steady = { 'val-changes': [null, 0.5, 0.2, 0.4, 0.4], 'val-margin': [0.1, 0.3, 0.2, 0.2, 0.2] };
    const extremeAtEnd = { 'val-changes': [null, 0.5, 0.2, 0.4, 0], 'val-margin': [0.1, 0.3, 0.2, 0.2, 0.9] };
    for (const rule of [labelWave('validation', 1), firstMarginMaximum]) {
      expect(rule.select(signalsOf(extremeAtEnd, 5))).toBe(rule.select(signalsOf(steady, 5)));
    }
  });
});
