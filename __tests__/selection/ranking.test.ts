import { expect, test } from '@jest/globals';
import type { EpochRecord } from '../../src/epoch-record.js';
import { BestValue } from '../../src/selection/best-value.js';
import { Ranking } from '../../src/selection/ranking.js';

/** The epochs that are kept, best first, after a training whose epochs had these values. */
function keptOf(
  values: readonly number[],
  maxToKeep: number,
  mode: 'max' | 'min' = 'max',
  minDelta = 0,
): number[] {
  const comparison = { mode, termSize: 0 };
  const bestValue = new BestValue({
    ...comparison,
    minDelta,
    startFromEpoch: 0,
    initialThreshold: null,
    patience: Infinity,
  });
  const ranking = new Ranking(maxToKeep, comparison);
  for (const [epoch, value] of values.entries()) {
    const isBest = bestValue.isBetter(epoch, value);
    bestValue.add(epoch, value);
    ranking.add(recordOf(epoch, value, isBest));
  }
  return ranking.kept.map(({ epoch }) => epoch);
}

function recordOf(epoch: number, value: number, isBest: boolean, fit = 0): EpochRecord {
  return { epoch, fit, entropy: value, trainEntropy: null, valEntropy: null, value, isBest, logs: {} };
}

test.each<[string, number[], number, 'max' | 'min', number[]]>([
  ['the best alone', [1, 3, 2], 1, 'max', [1]],
  ['the best two', [1, 3, 2], 2, 'max', [1, 2]],
  ['the smallest three', [5, 3, 4, 1, 2], 3, 'min', [3, 4, 1]],
  ['all epochs if there are fewer', [1, 2], 5, 'max', [1, 0]],
  ['every epoch', [1, 3, 2], Infinity, 'max', [1, 2, 0]],
  ['the earlier of equal epochs', [3, 2, 2, 2], 3, 'max', [0, 1, 2]],
  ['the earlier of epochs that differ by rounding', [3, 2, 2.00001, 2.00002], 3, 'max', [0, 1, 2]],
  ['the earlier of them in mode min', [1, 2, 1.99999, 1.9], 3, 'min', [0, 3, 1]],
])('a Ranking keeps %s', (_, values, maxToKeep, mode, expected) => {
  expect(keptOf(values, maxToKeep, mode)).toEqual(expected);
});

test('a Ranking has the order of a sort by value, in many runs', () => {
  for (let run = 0; run < 200; run++) {
    const values = Array.from({ length: 20 }, (_, i) => Math.round(Math.abs(Math.sin(i * 7.1 + run)) * 12));
    const sorted = values.map((value, epoch) => ({ value, epoch }));
    sorted.sort((a, b) => b.value - a.value || a.epoch - b.epoch);
    expect(keptOf(values, 4)).toEqual(sorted.slice(0, 4).map(({ epoch }) => epoch));
  }
});

test('a Ranking puts the best before an epoch that is better by no more than `minDelta`', () => {
  expect(keptOf([1, 1.05, 1.2], 3, 'max', 0.1)).toEqual([2, 0, 1]);
  expect(keptOf([1, 1.05], 2, 'max', 0.1)).toEqual([0, 1]);
});

test('a Ranking replaces the record of an epoch that ends a second time, unless it is the best', () => {
  const ranking = new Ranking(3, { mode: 'max', termSize: 0 });
  for (const record of [recordOf(0, 5, true), recordOf(1, 4, false), recordOf(1, 3, false)])
    ranking.add(record);
  expect(ranking.kept.map(({ value }) => value)).toEqual([5, 3]);
  ranking.add(recordOf(0, 4, false));
  expect(ranking.kept.map(({ value }) => value)).toEqual([5, 3]);
  ranking.add(recordOf(0, 4, false, 1));
  expect(ranking.kept.map(({ value }) => value)).toEqual([5, 4, 3]);
  ranking.add(recordOf(1, 6, true));
  expect(ranking.kept.map(({ value }) => value)).toEqual([6, 5, 4]);
});
