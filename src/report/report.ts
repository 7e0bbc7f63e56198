import { checkOptions, isOneOf, type OptionCheck } from '../check-options.js';
import type { ChartFrame, UpperBound } from './charts.js';
import { rounded } from './columns.js';
import { diamondKey, keyOf, styleOf } from './curve-styles.js';
import { namesOf, positionsOf, type EpochTable } from './epoch-table.js';
import type { Outcome } from './explain.js';
import { figureOf, type Figure } from './figure.js';
import { html, type Html } from './html.js';
import { loadCharts } from './load-charts.js';
import { DEFAULT_TITLE, pageOf, prose, TITLE_CHECK } from './page.js';
import { panelsOf, type Curve, type Panel } from './panels.js';
import { reportJson, textsOf, type ReportFact, type ReportJson } from './report-json.js';
import { rangeOf } from './thinning.js';

/** Options of `report`. */
export interface ReportOptions {
  /** The page's title. @default 'Entropy checkpoint' */
  readonly title?: string;
  /** An HTML page. @default 'html' */
  readonly format?: 'html';
}

/** Options of `report` for plain data instead of a page. */
export interface ReportJsonOptions {
  /** @default 'Entropy checkpoint' */
  readonly title?: string;
  /** What the page shows, as plain data. */
  readonly format: 'json';
}

const CHECKS: Readonly<Record<keyof ReportJsonOptions, OptionCheck>> = {
  title: TITLE_CHECK,
  format: [isOneOf('html', 'json'), "'html' or 'json'"],
};

/**
 * A report on a training: the selected epoch and why, the curves of all epochs, and their values.
 *
 * The page stays below a few MB however long the training was: curves have the lowest and highest value of each column
 * of pixels, and the table at most 2,000 epochs, the kept ones among them.
 *
 * @param options as the user gave them.
 * @returns a self-contained HTML page, which needs no script and no other file; or its data.
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION`, `ENTROPY_CODE_NOT_LOADED`.
 */
export async function report(training: Outcome, options: ReportJsonOptions): Promise<ReportJson>;
export async function report(training: Outcome, options?: ReportOptions): Promise<string>;
export async function report(
  training: Outcome,
  options?: ReportOptions | ReportJsonOptions,
): Promise<string | ReportJson>;
export async function report(
  training: Outcome,
  options: ReportOptions | ReportJsonOptions = {},
): Promise<string | ReportJson> {
  checkOptions(options, CHECKS);
  const { title = DEFAULT_TITLE, format = 'html' } = options;
  const outcome = asOfNow(training);
  if (format === 'json') return reportJson(outcome, title);
  const { headline, explanation, facts, table } = textsOf(outcome, title);
  const { history } = outcome.selector;
  const figures = history.length === 0 ? [] : await figuresOf(outcome);
  return pageOf(
    title,
    headline,
    html`<p class="why">${prose(explanation)}</p>
      ${listOf(facts)} ${figures} ${history.length === 0 ? '' : tableOf(table, history.length)}`,
  );
}

/** A copy that doesn't change while the report is made: training may continue. */
function asOfNow(training: Outcome): Outcome {
  const { best, kept, last, isDecided, firstOfSeveralIsBest, history } = training.selector;
  const selector = { best, kept, last, isDecided, firstOfSeveralIsBest, history: history.slice() };
  return { ...training, selector };
}

function listOf(facts: readonly ReportFact[]): Html {
  return html`<dl>
    ${facts.map(
      ({ name, value }) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

async function figuresOf(training: Outcome): Promise<Html[]> {
  const { chartOf } = await loadCharts();
  const frame = frameOf(training);
  const { topK } = training.options;
  return panelsOf(training.selector.history, training.monitor).map((panel, i) => {
    const isEntropy = panel.unit === 'nats';
    const figure: Figure = {
      legend: legendOf(panel.curves),
      notes: isEntropy
        ? [
            `The mean entropy of the ${topK === 1 ? 'largest class probability' : `${topK} largest class probabilities`} of each row.`,
          ]
        : [],
    };
    const bound = isEntropy ? boundOf(training, panel) : null;
    const draw = (width: 'wide' | 'narrow'): string =>
      chartOf(`chart${i}-${width}`, panel, frame, bound, width);
    return figureOf(panel, frame, figure, draw);
  });
}

function frameOf({ selector: { best, history, kept }, options: { startFromEpoch } }: Outcome): ChartFrame {
  const nameOf = namesOf(history);
  const saved: number[] = [];
  for (const [position, { isBest }] of history.entries()) if (isBest) saved.push(position);
  return {
    numEpochs: history.length,
    nameAt: (position) => {
      const record = history[position];
      return record === undefined ? '' : nameOf(record);
    },
    kept: best === null ? null : history.lastIndexOf(best),
    allKept: positionsOf(kept, history),
    saved,
    // Only those at the beginning can be shaded as one area.
    ineligible: ineligibleAtFirst(history, startFromEpoch),
  };
}

function legendOf(curves: readonly Curve[]): [Html, string][] {
  const items = curves.map(({ name, style }): [Html, string] => [keyOf(styleOf(style)), name]);
  const hasBests = curves.some(({ isMonitored }) => isMonitored);
  return hasBests ? [...items, [diamondKey(), 'became the best']] : items;
}

function ineligibleAtFirst(history: Outcome['selector']['history'], startFromEpoch: number): number {
  const first = history.findIndex(({ epoch }) => epoch >= startFromEpoch);
  return first < 0 ? history.length : first;
}

/** How far float32 sums may carry a mean beyond its bound. */
const ROUNDING = 1e-4;

/** null where outputs with different numbers of classes have different bounds. */
function boundOf(training: Outcome, { curves }: Panel): UpperBound | null {
  const { numClasses = null, mostClasses = null } = training.score ?? {};
  if (numClasses !== mostClasses) return null;
  const bound = largestEntropy(numClasses, training.options.topK);
  const isExceeded = curves.some(({ values }) => rangeOf(values)!.highest.value > bound.value + ROUNDING);
  return isExceeded ? null : bound;
}

/** The largest sum of −p·ln p over the k largest probabilities. It's reached at p = 1/e if the classes allow that. */
function largestEntropy(numClasses: number | null, topK: number): UpperBound {
  const all = { value: Math.log(topK), name: `the largest possible: ln ${topK}` };
  if (topK > 2 || numClasses === topK) return all;
  if (topK === 2) return { value: 2 / Math.E, name: 'the largest possible: 2/e' };
  // The larger of two probabilities is never below a half.
  return numClasses === 2
    ? { value: Math.LN2 / 2, name: 'the largest possible: ln 2 / 2' }
    : { value: 1 / Math.E, name: 'the largest possible: 1/e' };
}

function tableOf({ columns, rows }: EpochTable, numEpochs: number): Html {
  const isWhole = rows.length === numEpochs;
  const title = isWhole ? 'All values' : 'Values';
  return html`<h2>${title}</h2>
    ${isWhole ? '' : html`<p>${prose(shownOf(rows.length, numEpochs))}</p>`}
    <div class="table" tabindex="0" role="region" aria-label="${title}">
      <table>
        <thead>
          <tr>
            <th scope="col">epoch</th>
            <th scope="col" class="text">state</th>
            ${columns.map((name) => html`<th scope="col">${name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ epoch, state, values }) =>
              html`<tr class="${state === 'kept' ? 'best' : ''}">
                <th scope="row">${epoch}</th>
                <td class="text">${state}</td>
                ${values.map((value) => html`<td>${short(value)}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function shownOf(rows: number, epochs: number): string {
  const numbers = [rows, epochs].map((number) => number.toLocaleString('en'));
  return (
    `The table has ${numbers[0]!} of ${numbers[1]!} epochs: the kept ones, the first, the last, and others at even ` +
    'distances. For all values, write `checkpoint.historyCsv()` to a file.'
  );
}

function short(value: number | null): string {
  return value === null ? '–' : String(rounded(value));
}
