import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compareReports } from 'tfjs-entropy-checkpoint';
import { percent, signedPoints } from '../noisy-mnist/number-format.js';
import { textTable } from '../noisy-mnist/text-table.js';
import { readResult } from './run-training.js';
import { idOf, type TrainingSettings } from './settings.js';
import type { SweepStore } from './sweep-store.js';
import type { TrainingResult } from './training-result.js';

/** How many trainings a report can compare. */
const MAX_COMPARED = 24;
const READS_AT_A_TIME = 8;

export interface SweepResults {
  /** In the order of the trainings. */
  readonly results: readonly TrainingResult[];
  /** Why others have none, a sentence each. */
  readonly failures: readonly string[];
}

/** Reads what is stored: once for each training, whoever has trained it. */
export async function readResults(
  store: SweepStore,
  trainings: readonly TrainingSettings[],
): Promise<SweepResults> {
  const results: TrainingResult[] = [];
  const failures: string[] = [];
  for (let start = 0; start < trainings.length; start += READS_AT_A_TIME) {
    const some = trainings.slice(start, start + READS_AT_A_TIME);
    const read = await Promise.allSettled(
      some.map((settings) => readResult(store, settings, idOf(settings))),
    );
    read.forEach((outcome, i) => {
      if (outcome.status === 'rejected') failures.push((outcome.reason as Error).message);
      else if (outcome.value === null) failures.push(`${idOf(some[i]!)} has no result.`);
      else results.push(outcome.value);
    });
  }
  return { results, failures };
}

/** A row for each training, and then the mean of each monitor. */
export function resultTables(results: readonly TrainingResult[]): string {
  const rows = results.map(({ settings: { data, noise, seed, monitor }, best, ...result }) => [
    data,
    noise,
    String(seed),
    monitor,
    String(best.epoch),
    ...accuracies([result]),
  ]);
  const monitors = [...new Set(results.map(({ settings }) => settings.monitor))];
  const means = monitors.map((monitor) => {
    const own = results.filter(({ settings }) => settings.monitor === monitor);
    return [monitor, String(own.length), ...accuracies(own)];
  });
  const numbers = ['clean accuracy\nof kept epoch', '… of the\nlast epoch', 'points\ngained'];
  const right = numbers.map(() => 'right' as const);
  return [
    textTable(['data', 'noise', 'seed', 'monitor', 'kept', ...numbers], rows, [
      'left',
      'left',
      'right',
      'left',
      'right',
      ...right,
    ]),
    textTable(['mean of', 'trainings', ...numbers], means, ['left', 'right', ...right]),
  ].join('\n');
}

function accuracies(results: readonly Pick<TrainingResult, 'keptAccuracy' | 'lastAccuracy'>[]): string[] {
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const kept = mean(results.map(({ keptAccuracy }) => keptAccuracy));
  const last = mean(results.map(({ lastAccuracy }) => lastAccuracy));
  return [percent(kept), percent(last), signedPoints(kept - last)];
}

/** Writes a page for each data set and noise, and several where one can't hold them. @returns their paths. */
export async function writeReports(results: readonly TrainingResult[], folder: string): Promise<string[]> {
  const groups = new Map<string, TrainingResult[]>();
  for (const result of results) {
    const name = `${result.settings.data}-${result.settings.noise}`;
    groups.set(name, [...(groups.get(name) ?? []), result]);
  }
  const files: string[] = [];
  if (groups.size > 0) await mkdir(folder, { recursive: true });
  for (const [name, group] of groups) {
    for (let start = 0; start < group.length; start += MAX_COMPARED) {
      const part = start === 0 ? '' : `-${1 + start / MAX_COMPARED}`;
      const compared = group.slice(start, start + MAX_COMPARED).map(comparedTraining);
      const file = join(folder, `${name}${part}.html`);
      await writeFile(file, await compareReports(compared, { title: `Sweep: ${name}` }));
      files.push(file);
    }
  }
  return files;
}

function comparedTraining({ settings: { monitor, seed }, best, history }: TrainingResult) {
  return { name: `${monitor}, seed ${seed}`, monitor, best, history };
}
