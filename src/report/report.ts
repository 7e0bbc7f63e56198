import { explain, type Outcome } from '../explain.js';
import type { EpochRecord } from '../epoch-record.js';
import { EntropyCheckpointError } from '../errors.js';
import { loadCode } from '../load-code.js';
import type { ChartFrame, UpperBound } from './charts.js';
import { html, raw, type Html } from './html.js';
import { panelsOf, type Curve, type Panel } from './panels.js';
import { STYLE_SHEET } from './style-sheet.js';

/** Options of `report`. */
export interface ReportOptions {
  /** Of the page. @default 'Entropy checkpoint' */
  readonly title?: string;
}

/** A training, as it is reported. */
export type Reported = Outcome & {
  /** The best epochs, the best first. */
  readonly kept: readonly EpochRecord[];
};

/**
 * A page on a training: which epoch was kept and why, the curves of all epochs, and their values.
 *
 * @param wanted as the user gave it.
 * @returns HTML that needs neither script nor any other file.
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION`, `ENTROPY_CODE_NOT_LOADED`.
 */
export async function report(training: Reported, wanted: ReportOptions = {}): Promise<string> {
  const title = titleOf(wanted);
  const { history, options } = training;
  const figures = history.length === 0 ? [] : await figuresOf(training, panelsOf(history, options));
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${raw(STYLE_SHEET)}
        </style>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          <p class="why">${explain(training)}</p>
          ${factsOf(training)} ${figures} ${history.length === 0 ? '' : tableOf(training)}
          <footer>Made by tfjs-entropy-checkpoint.</footer>
        </main>
      </body>
    </html>`.text;
}

function titleOf(options: unknown): string {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) {
    const { title = 'Entropy checkpoint', ...others } = options as Record<string, unknown>;
    if (typeof title === 'string' && Object.keys(others).length === 0) return title;
  }
  throw new EntropyCheckpointError(
    'ENTROPY_INVALID_OPTION',
    'Expected the options of `report` to be `{title}`, a string, which may be left out.',
  );
}

function factsOf({ best, history, options }: Reported): Html {
  const { criterion, monitor, mode, topK, startFromEpoch, filepath } = options;
  const isByMonitor = criterion === 'max-entropy';
  const facts: [string, string][] = [
    ['Kept epoch', best === null ? 'none' : nameOf(best, history)],
    ['Epochs', String(history.length)],
    ['Chosen by', isByMonitor ? `${mode === 'max' ? 'highest' : 'lowest'} ${monitor}` : criterion],
    ['Probabilities of a row that count', `the ${topK} largest`],
    ['Stored', filepath === null ? 'in memory' : typeof filepath === 'string' ? filepath : 'in a store'],
  ];
  if (startFromEpoch > 0) facts.push(['Not chosen', `epochs before ${startFromEpoch} (shaded)`]);
  return html`<dl>
    ${facts.map(
      ([term, value]) =>
        html`<div>
          <dt>${term}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

async function figuresOf(training: Reported, panels: readonly Panel[]): Promise<Html[]> {
  const { chartOf } = await loadCode(import('./charts.js'));
  const { best, history, options } = training;
  const frame: ChartFrame = {
    epochs: history.map((record) => nameOf(record, history)),
    kept: best === null ? null : history.indexOf(best),
    saved: history.flatMap(({ isBest }, position) => (isBest ? [position] : [])),
    // Of each `fit`: only those at the beginning of all can be shaded as one.
    ineligible: ineligibleAtFirst(history, options.startFromEpoch),
  };
  return panels.map((panel, i) => {
    const bound = panel.unit === 'nats' ? largestEntropy(training) : null;
    return html`<figure>
      <figcaption>
        <h2>${panel.title}${panel.unit === '' ? '' : ` (${panel.unit})`}</h2>
        ${panel.curves.map((curve) => html`<p>${describe(curve, frame)}</p>`)}
      </figcaption>
      <div
        class="chart"
        tabindex="0"
        role="img"
        aria-label="${panel.title} by epoch; all values are in the table"
      >
        ${raw(chartOf(`chart${i}`, panel, frame, bound))}
      </div>
    </figure>`;
  });
}

function ineligibleAtFirst(history: readonly EpochRecord[], startFromEpoch: number): number {
  const first = history.findIndex(({ epoch }) => epoch >= startFromEpoch);
  return first < 0 ? history.length : first;
}

/** `k` of more probabilities than that have the largest sum of −p·ln p at 1/e each, as far as that is possible. */
function largestEntropy({ numClasses, options: { topK } }: Reported): UpperBound {
  const all = { value: Math.log(topK), name: `the largest possible: ln ${topK}` };
  if (topK > 2 || numClasses === topK) return all;
  if (topK === 2) return { value: 2 / Math.E, name: 'the largest possible: 2/e' };
  // The largest of two probabilities is never below a half.
  return numClasses === 2
    ? { value: Math.LN2 / 2, name: 'the largest possible: ln 2 / 2' }
    : { value: 1 / Math.E, name: 'the largest possible: 1/e' };
}

/** The course of a curve in words. */
function describe({ name, values }: Curve, { epochs }: ChartFrame): string {
  const known = values.flatMap((value, position) => (value === null ? [] : [{ value, position }]));
  const [first, last] = [known[0]!, known.at(-1)!];
  const at = ({ value, position }: { value: number; position: number }): string =>
    `${short(value)} (epoch ${epochs[position]!})`;
  const lowest = known.reduce((a, b) => (b.value < a.value ? b : a));
  const highest = known.reduce((a, b) => (b.value > a.value ? b : a));
  if (known.length === 1) return `${name}: ${at(first)}.`;
  return `${name}: from ${at(first)} to ${at(last)}; lowest ${at(lowest)}, highest ${at(highest)}.`;
}

type Column = [name: string, valueOf: (record: EpochRecord) => number | null | undefined];

function tableOf({ best, history, kept, options }: Reported): Html {
  const columns: Column[] = [
    ['entropy', ({ entropy }) => entropy],
    ['of training', ({ trainEntropy }) => trainEntropy],
    ['of validation', ({ valEntropy }) => valEntropy],
    ['changed predictions', ({ valChanges }) => valChanges],
    ['information', ({ valInformation }) => valInformation],
    // What is monitored has a column already.
    ...(options.criterion === 'max-entropy'
      ? []
      : [[options.criterion, ({ value }) => value] satisfies Column]),
    ...[...new Set(history.flatMap(({ logs }) => Object.keys(logs)))].map((name): Column => [
      name,
      ({ logs }) => logs[name],
    ]),
  ];
  const shown = columns.filter(([, valueOf]) => history.some((record) => valueOf(record) != null));
  return html`<h2>All values</h2>
    <div class="table" tabindex="0" role="region" aria-label="All values">
      <table>
        <thead>
          <tr>
            <th scope="col">epoch</th>
            ${shown.map(([name]) => html`<th scope="col">${name}</th>`)}
            <th scope="col">state</th>
          </tr>
        </thead>
        <tbody>
          ${history.map(
            (record) =>
              html`<tr class="${record === best ? 'best' : ''}">
                <th scope="row">${nameOf(record, history)}</th>
                ${shown.map(([, valueOf]) => html`<td>${short(valueOf(record))}</td>`)}
                <td class="state">${stateOf(record, best, kept)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function stateOf(record: EpochRecord, best: EpochRecord | null, kept: readonly EpochRecord[]): string {
  if (record === best) return 'kept: the best';
  if (kept.includes(record)) return 'kept as well';
  return record.isBest ? 'the best until then' : '';
}

/** `fit` calls are told apart where there is more than one. */
function nameOf({ epoch, fit }: EpochRecord, history: readonly EpochRecord[]): string {
  return history.at(-1)!.fit === history[0]!.fit ? String(epoch) : `${fit}·${epoch}`;
}

function short(value: number | null | undefined): string {
  return value == null ? '–' : String(Number(value.toPrecision(4)));
}
