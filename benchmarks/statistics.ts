export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** A median with its confidence interval. */
export interface Estimate extends Interval {
  readonly median: number;
  /** The number of values. */
  readonly count: number;
}

/** @param values one or more. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/**
 * The 95 % percentile-bootstrap interval of the median.
 *
 * @param random 0 ≤ random() < 1. With a seeded generator, the interval is reproducible.
 */
export function medianInterval(
  values: readonly number[],
  random: () => number,
  resamples = 10_000,
): Interval {
  const draw = (): number => values[Math.floor(random() * values.length)] ?? NaN;
  const medians = Array.from({ length: resamples }, () => median(values.map(draw))).sort((a, b) => a - b);
  const quantile = (share: number): number => medians[Math.round(share * (resamples - 1))] ?? NaN;
  return { low: quantile(0.025), high: quantile(0.975) };
}

/** @param values one or more. */
export function estimate(values: readonly number[], random: () => number, resamples?: number): Estimate {
  return { median: median(values), count: values.length, ...medianInterval(values, random, resamples) };
}

/** The distance from the median to the farther end of its interval. */
export function halfWidth({ median: middle, low, high }: Estimate): number {
  return Math.max(high - middle, middle - low);
}
