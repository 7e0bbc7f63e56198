import { readFileSync } from 'node:fs';
import type { Samples } from './samples.js';

/** Data sets of the KEEL repository. `fetch-keel.sh` fetches them. */
export const KEEL_TASKS = ['marketing', 'mushroom', 'phoneme', 'segment', 'splice'] as const;
export type KeelTaskName = (typeof KEEL_TASKS)[number];

/** A data set as a table of numbers. */
export interface Table extends Samples {
  readonly width: number;
}

/**
 * Reads a data set.
 *
 * @throws Error if it has not been fetched.
 */
export function readKeel(name: KeelTaskName): Table {
  const url = new URL(`keel/${name}.dat`, import.meta.url);
  try {
    return parseTable(readFileSync(url, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error(`The data set "${name}" is missing. Fetch it first: bash study/data/fetch-keel.sh`, {
      cause: error,
    });
  }
}

/**
 * Parses lines of comma-separated values, of which the last one is the class.
 *
 * Numbers are standardised by column. A column with other values becomes one column for each of its values, with 0 or 1.
 */
export function parseTable(text: string): Table {
  const rows = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(',').map((value) => value.trim()));
  const columns = rows[0]!.map((_, index) => rows.map((row) => row[index]!));
  const classes = distinct(columns.pop()!);
  const features = columns.flatMap((column) =>
    column.every((value) => value !== '' && Number.isFinite(Number(value)))
      ? [standardised(column.map(Number))]
      : distinct(column).map((one) => column.map((value) => (value === one ? 1 : 0))),
  );
  const width = features.length;
  const inputs = new Float32Array(rows.length * width);
  for (const [i, feature] of features.entries())
    for (const [row, value] of feature.entries()) inputs[row * width + i] = value;
  return { width, inputs, labels: Uint8Array.from(rows, (row) => classes.indexOf(row.at(-1)!)) };
}

function distinct(column: readonly string[]): string[] {
  return [...new Set(column)].sort();
}

/** Mean 0 and standard deviation 1; all 0 if the values are equal. */
function standardised(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return values.map((value) => (variance === 0 ? 0 : (value - mean) / Math.sqrt(variance)));
}
