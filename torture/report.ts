import { machineText, type Machine } from '../benchmarks/machine.js';
import { textTable } from '../examples/noisy-mnist/text-table.js';
import type { PartResult, Row } from './tally.js';

/** What `--json` writes. */
export interface Results {
  readonly command: string;
  readonly isQuick: boolean;
  readonly finishedAt: string;
  readonly seconds: number;
  readonly machine: Machine;
  readonly parts: readonly PartResult[];
}

const MAX_LOSSES_SHOWN = 20;
const WANTED_TEXT = { none: '0', some: '> 0' } as const;

/** Whether nothing was lost, and everything was tried that should be. */
export function isPassed({ parts, isQuick }: Results): boolean {
  // A quick run may miss some of it.
  return parts.every((part) => part.losses.length === 0 && (isQuick || unmetOf(part).length === 0));
}

export function textReport(results: Results): string {
  const { parts, machine, seconds } = results;
  const rows = parts.flatMap(({ part, rows: own }) =>
    own.map((row, i) => [i === 0 ? part : '', row.what, countText(row), wantedText(row)]),
  );
  const table = textTable(['', 'what was tried, and what happened', 'count', 'must be'], rows, [
    'left',
    'left',
    'right',
    'right',
  ]);
  const notRun = parts.flatMap((part) => part.notRun.map((reason) => `Not run: ${reason}`));
  const machineLine = `${machineText(machine)} ${Math.round(seconds)} s.`;
  return [machineLine, table, ...notRun, ...lossLines(parts), verdict(results)].join('\n');
}

function verdict(results: Results): string {
  const losses = results.parts.reduce((sum, part) => sum + lossesOf(part), 0);
  if (losses > 0) return `${losses} LOST. Run with \`--keep <folder>\` to keep the files of each loss.`;
  const unmet = results.parts.flatMap(unmetOf);
  const isAll = results.parts.every(({ notRun }) => notRun.length === 0);
  if (unmet.length === 0)
    return isAll ? 'Nothing was lost.' : 'Nothing was lost in the parts that could be run.';
  const what = unmet.map((row) => `"${row.what}"`).join(', ');
  const excuse = results.isQuick ? ' A quick run may miss some.' : '';
  return `Nothing was lost, but too little was tried. Not one count of ${what}.${excuse}`;
}

function lossLines(parts: readonly PartResult[]): string[] {
  const all = parts.flatMap(({ part, losses }) => losses.map((loss) => `${part}: ${loss}`));
  const shown = all.slice(0, MAX_LOSSES_SHOWN);
  return all.length > shown.length ? [...shown, `… and ${all.length - shown.length} more`] : shown;
}

function lossesOf({ rows }: PartResult): number {
  return rows.filter(({ wanted }) => wanted === 'none').reduce((sum, { counted }) => sum + counted, 0);
}

/** Rows that should have a count and have none, although everything could be run. */
function unmetOf({ rows, notRun }: PartResult): Row[] {
  return notRun.length > 0 ? [] : rows.filter(({ wanted, counted }) => wanted === 'some' && counted === 0);
}

function countText({ counted, unit }: Row): string {
  return `${counted.toLocaleString('en')}${unit === undefined ? '' : ` ${unit}`}`;
}

function wantedText({ wanted }: Row): string {
  return wanted === undefined ? '' : WANTED_TEXT[wanted];
}
