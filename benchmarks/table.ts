import { textTable } from '../examples/noisy-mnist/text-table.js';

/** A table for a terminal or a Markdown file. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  /** The first column is text, the others are numbers. */
  readonly rows: readonly (readonly string[])[];
  /** Each is one line. */
  readonly notes: readonly string[];
}

export function asText({ title, head, rows, notes }: Table): string {
  const table = textTable(
    head,
    rows,
    head.map((_, column) => (column === 0 ? 'left' : 'right')),
  );
  return [title, table, ...notes.map((note) => `  ${note}`)].join('\n');
}

export function asMarkdown({ title, head, rows, notes }: Table): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, column) => pad(row[column] ?? '', width, column === 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  const [header = [], ...body] = cells;
  const list = notes.length === 0 ? [] : ['', ...notes.map((note) => `- ${note}`)];
  return [`### ${title}`, '', line(header), rule, ...body.map(line), ...list].join('\n');
}

function pad(text: string, width: number, isLeft: boolean): string {
  const space = ' '.repeat(Math.max(0, width - text.length));
  return isLeft ? text + space : space + text;
}
