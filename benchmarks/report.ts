import { boundsOf } from './bounds.js';
import { attributedTable, fitTable, kernelTable, memoryTable } from './result-tables.js';
import { machineText } from './machine.js';
import { BACKEND_LABELS } from './names.js';
import type { FitResult, Results } from './results.js';
import { savingTables } from './saving/saving-tables.js';
import { asMarkdown, asText, type Table } from './table.js';

/** The report for a terminal of 100 columns. */
export function textReport(results: Results): string {
  const header = [machineText(results.machine), ...backendLines(results)].flatMap(wrap);
  const tables = tablesOf(results).map(asText);
  return [header.join('\n'), ...tables, ...failureLines(results), boundsText(results)].join('\n\n');
}

/** The report for benchmarks/README.md. */
export function markdownReport(results: Results): string {
  const { command, finishedAt, machine } = results;
  const heading = `\`${command}\`, ${finishedAt.slice(0, 10)}. ${machineText(machine)}`;
  const backends = backendLines(results).map((line) => `- ${line}`);
  const tables = tablesOf(results).map(asMarkdown);
  return [heading, backends.join('\n'), ...tables, ...failureLines(results), boundsText(results)]
    .filter((part) => part !== '')
    .join('\n\n');
}

function failureLines({ failures }: Results): string[] {
  return failures.map((failure) => `Not measured: ${failure}`);
}

/** A line for each backend that was measured. */
function backendLines({ backends }: Results): string[] {
  return BACKEND_LABELS.flatMap((label) => {
    const description = backends[label];
    return description === undefined ? [] : [`${label}: ${description}`];
  });
}

function wrap(line: string): string[] {
  return line.match(/(?! ).{1,100}(?= |$)/g) ?? [];
}

function tablesOf({ fits, kernels, memory, saving }: Results): Table[] {
  const tables = BACKEND_LABELS.flatMap((label) => {
    const fitsHere = fits.filter(({ backend }) => backend === label);
    const kernelsHere = kernels.filter(({ backend }) => backend === label);
    return [
      ...(fitsHere.some(isTimed) ? [fitTable(label, fitsHere)] : []),
      ...[attributedTable(label, fitsHere)].filter((table) => table !== null),
      ...(kernelsHere.length > 0 ? [kernelTable(label, kernelsHere)] : []),
    ];
  });
  return [...tables, ...(memory.length > 0 ? [memoryTable(memory)] : []), ...savingTables(saving)];
}

function isTimed({ outcome }: FitResult): boolean {
  return !('reason' in outcome) && outcome.rounds.length > 0;
}

function boundsText(results: Results): string {
  if (results.isQuick) return 'A quick run checks no bounds.';
  const bounds = boundsOf(results);
  const missed = bounds.filter(({ isMet }) => !isMet);
  if (missed.length === 0) return `All ${bounds.length} bounds are met.`;
  return [
    `${bounds.length - missed.length} of ${bounds.length} bounds are met. Missed:`,
    '',
    ...missed.map(({ figure, expected, got }) => `- ${figure}: expected ${expected}, got ${got}`),
  ].join('\n');
}
