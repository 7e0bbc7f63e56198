import { ratioText, sizeText, timeText } from '../figures.js';
import { valuesOf, type Round } from '../rounds.js';
import { median } from '../statistics.js';
import type { Table } from '../table.js';
import type { ReadMethod, SaveContenderName, TrainingLength } from './names.js';
import type {
  LargeModelResult,
  LongTrainingResult,
  PauseResult,
  SaveFitResult,
  SavingResults,
} from './results.js';
import { extraBytesOf, shareOfModelSave, speedOf } from './saving-bounds.js';

/** The tables for which there are results. */
export function savingTables({ fits, pauses, long = [], large }: SavingResults): Table[] {
  return [
    ...(fits.length > 0 ? [saveFitTable(fits), addedTable(fits)] : []),
    ...(pauses.length > 0 ? [pauseTable(pauses)] : []),
    ...(long.length > 0 ? [longTrainingTable(long)] : []),
    ...large.map(largeModelTable),
  ];
}

function saveFitTable(results: readonly SaveFitResult[]): Table {
  return {
    title: 'fit with a save in every epoch',
    head: ['', 'bare fit', 'bare again', 'not stored', 'stored', 'with saveLast', 'model.save', 'rounds'],
    rows: results.map(({ backend, bareMs, ratios, rounds }) => [
      backend,
      timeText(bareMs),
      ...(['control', 'not-stored', 'stored', 'stored-last', 'model-save'] as const).map((name) =>
        ratioText(ratios[name]),
      ),
      String(rounds.length),
    ]),
    notes: results.map(saveFitNote),
  };
}

function saveFitNote({ backend, size, rounds }: SaveFitResult): string {
  const { title, savedBytes, epochs, batches, batchSize } = size;
  const committed = (name: SaveContenderName): string =>
    rangeText(valuesOf(rounds, [name], (sample) => sample.committed ?? 0));
  return (
    `${backend}: ${title}, Adam, ${sizeText(savedBytes)} a save; ${epochs} epochs of ${batches} × ${batchSize} rows. ` +
    `Committed epochs: ${committed('stored')}, with saveLast ${committed('stored-last')}.`
  );
}

function addedTable(results: readonly SaveFitResult[]): Table {
  return {
    title: 'time added to an epoch outside the optimizer steps',
    head: ['', 'callback, not stored', 'storing', 'model.save', 'storing / model.save'],
    rows: results.map((result) => {
      const { backend, added } = result;
      const share = shareOfModelSave(result);
      return [
        backend,
        ...[added?.notStored, added?.stored, added?.modelSave].map((ms) =>
          ms === undefined ? '' : `${ratioText(ms)} ms`,
        ),
        share === null ? '' : `${Math.round(100 * share)} %`,
      ];
    }),
    notes: ['Storing is compared with the callback that does not store, the others with bare fit.'],
  };
}

/** `3`, or `2–3` if the values differ. */
function rangeText(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? String(least) : `${least}–${most}`;
}

function pauseTable(results: readonly PauseResult[]): Table {
  return {
    title: 'longest pause of the event loop while many small weights are saved',
    head: [
      '',
      'bare training',
      'while saving',
      'added',
      'worst bare',
      'worst saving',
      'time of save',
      'rounds',
    ],
    rows: results.map(({ backend, rounds, added }) => {
      const longest = (mode: 'bare' | 'saving'): number[] =>
        valuesOf(rounds, [mode], ({ longestMs }) => longestMs);
      const [bare, saving] = [longest('bare'), longest('saving')];
      return [
        backend,
        ...[median(bare), median(saving), added.median, Math.max(...bare), Math.max(...saving)].map(timeText),
        timeText(median(valuesOf(rounds, ['saving'], ({ saveMs }) => saveMs ?? NaN))),
        String(rounds.length),
      ];
    }),
    notes: results.map(({ backend, size, snapshots }) => {
      const captureMs = median(snapshots.map((snapshot) => snapshot.captureMs));
      const snapshotMs = median(snapshots.map((snapshot) => snapshot.snapshotMs));
      return (
        `${backend}: ${size.weights.toLocaleString('en')} weights, ${sizeText(size.sizeBytes)}. Sharing their buffers at the ` +
        `end of an epoch takes ${timeText(captureMs)}, with the description of the model ${timeText(snapshotMs)}.`
      );
    }),
  };
}

function longTrainingTable(results: readonly LongTrainingResult[]): Table {
  const { epochs, saves, size } = results[0]!;
  const [few, many] = [epochs.short, epochs.long].map((count) => count.toLocaleString('en'));
  return {
    title: 'a save after few and after many epochs, on cpu in Node',
    head: [
      '',
      `at ${few!} epochs`,
      `at ${many!} epochs`,
      'ratio',
      `pause at ${few!}`,
      `pause at ${many!}`,
      'rounds',
    ],
    rows: results.map(({ maxToKeep, ratio, rounds }) => {
      const medianOf = (length: TrainingLength, key: 'saveMs' | 'longestMs'): string =>
        timeText(median(valuesOf(rounds, [length], (sample) => sample[key])));
      return [
        `maxToKeep ${maxToKeep}`,
        medianOf('short', 'saveMs'),
        medianOf('long', 'saveMs'),
        ratioText(ratio),
        medianOf('short', 'longestMs'),
        medianOf('long', 'longestMs'),
        String(rounds.length),
      ];
    }),
    notes: [
      `A model of ${sizeText(size.modelBytes)}, Adam. A measurement is the mean of ${saves} saves, each of the best epoch so ` +
        'far, until it is on the disk; pause is the longest of the event loop.',
    ],
  };
}

function largeModelTable(result: LargeModelResult): Table {
  const { size, written, readCold, readWarm } = result;
  const extra = extraBytesOf(result);
  const row = <Method extends string>(
    title: string,
    rounds: readonly Round<Method, number>[],
    [method, plain]: readonly [NoInfer<Method>, NoInfer<Method>],
    extraBytes: number | null | undefined,
  ): string[] => {
    const medianOf = (name: Method): number => median(valuesOf(rounds, [name], (timeMs) => timeMs));
    const memory =
      extraBytes === undefined ? '' : extraBytes === null ? 'not measured' : sizeText(extraBytes);
    const speed = speedOf(rounds, method, plain);
    return [
      title,
      timeText(medianOf(plain)),
      timeText(medianOf(method)),
      ratioText(speed ?? undefined),
      memory,
    ];
  };
  const reads = (title: string, method: ReadMethod & `load-${string}`): string[][] => [
    ...(readCold.length > 0
      ? [
          row(`${title}, cold`, readCold, [method, 'read'], undefined),
          row(`${title}, cold, skimmed`, readCold, [method, 'skim'], undefined),
        ]
      : []),
    row(`${title}, warm`, readWarm, [method, 'read'], extra[method]),
  ];
  return {
    title: `a model of ${sizeText(size.sizeBytes)} on cpu in Node`,
    head: ['', 'plain files', 'this package', 'speed', 'memory'],
    rows: [
      row('save', written, ['save', 'write'], extra.save),
      ...reads('load, new model', 'load-new'),
      ...reads('load, given model', 'load-given'),
    ],
    notes: [
      `${size.weights} weights of ${sizeText(size.largestBytes)}; ${written.length} rounds. Memory is the growth of the process ` +
        'to its peak. A new model itself does not count.',
      ...(readCold.length > 0
        ? ['cold: the file cache was emptied before each read.']
        : ['No cold reads: emptying the file cache takes Linux and root.']),
      'warm: plain reading only copies memory. Loading computes sha256 over everything, which alone takes longer.',
      'skimmed: plain reading into one buffer of 8 MB, which keeps nothing in memory.',
    ],
  };
}
