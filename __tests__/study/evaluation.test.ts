import { describe, expect, test } from '@jest/globals';
import { compareRules, performanceOf } from '../../study/evaluation/compare.js';
import { regretOf } from '../../study/evaluation/regret.js';
import { bestByMean, bestOf } from '../../study/evaluation/selection.js';
import { estimateMean, quantile } from '../../study/evaluation/statistics.js';
import type { Rule } from '../../study/rules/rule.js';
import type { Trajectory } from '../../study/trajectories.js';
import { signalsOf } from './fixtures/signals.js';

const at = (epoch: number, needs: Rule['needs'] = 'tap'): Rule => ({
  name: `epoch ${epoch}`,
  needs,
  choose: () => epoch,
});

const trained = (
  accuracies: number[],
  seed = 1,
  noise: Trajectory['cell']['noise'] = 'none',
): Trajectory => ({
  cell: { task: 'mnist', noise, network: 'dense', optimizer: 'adam-small', seed },
  signals: signalsOf({ 'test-accuracy': accuracies }, accuracies.length),
});

describe('regret', () => {
  test('is the distance to the best epoch, in points', () => {
    expect(regretOf(at(0), trained([0.8123, 0.9, 0.7]))).toBe(8.77);
    expect(regretOf(at(1), trained([0.8123, 0.9, 0.7]))).toBe(0);
  });

  test('the test data are hidden from the rule', () => {
    const seen: string[][] = [];
    const curious: Rule = { ...at(0), choose: (signals) => (seen.push(Object.keys(signals)), 0) };
    regretOf(curious, trained([0.5]));
    expect(seen[0]).not.toContain('test-accuracy');
    expect(seen[0]).toContain('val-accuracy');
  });

  test('an epoch that does not exist is an error', () => {
    expect(() => regretOf(at(3), trained([0.5, 0.6]))).toThrow(RangeError);
  });
});

describe('statistics', () => {
  test('quantiles are values', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(quantile(values, 0.95)).toBe(95);
    expect(quantile([3], 0.95)).toBe(3);
  });

  test('the interval of a mean is that of the normal distribution, for many groups of one', () => {
    const values = Array.from({ length: 400 }, (_, i) => [Math.sin(i * 12.9898) * 10 + 5]);
    const { mean, low, high } = estimateMean(values);
    const flat = values.flat();
    const deviation = Math.sqrt(flat.reduce((sum, value) => sum + (value - mean) ** 2, 0) / flat.length);
    const half = (1.96 * deviation) / Math.sqrt(flat.length);
    expect((high - low) / 2 / half).toBeGreaterThan(0.93);
    expect((high - low) / 2 / half).toBeLessThan(1.07);
    expect((high + low) / 2).toBeCloseTo(mean, 1);
  });

  test('values that are alike within a group count once', () => {
    const single = Array.from({ length: 30 }, (_, i) => [i]);
    const triple = single.map(([value = 0]) => [value, value, value]);
    expect(estimateMean(triple)).toEqual(estimateMean(single));
  });
});

describe('comparison', () => {
  const trajectories = [trained([0.5, 0.6, 0.7]), trained([0.7, 0.7, 0.5], 2), trained([0.7, 0.6, 0.5], 3)];

  test('counts by pairs', () => {
    const { difference, wins, ties, losses } = compareRules(at(1), at(0), trajectories);
    expect([wins, ties, losses]).toEqual([1, 1, 1]);
    expect(difference.mean).toBeCloseTo(0);
  });

  test('tells the mean and the worst', () => {
    const { regret, worst } = performanceOf(at(0), trajectories);
    expect(regret.mean).toBeCloseTo(20 / 3);
    expect(worst).toBe(20);
  });

  test('the best is within the worst case where one is, and needs no labels', () => {
    // Means 1.33, 1 and 0.33; worst 4, 3 and 1.
    const few = [trained([0.96, 0.99, 1]), trained([1, 0.98, 0.99], 2), trained([1, 1, 1], 3)];
    expect(bestOf([at(0), at(1), at(2, 'tap and noisy labels')], few).name).toBe('epoch 1');
    expect(bestByMean([at(0), at(1), at(2, 'tap and noisy labels')], few).name).toBe('epoch 2');
    // Means 3 and 2; worst 6 and 4: then one of smaller mean and a worst case above 5.
    const risky = [trained([0.94, 0.96]), trained([0.94, 0.94], 2)];
    expect(bestOf([at(0), at(1)], risky).name).toBe('epoch 1');
    const bad = [trained([1, 0.94, 0.96, 1]), trained([0.94, 1, 0.96, 1], 2), trained([1, 1, 0.96, 1], 3)];
    expect(bestOf([at(0), at(2)], bad).name).toBe('epoch 2');
  });
});
