import { atMost, type Bound } from './bound.js';
import { WANTED_HALF_WIDTH } from './fit-benchmark.js';
import type { BackendName } from '../backends/open-backend.js';
import { BACKENDS, type BackendLabel } from './names.js';
import type { FitOutcome, FitResult, KernelResult, MemoryResult, Results } from './results.js';
import { savingBoundsOf } from './saving/saving-bounds.js';
import { halfWidth, type Estimate } from './statistics.js';

/** Time of `fit` with the callback over that of bare `fit`. */
const MAX_OVERHEAD: Record<BackendName, number> = {
  cpu: 1.02,
  wasm: 1.02,
  tensorflow: 1.02,
  webgl: 1.05,
  webgpu: 1.05,
};
/** The same with a monitor that compares the predictions of consecutive epochs. */
const MAX_MONITOR_OVERHEAD = 1.03;
/** Time of `fit` with averaged weights, over that of `fit` with the same callback without. */
const MAX_AVERAGING = 1.01;
/** The time that the callback adds, over the time that predicting again adds. */
const MAX_SHARE = 0.5;
/** Composed over fused, at 128 rows of 1,000 classes, from logits. */
const MIN_SPEEDUP: Partial<typeof MAX_OVERHEAD> = { cpu: 10, webgl: 2, webgpu: 2 };
const MAX_GROWTH = 0.05;

/** Every bound for which the results have a figure. */
export function boundsOf({
  fits,
  kernels,
  memory,
  saving,
}: Pick<Results, 'fits' | 'kernels' | 'memory' | 'saving'>): Bound[] {
  return [
    ...fits.flatMap(fitBounds),
    ...kernels.flatMap(kernelBounds),
    ...memoryBounds(memory),
    ...savingBoundsOf(saving),
  ];
}

/**
 * The time that the callback adds, over the time that predicting again adds. Below 0 if it seemed faster than bare
 * `fit`.
 */
export function shareOfPredictAgain({ outcome }: FitResult): number | null {
  if ('reason' in outcome) return null;
  const { callback, 'predict-again': again } = outcome.ratios;
  return callback === undefined || again === undefined ? null : (callback.median - 1) / (again.median - 1);
}

/** CPU time decides where it is attributed: it repeats to thousandths where the time of `fit` does to hundredths. */
function fitBounds(result: FitResult): Bound[] {
  const { backend, workload, outcome } = result;
  if ('reason' in outcome) return [];
  const where = `${workload} on ${backend}`;
  const { attributed } = outcome;
  const ratios = attributed ?? outcome.ratios;
  const share = shareOfPredictAgain(result);
  return [
    ...ratioBounds(attributed === null ? 'fit' : 'CPU time of fit', ratios, where, backendOf(backend)),
    ...(share === null ? [] : [atMost(`share of what predicting again adds, ${where}`, share, MAX_SHARE, 2)]),
    ...widthBounds(attributed === null ? [ratios.callback, ratios.control] : [ratios.callback], where),
  ];
}

function ratioBounds(
  measure: string,
  { callback, consensus, label_wave: labelWave, averaged }: FitOutcome['ratios'],
  where: string,
  backend: BackendName,
): Bound[] {
  const bound = (what: string, ratio: Estimate | undefined, limit: number): Bound[] =>
    ratio === undefined ? [] : [atMost(`${measure} ${what}, ${where}`, ratio.median, limit, 3)];
  return [
    ...bound('with the callback', callback, MAX_OVERHEAD[backend]),
    ...bound('with the monitor consensus', consensus, MAX_MONITOR_OVERHEAD),
    ...bound('with the monitor label_wave', labelWave, MAX_MONITOR_OVERHEAD),
    ...bound('with averaged weights over without', averaged, MAX_AVERAGING),
  ];
}

function widthBounds(ratios: readonly (Estimate | undefined)[], where: string): Bound[] {
  const widths = ratios.flatMap((ratio) => (ratio === undefined ? [] : [halfWidth(ratio)]));
  if (widths.length === 0) return [];
  return [atMost(`half-width of the interval, ${where}`, Math.max(...widths), WANTED_HALF_WIDTH, 3)];
}

function kernelBounds({ backend, rows, numClasses, fromLogits, ratio }: KernelResult): Bound[] {
  const limit =
    rows === 128 && numClasses === 1000 && fromLogits ? (MIN_SPEEDUP[backendOf(backend)] ?? 1) : 1;
  const figure = `composed over fused, [${rows}, ${numClasses}] ${fromLogits ? 'logits' : 'probabilities'} on ${backend}`;
  const { median } = ratio;
  return [
    {
      figure,
      expected: `at least ${limit}`,
      got: median.toFixed(median < 10 ? 2 : 0),
      isMet: median >= limit,
    },
  ];
}

function memoryBounds(memory: readonly MemoryResult[]): Bound[] {
  const ofCheckpoint = memory.filter(({ method }) => method === 'checkpoint');
  return [...new Set(ofCheckpoint.map(({ numClasses }) => numClasses))].flatMap((numClasses) => {
    const peaks = ofCheckpoint.filter((result) => result.numClasses === numClasses).map(({ peak }) => peak);
    const first = peaks.at(0);
    const last = peaks.at(-1);
    if (first == null || last == null || peaks.length < 2) return [];
    const growth = (property: 'tensorBytes' | 'processBytes'): number => last[property] / first[property] - 1;
    return [
      atMost(`growth of tensor memory, ${numClasses} classes`, growth('tensorBytes'), MAX_GROWTH, 3),
      atMost(`growth of process memory, ${numClasses} classes`, growth('processBytes'), MAX_GROWTH, 3),
    ];
  });
}

function backendOf(label: BackendLabel): keyof typeof MAX_OVERHEAD {
  return BACKENDS[label].backend;
}
