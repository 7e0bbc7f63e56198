import { describe, expect, test } from '@jest/globals';
import { last, maximumEntropy, maximumEntropyLater, validationLoss } from '../../study/rules/baselines.js';
import { RULES } from '../../study/rules/all-rules.js';
import { consensus, informedConsensus } from '../../study/rules/consensus.js';
import { labelWave } from '../../study/rules/label-wave.js';
import { gradientDisparity, mutualInformation } from '../../study/rules/literature.js';
import { firstMargin, marginGap } from '../../study/rules/margins.js';
import { argmax, argmin, firstMaximum, firstMinimum, movingAverage } from '../../study/rules/series.js';
import { signalsOf } from './fixtures/signals.js';

describe('series', () => {
  test('the first of several extremes, past what is null', () => {
    expect(argmax([null, 1, 3, 2, 3])).toBe(2);
    expect(argmin([null, 2, 1, 1])).toBe(2);
    expect(argmax([null, null])).toBe(0);
  });

  test.each([
    [[null, 5, 4, 6, 1], 1, 2],
    [[null, 5, 4, 6, 1], 2, 4],
    // Equal is not a rise by less: it is none lower.
    [[3, 3, 1], 1, 0],
    [[4, 3, 2], 1, 2],
    [[null], 1, 0],
  ])('the first minimum of %j with patience %i is %i', (series, patience, epoch) => {
    expect(firstMinimum(series, patience)).toBe(epoch);
    expect(
      firstMaximum(
        series.map((value) => (value === null ? null : -value)),
        patience,
      ),
    ).toBe(epoch);
  });

  test('moving averages take what there is', () => {
    expect(movingAverage([null, 2, 4, 9], 2)).toEqual([null, 2, 3, 6.5]);
    expect(movingAverage([1, 2, 3, 8], 3)).toEqual([1, 1.5, 2, 13 / 3]);
  });
});

describe('rules', () => {
  test('the last epoch', () => {
    expect(last.choose(signalsOf({}, 7))).toBe(6);
  });

  test('the largest mean entropy of four rows of training to one of validation', () => {
    const signals = signalsOf(
      { 'running-entropy': [0.1, 0.2, 0.3, 0.1], 'val-entropy': [0.9, 0.6, 0.1, 0.1] },
      4,
    );
    // 0.26, 0.28, 0.26, 0.10
    expect(maximumEntropy.choose(signals)).toBe(1);
  });

  test('the same from epoch 5 on', () => {
    const entropy = [0.9, 0.8, 0.7, 0.6, 0.5, 0.2, 0.4, 0.3];
    const signals = signalsOf({ 'running-entropy': entropy, 'val-entropy': entropy }, 8);
    expect(maximumEntropyLater.choose(signals)).toBe(6);
  });

  test('Label Wave stops at the first minimum of the average', () => {
    const changes = [null, 0.5, 0.3, 0.32, 0.2, 0.4];
    const signals = signalsOf(
      { 'running-changes': changes, 'val-changes': [null, 0.5, 0.4, 0.3, 0.2, 0.1] },
      6,
    );
    expect(labelWave('training', 1).choose(signals)).toBe(2);
    // 0.5, 0.4, 0.31, 0.26, 0.3
    expect(labelWave('training', 2).choose(signals)).toBe(4);
    expect(labelWave('validation', 1).choose(signals)).toBe(5);
  });

  test('the first maximum of the margin', () => {
    expect(firstMargin.choose(signalsOf({ 'val-margin': [0.1, 0.4, 0.3, 0.9] }, 4))).toBe(1);
  });

  test('the epoch before the margin of training exceeds that of validation', () => {
    const signals = signalsOf(
      { 'train-margin': [0.1, 0.4, 0.52, 0.8], 'val-margin': [0.2, 0.4, 0.51, 0.6] },
      4,
    );
    expect(marginGap('train', 0.02).choose(signals)).toBe(2);
    expect(marginGap('train', 0.5).choose(signals)).toBe(3);
  });

  test('gradient disparity stops at its fifth rise, and looks no further', () => {
    const disparity = [9, 10, 8, 9, 10, 11, 12, 1];
    expect(gradientDisparity.choose(signalsOf({ 'gradient-disparity': disparity }, 8))).toBe(2);
  });

  test('mutual information is of certain predictions of many classes', () => {
    const signals = signalsOf({ 'val-marginal-entropy': [2, 2.2, 1], 'val-full-entropy': [1.5, 1, 0.1] }, 3);
    expect(mutualInformation.choose(signals)).toBe(1);
  });

  test('the consensus, and how much surer the network is of its training', () => {
    const signals = signalsOf(
      {
        'val-averaged-changes': [null, 0.3, 0.2, 0.1, 0.1],
        'val-entropy': [0.5, 0.5, 0.5, 0.5, 0.7],
        'running-entropy': [0.5, 0.5, 0.5, 0.3, 0.6],
      },
      5,
    );
    expect(consensus(0, null).choose(signals)).toBe(3);
    // 0.3, 0.2, 0.3, 0.1 and with half of the weight 0.3, 0.2, 0.2, 0.1.
    expect(consensus(1, null).choose(signals)).toBe(4);
    expect(consensus(1, 1).choose(signals)).toBe(2);
  });

  test('consensus does not take a network that has not begun for one that agrees', () => {
    const signals = signalsOf(
      {
        'val-averaged-changes': [null, 0, 0, 0.3, 0.1, 0.4],
        'val-entropy': Array<number>(6).fill(0.5),
        'running-entropy': Array<number>(6).fill(0.5),
        // Of ln 10 = 2.3: nothing, a hundredth, a twentieth, then enough.
        'val-marginal-entropy': [2, 2.02, 2.12, 2.2, 2.2, 2.2],
        'val-full-entropy': [2, 2, 2, 1.9, 1.9, 1.9],
      },
      6,
    );
    expect(consensus(1, 7).choose(signals)).toBe(1);
    expect(informedConsensus(7, 0.1).choose(signals)).toBe(4);
    expect(informedConsensus(7, 0.001).choose(signals)).toBe(1);
  });

  test('the smallest loss', () => {
    expect(validationLoss.choose(signalsOf({ 'val-loss': [3, 1, 2] }, 3))).toBe(1);
  });

  test('have names of their own', () => {
    const names = RULES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  test('that stop do not look further than they say', () => {
    const rising = { 'val-changes': [null, 0.5, 0.2, 0.4, 0.4], 'val-margin': [0.1, 0.3, 0.2, 0.2, 0.2] };
    const later = { 'val-changes': [null, 0.5, 0.2, 0.4, 0], 'val-margin': [0.1, 0.3, 0.2, 0.2, 0.9] };
    for (const rule of [labelWave('validation', 1), firstMargin]) {
      expect(rule.choose(signalsOf(later, 5))).toBe(rule.choose(signalsOf(rising, 5)));
    }
  });
});
