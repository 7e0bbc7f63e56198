import { describe, expect, it } from '@jest/globals';
import seedrandom from 'seedrandom';
import { estimate, halfWidth, median, medianInterval } from '../../benchmarks/statistics.js';

describe('median', () => {
  it.each([
    [[3], 3],
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
  ])('returns the middle value of %j: %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });
});

describe('medianInterval', () => {
  it('contains the median of the distribution in about 95 % of samples', () => {
    const random = seedrandom('coverage');
    const trials = 300;
    let hits = 0;
    for (let trial = 0; trial < trials; trial++) {
      const sample = Array.from({ length: 25 }, () => random());
      const { low, high } = medianInterval(sample, random, 400);
      if (low <= 0.5 && 0.5 <= high) hits += 1;
    }
    expect(hits / trials).toBeGreaterThan(0.89);
    expect(hits / trials).toBeLessThan(0.99);
  });
});

describe('estimate', () => {
  it('gives a narrower interval for more values', () => {
    const random = seedrandom('width');
    const values = (count: number): number[] => Array.from({ length: count }, () => random());
    const widths = [20, 2000].map((count) => halfWidth(estimate(values(count), random, 500)));
    expect(widths[1]).toBeLessThan(widths[0]! / 4);
  });
});

describe('halfWidth', () => {
  it('is the distance to the farther end of the interval', () => {
    expect(halfWidth({ median: 1, low: 0.98, high: 1.01, count: 9 })).toBeCloseTo(0.02, 12);
  });
});
