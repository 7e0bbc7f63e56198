import { logColumns, SCORES, withDistinctNames, type Column } from './columns.js';
import type { Outcome } from './explain.js';

type Cell = number | boolean | null | undefined;

const FIELDS: readonly Column<Cell>[] = [
  { name: 'epoch', valueOf: ({ epoch }) => epoch },
  { name: 'fit', valueOf: ({ fit }) => fit },
  { name: 'value', valueOf: ({ value }) => value },
  { name: 'is_best', valueOf: ({ isBest }) => isBest },
  { name: 'is_averaged', valueOf: ({ isAveraged }) => isAveraged },
  ...SCORES,
];

/**
 * The records as CSV by RFC 4180, with a header line and one line an epoch. Fields that no record has are left out.
 *
 * @returns '' without any epoch.
 */
export function historyCsv({ selector: { history } }: Outcome): string {
  if (history.length === 0) return '';
  const fields = FIELDS.filter(({ valueOf }) => history.some((record) => valueOf(record) !== undefined));
  const columns = withDistinctNames<Cell>([...fields, ...logColumns(history)]);
  const header = columns.map(({ name }) => quoted(name));
  // Numbers and booleans need no quotes.
  const lines = history.map((record) => columns.map(({ valueOf }) => String(valueOf(record) ?? '')));
  return [header, ...lines].map((cells) => `${cells.join(',')}\r\n`).join('');
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
