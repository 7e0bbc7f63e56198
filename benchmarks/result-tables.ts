import { shareOfPredictAgain } from './bounds.js';
import { PROFILED } from './fit-benchmark.js';
import { ratioText, sizeText, timeText } from './figures.js';
import type { BackendLabel, ContenderName } from './names.js';
import type { FitResult, KernelResult, MemoryResult } from './results.js';
import type { Table } from './table.js';

/** Times of `fit` over that of bare `fit`. One row for each workload. */
export function fitTable(label: BackendLabel, results: readonly FitResult[]): Table {
  return {
    title: `fit on ${label}`,
    head: [
      '',
      'bare fit',
      'bare again',
      'callback',
      'consensus',
      'label_wave',
      'averaged / callback',
      'predict again',
      'keep outputs',
      'rounds',
    ],
    rows: results.flatMap((result) => {
      const { workload, outcome } = result;
      if ('reason' in outcome) return [[workload, ...Array<string>(8).fill('–'), '']];
      const ratio = (name: ContenderName): string => ratioText(outcome.ratios[name]);
      const { length } = outcome.rounds;
      const slowRatios = [ratio('predict-again'), ratio('keep-outputs')];
      const row = [
        workload,
        `${outcome.bareMs.toFixed(0)} ms`,
        ratio('control'),
        ratio('callback'),
        ratio('consensus'),
        ratio('label_wave'),
        ratio('averaged'),
        ...slowRatios,
      ];
      const stored = outcome.ratios.stored;
      const storedRow = [`${workload}, stored`, '', '', ratioText(stored), '', '', '', '', ''];
      return [[...row, String(length)], ...(stored === undefined ? [] : [storedRow])];
    }),
    notes: results.map(fitNote),
  };
}

/** CPU time of `fit` over that without the samples of this package. One row for each workload. */
export function attributedTable(label: BackendLabel, results: readonly FitResult[]): Table | null {
  const rows = results.flatMap(({ workload, outcome }) =>
    'reason' in outcome || outcome.attributed === null
      ? []
      : [[workload, ...PROFILED.map((name) => ratioText(outcome.attributed?.[name]))]],
  );
  if (rows.length === 0) return null;
  return {
    title: `CPU time of fit on ${label}`,
    head: ['', 'callback', 'consensus', 'label_wave', 'averaged / callback'],
    rows,
    notes: [],
  };
}

function fitNote(result: FitResult): string {
  const { workload, outcome } = result;
  if ('reason' in outcome) return `${workload}: not measured, ${outcome.reason}.`;
  const { title, batchSize, trainRows, validationRows } = outcome.size;
  const share = shareOfPredictAgain(result);
  const shareText = share === null ? '' : `; callback / predict again: ${Math.round(100 * share) || 0} %`;
  return `${workload}: ${title}; ${trainRows} + ${validationRows} rows, batches of ${batchSize}${shareText}.`;
}

/** Times of the fused and the composed operation. One row for each input. */
export function kernelTable(label: BackendLabel, results: readonly KernelResult[]): Table {
  const isAsynchronous = results.some(({ fused, composed }) => [fused, composed].some(isEnqueued));
  return {
    title: `top-k entropy on ${label}`,
    head: [
      'predictions',
      'fused',
      'composed',
      'ratio',
      ...(isAsynchronous ? ['fused call', 'composed call'] : []),
    ],
    rows: results.map(({ rows, numClasses, fromLogits, fused, composed, ratio }) => [
      `[${rows}, ${numClasses}] ${fromLogits ? 'logits' : 'probabilities'}`,
      timeText(fused.timeMs),
      timeText(composed.timeMs),
      ratioText(ratio),
      ...(isAsynchronous ? [timeText(fused.enqueueMs), timeText(composed.enqueueMs)] : []),
    ]),
    notes: [],
  };
}

/** Whether the device was still computing when the call had returned. */
function isEnqueued({ timeMs, enqueueMs }: KernelResult['fused']): boolean {
  return enqueueMs < 0.9 * timeMs;
}

/** Peaks of memory. One row for each number of rows and classes. */
export function memoryTable(results: readonly MemoryResult[]): Table {
  const ofCheckpoint = results.filter(({ method }) => method === 'checkpoint');
  return {
    title: 'peak memory of an epoch on cpu in Node',
    head: ['', 'callback', 'process', 'keep outputs', 'process'],
    rows: ofCheckpoint.map((result) => {
      const { rows, numClasses } = result;
      const other = results.find(
        (cell) => cell.method === 'keep-outputs' && cell.rows === rows && cell.numClasses === numClasses,
      );
      return [
        `${rows.toLocaleString('en')} rows of ${numClasses.toLocaleString('en')} classes`,
        ...memoryCells(result),
        ...(other === undefined ? ['', ''] : memoryCells(other)),
      ];
    }),
    notes: results
      .filter(({ peak }) => peak === null)
      .map(
        ({ rows, numClasses, neededBytes }) =>
          `Keeping the outputs of ${rows.toLocaleString('en')} rows of ${numClasses.toLocaleString('en')} classes was not run: ` +
          `it takes more than ${sizeText(neededBytes)}.`,
      ),
  };
}

function memoryCells({ peak }: MemoryResult): [string, string] {
  return peak === null ? ['not run', ''] : [sizeText(peak.tensorBytes), sizeText(peak.processBytes)];
}
