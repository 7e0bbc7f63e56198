import { checkOptions, type OptionCheck } from '../check-options.js';
import type { EpochRecord } from '../epoch-record.js';
import type { ChartFrame, UpperBound } from './charts.js';
import { logColumns, rounded, SCORES, type NumberColumn } from './columns.js';
import { explain, type Outcome } from './explain.js';
import { html, raw, type Html } from './html.js';
import { loadCharts } from './load-charts.js';
import { hasOwnPanel, labelOf, panelsOf, type Curve, type Panel } from './panels.js';
import { STYLE_SHEET } from './style-sheet.js';
import { evenlySpaced, rangeOf, type Point } from './thinning.js';

/** How many epochs the table of values has at most. */
const MAX_ROWS = 2000;

/** Options of `report`. */
export interface ReportOptions {
  /** The page's title. @default 'Entropy checkpoint' */
  readonly title?: string;
}

const CHECKS: Readonly<Record<keyof ReportOptions, OptionCheck>> = {
  title: [(value) => typeof value === 'string', 'a string'],
};

/**
 * A report on a training: the selected epoch and why, the curves of all epochs, and their values.
 *
 * The page stays below a few MB however long the training was: curves have the lowest and highest value of each column
 * of pixels, and the table at most 2,000 epochs, the kept ones among them.
 *
 * @param options as the user gave them.
 * @returns a self-contained HTML page: it needs no script and no other file.
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION`, `ENTROPY_CODE_NOT_LOADED`.
 */
export async function report(training: Outcome, options: ReportOptions = {}): Promise<string> {
  checkOptions(options, CHECKS);
  const { title = 'Entropy checkpoint' } = options;
  const outcome = asOfNow(training);
  const { monitor, selector } = outcome;
  const { history } = selector;
  const figures = history.length === 0 ? [] : await figuresOf(outcome, panelsOf(history, monitor));
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
          <p class="why">${explain(outcome)}</p>
          ${factsOf(outcome)} ${figures} ${history.length === 0 ? '' : tableOf(outcome)}
          <footer>Made by tfjs-entropy-checkpoint.</footer>
        </main>
      </body>
    </html>`.text;
}

/** A copy that doesn't change while the report is made: training may continue. */
function asOfNow(training: Outcome): Outcome {
  const { best, kept, last, isDecided, firstOfSeveralIsBest, history } = training.selector;
  const selector = { best, kept, last, isDecided, firstOfSeveralIsBest, history: history.slice() };
  return { ...training, selector };
}

function factsOf({ selector: { best, history }, monitor, options }: Outcome): Html {
  const { topK, startFromEpoch, filepath } = options;
  const isBySize = monitor.comparing === null;
  const facts: [string, string][] = [
    ['Kept epoch', best === null ? 'none' : namesOf(history)(best)],
    ['Epochs', String(history.length)],
    [
      'Selected by',
      isBySize ? `${monitor.mode === 'max' ? 'highest' : 'lowest'} ${monitor.name}` : monitor.name,
    ],
    ['Probabilities scored in each row', `the ${topK} largest`],
    ['Stored', filepath === null ? 'in memory' : typeof filepath === 'string' ? filepath : 'in a store'],
  ];
  if (best?.isAveraged === true) facts.push(['Kept', 'the average of the weights']);
  if (startFromEpoch > 0) facts.push(['Never selected', `epochs before ${startFromEpoch} (shaded)`]);
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

async function figuresOf(training: Outcome, panels: readonly Panel[]): Promise<Html[]> {
  const { chartOf } = await loadCharts();
  const { best, history, kept } = training.selector;
  const { startFromEpoch } = training.options;
  const nameOf = namesOf(history);
  const saved: number[] = [];
  for (const [position, { isBest }] of history.entries()) if (isBest) saved.push(position);
  const frame: ChartFrame = {
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
        aria-label="${panel.title} by epoch; values are in the table"
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

/** The largest sum of −p·ln p over the k largest probabilities. It's reached at p = 1/e if the classes allow that. */
function largestEntropy({ numClasses, options: { topK } }: Outcome): UpperBound {
  const all = { value: Math.log(topK), name: `the largest possible: ln ${topK}` };
  if (topK > 2 || numClasses === topK) return all;
  if (topK === 2) return { value: 2 / Math.E, name: 'the largest possible: 2/e' };
  // The larger of two probabilities is never below a half.
  return numClasses === 2
    ? { value: Math.LN2 / 2, name: 'the largest possible: ln 2 / 2' }
    : { value: 1 / Math.E, name: 'the largest possible: 1/e' };
}

/** Describes a curve in words. */
function describe({ name, values }: Curve, { nameAt }: ChartFrame): string {
  const { first, last, lowest, highest, count } = rangeOf(values)!;
  const at = ({ value, position }: Point): string => `${short(value)} (epoch ${nameAt(position)})`;
  if (count === 1) return `${name}: ${at(first)}.`;
  return `${name}: from ${at(first)} to ${at(last)}; lowest ${at(lowest)}, highest ${at(highest)}.`;
}

function tableOf({ selector: { best, history, kept }, monitor }: Outcome): Html {
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
  const rows = evenlySpaced(history.length, MAX_ROWS, positionsOf(kept, history));
  const isWhole = rows.length === history.length;
  const title = isWhole ? 'All values' : 'Values';
  return html`<h2>${title}</h2>
    ${isWhole ? '' : html`<p>${shownOf(rows.length, history.length)}</p>`}
    <div class="table" tabindex="0" role="region" aria-label="${title}">
      <table>
        <thead>
          <tr>
            <th scope="col">epoch</th>
            ${shown.map(({ name }) => html`<th scope="col">${name}</th>`)}
            <th scope="col">state</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map((position) => {
            const record = history[position]!;
            return html`<tr class="${record === best ? 'best' : ''}">
              <th scope="row">${nameOf(record)}</th>
              ${shown.map(({ valueOf }) => html`<td>${short(valueOf(record))}</td>`)}
              <td class="state">${stateOf(record, best, alsoKept)}</td>
            </tr>`;
          })}
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

/** The positions of `records` in the history, in the order of `records`. */
function positionsOf(records: readonly EpochRecord[], history: readonly EpochRecord[]): number[] {
  const positions = new Map<EpochRecord, number>(records.map((record) => [record, -1]));
  for (const [position, record] of history.entries()) {
    if (positions.has(record)) positions.set(record, position);
  }
  return [...positions.values()].filter((position) => position >= 0);
}

function stateOf(record: EpochRecord, best: EpochRecord | null, kept: ReadonlySet<EpochRecord>): string {
  if (record === best) return 'kept: the best';
  if (kept.has(record)) return 'kept as well';
  return record.isBest ? 'the best until then' : '';
}

type NameOf = (record: EpochRecord) => string;

/** Epochs are named by their number. Where one was cut short and run again by a later `fit` call, by the call as well. */
function namesOf(history: readonly EpochRecord[]): NameOf {
  const isRepeated = history.some(
    ({ epoch }, position) => position > 0 && epoch <= history[position - 1]!.epoch,
  );
  const hasOneCall = history.at(-1)?.fit === history[0]?.fit;
  return ({ epoch, fit }) => (hasOneCall || !isRepeated ? String(epoch) : `${fit}·${epoch}`);
}

function short(value: number | null | undefined): string {
  return value == null ? '–' : String(rounded(value));
}
