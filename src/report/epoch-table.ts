import type { EpochRecord } from '../epoch-record.js';
import { logColumns, SCORES, type NumberColumn } from './columns.js';
import type { Outcome } from './explain.js';
import { hasOwnPanel, labelOf } from './panels.js';
import { evenlySpaced } from './thinning.js';

/** How many epochs the table of a report has at most. */
const MAX_ROWS = 2000;

/** An epoch in the table of a report. */
export interface EpochRow {
  /** The number of the epoch; after several `fit` calls that counted alike, with the number of the call: `1·0`. */
  readonly epoch: string;
  /** `'kept'`, `'also kept'` (`maxToKeep`), `'best so far'` for one that was the best when it ended, or `''`. */
  readonly state: string;
  /** One for each column, in full precision; null where the epoch has none. */
  readonly values: readonly (number | null)[];
}

/** The table of a report: all epochs, or 2,000 of them, the kept ones included. */
export interface EpochTable {
  /** The names of the values. */
  readonly columns: readonly string[];
  /** In the order in which the epochs ran. */
  readonly rows: readonly EpochRow[];
}

export function epochTable({ selector: { best, history, kept }, monitor }: Outcome): EpochTable {
  const monitored: NumberColumn = { name: monitor.name, valueOf: ({ value }) => value };
  const columns: NumberColumn[] = [
    ...SCORES.map((score) => ({ ...score, name: score.label })),
    // Any other monitored value has a column already.
    ...(hasOwnPanel(monitor) ? [monitored] : []),
    ...logColumns(history).map((column) => ({ ...column, name: labelOf(column.name) })),
  ];
  const shown = columns.filter(({ valueOf }) => history.some((record) => valueOf(record) != null));
  const nameOf = namesOf(history);
  const alsoKept = new Set(kept);
  const positions = evenlySpaced(history.length, MAX_ROWS, positionsOf(kept, history));
  return {
    columns: shown.map(({ name }) => name),
    rows: positions.map((position) => {
      const record = history[position]!;
      return {
        epoch: nameOf(record),
        state: stateOf(record, best, alsoKept),
        values: shown.map(({ valueOf }) => valueOf(record) ?? null),
      };
    }),
  };
}

/** The positions of `records` in the history, in the order of `records`. */
export function positionsOf(records: readonly EpochRecord[], history: readonly EpochRecord[]): number[] {
  const positions = new Map<EpochRecord, number>(records.map((record) => [record, -1]));
  for (const [position, record] of history.entries()) {
    if (positions.has(record)) positions.set(record, position);
  }
  return [...positions.values()].filter((position) => position >= 0);
}

function stateOf(record: EpochRecord, best: EpochRecord | null, kept: ReadonlySet<EpochRecord>): string {
  if (record === best) return 'kept';
  if (kept.has(record)) return 'also kept';
  return record.isBest ? 'best so far' : '';
}

/** Epochs are named by their number. Where one was cut short and run again by a later `fit` call, by the call as well. */
export function namesOf(history: readonly EpochRecord[]): (record: EpochRecord) => string {
  const isRepeated = history.some(
    ({ epoch }, position) => position > 0 && epoch <= history[position - 1]!.epoch,
  );
  const hasOneCall = history.at(-1)?.fit === history[0]?.fit;
  return ({ epoch, fit }) => (hasOneCall || !isRepeated ? String(epoch) : `${fit}·${epoch}`);
}
