import type { Series } from '../signals.js';

/** The first epoch with the largest value; 0 if all are null. */
export function argmax(series: Series): number {
  let best = 0;
  for (const [epoch, value] of series.entries()) {
    if (value !== null && value > (series[best] ?? -Infinity)) best = epoch;
  }
  return best;
}

export function argmin(series: Series): number {
  return argmax(negated(series));
}

export function negated(series: Series): Series {
  return series.map((value) => (value === null ? null : -value));
}

/**
 * The first epoch whose value is the smallest so far and is followed by `patience` epochs without a smaller one. If no
 * epoch is, the one with the smallest value.
 */
export function firstMinimum(series: Series, patience = 1): number {
  let best: number | null = null;
  for (const [epoch, value] of series.entries()) {
    if (value === null) continue;
    if (best === null || value < series[best]!) best = epoch;
    else if (epoch - best >= patience) return best;
  }
  return best ?? 0;
}

export function firstMaximum(series: Series, patience = 1): number {
  return firstMinimum(negated(series), patience);
}

/** Averages the last `window` values, or fewer at the beginning. Null values are left out. */
export function movingAverage(series: Series, window: number): Series {
  return series.map((value, epoch) => {
    const values = series.slice(Math.max(0, epoch - window + 1), epoch + 1).filter((one) => one !== null);
    return value === null ? null : values.reduce((sum, one) => sum + one, 0) / values.length;
  });
}
