import { describe, expect, test } from '@jest/globals';
import { compareRules, performanceOf } from '../../study/evaluation/compare.js';
import { regretOf } from '../../study/evaluation/regret.js';
import { bestByMeanRegret, selectShippedRule } from '../../study/evaluation/selection.js';
import { estimateMean, quantile } from '../../study/evaluation/statistics.js';
import { DEFAULT_AVERAGE } from '../../study/averages.js';
import { averaged, type Rule } from '../../study/rules/rule.js';
import type { Trajectory } from '../../study/trajectories.js';
import { signalsOf } from './fixtures/signals.js';

const ruleSelecting = (epoch: number, needs: Rule['needs'] = 'predictions'): Rule => ({
  name: `epoch ${epoch}`,
  needs,
  select: () => epoch,
});

const trajectoryOf = (
  accuracies: number[],
  seed = 1,
  noise: Trajectory['cell']['noise'] = 'none',
): Trajectory => ({
  cell: { task: 'mnist', noise, network: 'dense', optimizer: 'adam-small', seed },
  signals: signalsOf({ 'test-accuracy': accuracies }, accuracies.length),
  averaged: {},
});

describe('regret', () => {
  test('is the accuracy below the best epoch, in percentage points', () => {
    expect(regretOf(ruleSelecting(0), trajectoryOf([0.8123, 0.9, 0.7]))).toBe(8.77);
    expect(regretOf(ruleSelecting(1), trajectoryOf([0.8123, 0.9, 0.7]))).toBe(0);
  });

  test('of averaged weights is against the best epoch as it was trained, by the signals of the average', () => {
    const trajectory = trajectoryOf([0.8, 0.9, 0.7]);
    const { numClasses: _, ...signals } = signalsOf(
      { 'test-accuracy': [0.8, 0.91, 0.92], 'val-accuracy': [0.5, 0.7, 0.6] },
      3,
    );
    const highest: Rule = {
      ...ruleSelecting(0),
      select: ({ 'val-accuracy': values }) => values.indexOf(Math.max(...(values as number[]))),
    };
    expect(regretOf(averaged(highest), { ...trajectory, averaged: { [DEFAULT_AVERAGE]: signals } })).toBe(-1);
    expect(() => regretOf(averaged(highest), trajectory)).toThrow('was not recorded');
  });

  test('hides the test accuracy from the rule', () => {
    const seen: string[][] = [];
    const curious: Rule = { ...ruleSelecting(0), select: (signals) => (seen.push(Object.keys(signals)), 0) };
    regretOf(curious, trajectoryOf([0.5]));
    expect(seen[0]).not.toContain('test-accuracy');
    expect(seen[0]).toContain('val-accuracy');
  });

  test('refuses an epoch that does not exist', () => {
    expect(() => regretOf(ruleSelecting(3), trajectoryOf([0.5, 0.6]))).toThrow(RangeError);
  });
});

describe('statistics', () => {
  test('a quantile is one of the values', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(quantile(values, 0.95)).toBe(95);
    expect(quantile([3], 0.95)).toBe(3);
  });

  test('the interval of many independent values matches the normal approximation', () => {
    const values = Array.from({ length: 400 }, (_, i) => [Math.sin(i * 12.9898) * 10 + 5]);
    const { mean, low, high } = estimateMean(values);
    const flat = values.flat();
    const deviation = Math.sqrt(flat.reduce((sum, value) => sum + (value - mean) ** 2, 0) / flat.length);
    const half = (1.96 * deviation) / Math.sqrt(flat.length);
    expect((high - low) / 2 / half).toBeGreaterThan(0.93);
    expect((high - low) / 2 / half).toBeLessThan(1.07);
    expect((high + low) / 2).toBeCloseTo(mean, 1);
  });

  test('repeated values within a group do not narrow the interval', () => {
    const single = Array.from({ length: 30 }, (_, i) => [i]);
    const triple = single.map(([value = 0]) => [value, value, value]);
    expect(estimateMean(triple)).toEqual(estimateMean(single));
  });
});

describe('comparison', () => {
  const trajectories = [
    trajectoryOf([0.5, 0.6, 0.7]),
    trajectoryOf([0.7, 0.7, 0.5], 2),
    trajectoryOf([0.7, 0.6, 0.5], 3),
  ];

  test('counts wins, ties and losses by training', () => {
    const { difference, wins, ties, losses } = compareRules(ruleSelecting(1), ruleSelecting(0), trajectories);
    expect([wins, ties, losses]).toEqual([1, 1, 1]);
    expect(difference.mean).toBeCloseTo(0);
  });

  test('reports the mean and the worst regret', () => {
    const { regret, worst } = performanceOf(ruleSelecting(0), trajectories);
    expect(regret.mean).toBeCloseTo(20 / 3);
    expect(worst).toBe(20);
  });
});

describe('selection', () => {
  test('ships a rule that needs only predictions', () => {
    // Means 1.33, 1 and 0.33; worst 4, 2 and 1.
    const trajectories = [
      trajectoryOf([0.96, 0.99, 1]),
      trajectoryOf([1, 0.98, 0.99], 2),
      trajectoryOf([1, 1, 1], 3),
    ];
    const rules = [ruleSelecting(0), ruleSelecting(1), ruleSelecting(2, 'predictions and noisy labels')];
    expect(selectShippedRule(rules, trajectories).name).toBe('epoch 1');
    expect(bestByMeanRegret(rules, trajectories).name).toBe('epoch 2');
  });

  test('ships no rule with a worst case above 5 points if another has none', () => {
    // Means 2 and 4; worst 6 and 4.
    const trajectories = [
      trajectoryOf([1, 0.94, 0.96, 1]),
      trajectoryOf([0.94, 1, 0.96, 1], 2),
      trajectoryOf([1, 1, 0.96, 1], 3),
    ];
    const rules = [ruleSelecting(0), ruleSelecting(2)];
    expect(selectShippedRule(rules, trajectories).name).toBe('epoch 2');
    expect(bestByMeanRegret(rules, trajectories).name).toBe('epoch 0');
  });

  test('ships the rule with the smallest mean if every worst case is above 5 points', () => {
    // Means 5 and 7; worst 10 and 7.
    const trajectories = [trajectoryOf([0.9, 0.93, 1]), trajectoryOf([1, 0.93, 1], 2)];
    expect(selectShippedRule([ruleSelecting(1), ruleSelecting(0)], trajectories).name).toBe('epoch 0');
  });
});
