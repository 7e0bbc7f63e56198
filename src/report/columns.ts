import type { EpochRecord } from '../epoch-record.js';

/** A column of a table of epochs. */
export interface Column<Value> {
  readonly name: string;
  readonly valueOf: (record: EpochRecord) => Value;
}

export type NumberColumn = Column<number | null | undefined>;

/** The values that this package computes of an epoch, by the names that they have in `logs`. */
export const SCORES: readonly (NumberColumn & { readonly label: string })[] = [
  { name: 'entropy', label: 'entropy', valueOf: ({ entropy }) => entropy },
  { name: 'train_entropy', label: 'training entropy', valueOf: ({ trainEntropy }) => trainEntropy },
  { name: 'val_entropy', label: 'validation entropy', valueOf: ({ valEntropy }) => valEntropy },
  { name: 'val_changes', label: 'changed predictions', valueOf: ({ valChanges }) => valChanges },
  { name: 'val_information', label: 'information', valueOf: ({ valInformation }) => valInformation },
];

/** What was logged under a name, which an object may have by itself, such as `constructor`; undefined for nothing. */
export function loggedValue({ logs }: EpochRecord, name: string): number | undefined {
  return Object.hasOwn(logs, name) ? logs[name] : undefined;
}

/** The names of what was logged. */
export function loggedNames(history: readonly EpochRecord[]): Set<string> {
  const names = new Set<string>();
  // Not by a list of all names of all epochs, which takes more memory than the history.
  for (const { logs } of history) for (const name of Object.keys(logs)) names.add(name);
  return names;
}

/** The columns of what was logged. */
export function logColumns(history: readonly EpochRecord[]): NumberColumn[] {
  return [...loggedNames(history)].map((name) => ({
    name,
    valueOf: (record) => loggedValue(record, name),
  }));
}

/**
 * The columns, all with different names: a metric may have the name of a value that this package computes.
 *
 * @param taken the names of further columns.
 */
export function withDistinctNames<Value>(
  columns: readonly Column<Value>[],
  taken: readonly string[] = [],
): Column<Value>[] {
  const names = new Set(taken);
  return columns.map((column) => {
    let { name } = column;
    while (names.has(name)) name += ' (metric)';
    names.add(name);
    return { ...column, name };
  });
}

/** To the four digits that a table shows. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
