import { halfWidth, type Estimate } from './statistics.js';

/** With fewer values, an interval says nothing. */
const MIN_COUNT = 3;

/** The median with half of its interval. Empty without a ratio. */
export function ratioText(ratio: Estimate | undefined): string {
  if (ratio === undefined) return '';
  const { median, count } = ratio;
  const width = halfWidth(ratio);
  const digits = median >= 20 ? 0 : median >= 5 ? 1 : median >= 2 ? 2 : 3;
  const interval = count < MIN_COUNT ? '' : ` ±${width.toFixed(digits)}`;
  return median.toFixed(digits) + interval;
}

/** With two digits, or three from 100 ms up. In seconds from one second up. */
export function timeText(ms: number): string {
  if (ms >= 999.5) return `${(ms / 1000).toFixed(ms < 9995 ? 2 : 1)} s`;
  return ms >= 99.5 ? `${ms.toFixed(0)} ms` : `${Number(ms.toPrecision(2))} ms`;
}

export function sizeText(bytes: number): string {
  if (Math.abs(bytes) < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return Math.abs(bytes) < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
