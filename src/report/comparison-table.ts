import type { EpochRecord } from '../epoch-record.js';
import type { CheckedTraining } from './check-trainings.js';
import { loggedValue, rounded } from './columns.js';
import { keyOf, styleOf } from './curve-styles.js';
import { percent, points, validationAccuracy } from './headline.js';
import { html, type Html } from './html.js';

/** A column of what the trainings kept. */
interface KeptColumn {
  readonly name: string;
  readonly valueOf: (kept: EpochRecord, last: EpochRecord) => number | null;
  readonly format: (value: number) => string;
}

const asText = (value: number): string => String(rounded(value));

const ofLogs =
  (name: string) =>
  (record: EpochRecord): number | null =>
    loggedValue(record, name) ?? null;

/** `end` − `start`; null if one is missing. */
function difference(end: number | null, start: number | null): number | null {
  return end === null || start === null ? null : end - start;
}

const COLUMNS: readonly KeptColumn[] = [
  { name: 'validation accuracy', valueOf: validationAccuracy, format: percent },
  {
    name: 'gain over the last epoch',
    valueOf: (kept, last) => difference(validationAccuracy(kept), validationAccuracy(last)),
    format: points,
  },
  { name: 'test accuracy', valueOf: ofLogs('test_acc'), format: percent },
  {
    name: 'gain over the last epoch, test',
    valueOf: (kept, last) => difference(ofLogs('test_acc')(kept), ofLogs('test_acc')(last)),
    format: points,
  },
  { name: 'validation loss', valueOf: ofLogs('val_loss'), format: asText },
];

const MONITORED: KeptColumn = { name: 'monitored value', valueOf: ({ value }) => value, format: asText };

/** The columns that a training has a value in. */
function columnsOf(trainings: readonly CheckedTraining[]): FilledColumn[] {
  // These monitored values have a column already.
  const isShown = trainings.some(({ monitor }) => monitor !== 'val_acc' && monitor !== 'val_loss');
  const hasOneMonitor = new Set(trainings.map(({ monitor }) => monitor)).size === 1;
  return [...COLUMNS, ...(isShown ? [MONITORED] : [])]
    .map((column) => {
      const values = valuesOf(column, trainings);
      return { ...column, values, spread: column === MONITORED && !hasOneMonitor ? null : spreadOf(values) };
    })
    .filter(({ values }) => values.some((value) => value !== null));
}

interface FilledColumn extends KeptColumn {
  /** One for each training; null where it has none. */
  readonly values: readonly (number | null)[];
  /** null for values that are not of the same kind. */
  readonly spread: Spread | null;
}

/** The values of a column, one for each training; null where it has none. */
function valuesOf({ valueOf }: KeptColumn, trainings: readonly CheckedTraining[]): (number | null)[] {
  return trainings.map(({ history, keptAt }) => {
    const value = keptAt === null ? null : valueOf(history[keptAt]!, history.at(-1)!);
    return value !== null && Number.isFinite(value) ? value : null;
  });
}

interface Spread {
  readonly count: number;
  readonly mean: number;
  /** The standard deviation of a sample; NaN for one value. */
  readonly deviation: number;
}

/** null without a value. */
function spreadOf(values: readonly (number | null)[]): Spread | null {
  const numbers = values.filter((value) => value !== null);
  if (numbers.length === 0) return null;
  const count = numbers.length;
  const mean = numbers.reduce((sum, value) => sum + value / count, 0);
  const squares = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { count, mean, deviation: Math.sqrt(squares / (count - 1)) };
}

/** The result of all trainings in one line. */
export function comparedHeadline(trainings: readonly CheckedTraining[]): string {
  const start = trainings.length === 1 ? 'One training' : `${trainings.length} trainings`;
  const [accuracy, gain] = [COLUMNS[0]!, COLUMNS[1]!].map((column) => spreadOf(valuesOf(column, trainings)));
  if (accuracy == null || gain == null) {
    const kept = trainings.filter(({ keptAt }) => keptAt !== null).length;
    return `${start}: ${kept === 0 ? 'none' : kept} kept an epoch`;
  }
  const which = accuracy.count === trainings.length ? '' : ` in ${accuracy.count} of them`;
  return (
    `${start}: the kept epochs have ${percent(accuracy.mean)} validation accuracy on average${which}, ` +
    `${points(gain.mean)} compared with the last epochs`
  );
}

/** What each training kept, and the means. */
export function comparisonTable(trainings: readonly CheckedTraining[]): Html {
  const columns = columnsOf(trainings);
  const isAveraged = trainings.some(
    ({ history, keptAt }) => keptAt !== null && history[keptAt]!.isAveraged === true,
  );
  return html`<h2>What each training kept</h2>
    <div class="table" tabindex="0" role="region" aria-label="What each training kept">
      <table>
        <thead>
          <tr>
            <th scope="col" class="text">training</th>
            <th scope="col">kept epoch</th>
            ${columns.map(({ name }) => html`<th scope="col">${name}</th>`)}
            <th scope="col">epochs</th>
            ${isAveraged ? html`<th scope="col">weights</th>` : ''}
          </tr>
        </thead>
        <tbody>
          ${trainings.map(
            ({ name, history, keptAt }, i) =>
              html`<tr>
                <th scope="row" class="text">${keyOf(styleOf(i))}${name}</th>
                <td>${keptAt === null ? 'none' : String(history[keptAt]!.epoch)}</td>
                ${columns.map(({ values, format }) => cell(values[i]!, format))}
                <td>${String(history.length)}</td>
                ${isAveraged ? html`<td>${weightsOf(history, keptAt)}</td>` : ''}
              </tr>`,
          )}
        </tbody>
        ${trainings.length === 1 ? '' : footOf(columns, isAveraged)}
      </table>
    </div>`;
}

function footOf(columns: readonly FilledColumn[], isAveraged: boolean): Html {
  return html`<tfoot>
    <tr>
      <th scope="row" class="text">mean ± standard deviation</th>
      <td></td>
      ${columns.map(({ spread, format }) => html`<td>${spread === null ? '' : spreadText(spread, format)}</td>`)}
      <td></td>
      ${isAveraged ? html`<td></td>` : ''}
    </tr>
  </tfoot>`;
}

function spreadText({ mean, deviation }: Spread, format: KeptColumn['format']): string {
  if (Number.isNaN(deviation)) return format(mean);
  // The unit stands at the end, and a deviation has no sign.
  const [number, ...unit] = format(format === asText ? Number(deviation.toPrecision(2)) : deviation)
    .replace(/^[+±]/, '')
    .split(' ');
  return [format(mean).split(' ')[0]!, '±', number!, ...unit].join(' ');
}

function weightsOf(history: readonly EpochRecord[], keptAt: number | null): string {
  if (keptAt === null) return '–';
  return history[keptAt]!.isAveraged === true ? 'averaged' : 'of the epoch';
}

function cell(value: number | null, format: KeptColumn['format']): Html {
  return html`<td>${value === null ? '–' : format(value)}</td>`;
}
