import type { EpochRecord } from 'tfjs-entropy-checkpoint';
import { element } from './page.js';
import { CLEAN_ACCURACY, PLAIN_ACCURACY } from './shown-epoch.js';
import { epochNumber, nats, percent } from './text.js';

/** Shows the values of the charts as a table, which a screen reader can read. */
export function showValues(history: readonly EpochRecord[], best: EpochRecord | null): void {
  const isAveraged = history.some(({ logs }) => logs[PLAIN_ACCURACY] !== undefined);
  element('plain-accuracy-heading', HTMLTableCellElement).hidden = !isAveraged;
  element('values', HTMLTableSectionElement).replaceChildren(
    ...history.map((record) => rowOf(record, record === best, isAveraged)),
  );
}

function rowOf(record: EpochRecord, isKept: boolean, isAveraged: boolean): HTMLTableRowElement {
  const { entropy, trainEntropy, valEntropy, value, isBest, logs } = record;
  const row = document.createElement('tr');
  if (isKept) row.className = 'kept';
  const heading = document.createElement('th');
  heading.scope = 'row';
  heading.textContent = String(epochNumber(record));
  row.append(heading);
  const state = isKept ? 'kept' : isBest ? 'was the best' : value === null ? 'not compared' : '';
  const cells = [
    state,
    nats(entropy),
    nats(trainEntropy),
    nats(valEntropy),
    shareOf(logs['val_acc']),
    shareOf(logs[CLEAN_ACCURACY]),
    ...(isAveraged ? [shareOf(logs[PLAIN_ACCURACY])] : []),
  ];
  for (const text of cells) row.insertCell().textContent = text;
  return row;
}

function shareOf(value: number | undefined): string {
  return value === undefined ? '–' : percent(value);
}
