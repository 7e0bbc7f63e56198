import seedrandom from 'seedrandom';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface MeanEstimate extends Interval {
  readonly mean: number;
}

const RESAMPLES = 10_000;

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** @param share 0…1. With 0.95: the smallest of `values` that 95 % of them do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

/**
 * The mean of all values with its 95 % percentile-bootstrap interval. The bootstrap draws whole groups, because values
 * within a group are alike. It is seeded, so the same values give the same interval.
 */
export function estimateMean(groups: readonly (readonly number[])[]): MeanEstimate {
  const random = seedrandom.alea('bootstrap');
  const sums = groups.map((values) => values.reduce((sum, value) => sum + value, 0));
  const means = Array.from({ length: RESAMPLES }, () => {
    const drawn = groups.map(() => Math.floor(random() * groups.length));
    const sum = drawn.reduce((total, group) => total + sums[group]!, 0);
    const count = drawn.reduce((total, group) => total + groups[group]!.length, 0);
    return sum / count;
  });
  return { mean: mean(groups.flat()), low: quantile(means, 0.025), high: quantile(means, 0.975) };
}
