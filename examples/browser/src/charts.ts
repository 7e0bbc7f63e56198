import { styleOf, type CurveStyle } from '../../../src/report/curve-styles.js';
import { drawPlot, type Plot, type PlottedCurve } from './line-chart.js';
import type { NoiseCeiling } from './noise-ceiling.js';
import { element } from './page.js';
import { epochNumber, nats, percent } from './text.js';
import { CLEAN_ACCURACY, PLAIN_ACCURACY, type ShownEpoch } from './shown-epoch.js';

/** What the charts show of a training, or of the example. */
export interface ChartedRun {
  readonly history: readonly ShownEpoch[];
  readonly best: ShownEpoch | null;
  readonly epochs: number;
  readonly startFromEpoch: number;
  readonly ceiling: NoiseCeiling;
}

interface Curve {
  readonly name: string;
  readonly style: CurveStyle;
  readonly valueOf: (epoch: ShownEpoch) => number | null;
}

interface Chart {
  readonly container: HTMLElement;
  readonly title: string;
  /** The first one is the main one. */
  readonly curves: readonly Curve[];
  readonly format: (value: number) => string;
  readonly levelOf: (ceiling: NoiseCeiling) => Plot['level'];
}

/** Draws entropy and accuracy by epoch, and marks the kept epoch. */
export class Charts {
  readonly #charts = [entropyChart(), accuracyChart()];
  #shown: ChartedRun | null = null;

  constructor() {
    const observer = new ResizeObserver(() => {
      if (this.#shown !== null) this.show(this.#shown);
    });
    for (const { container } of this.#charts) observer.observe(container);
  }

  show(run: ChartedRun): void {
    this.#shown = run;
    const drawn = this.#charts.map((chart) => ({ chart, curves: curvesOf(chart, run) }));
    const names = drawn.flatMap(({ curves }) => curves.map(({ name }) => name.length));
    // An epoch is at the same place in all charts.
    for (const { chart, curves } of drawn) draw(chart, curves, Math.max(0, ...names), run);
  }
}

/** Those with a value. */
function curvesOf({ curves }: Chart, { history }: ChartedRun): PlottedCurve[] {
  return curves
    .map(({ name, style, valueOf }, index) => ({
      name,
      style,
      values: history.map(valueOf),
      isMain: index === 0,
    }))
    .filter(({ values }) => values.some((value) => value !== null));
}

function draw(
  { container, title, format, levelOf }: Chart,
  curves: readonly PlottedCurve[],
  nameLength: number,
  run: ChartedRun,
): void {
  const { history, best, epochs, startFromEpoch, ceiling } = run;
  if (history.length === 0) {
    container.replaceChildren();
    container.setAttribute('aria-label', `${title}: no epoch has ended yet`);
    return;
  }
  const kept = best === null ? null : history.indexOf(best);
  drawPlot(container, {
    curves,
    nameLength,
    numEpochs: epochs,
    kept,
    numIneligible: startFromEpoch,
    level: levelOf(ceiling),
  });
  const latest = curves.map(({ name, values }) => `${name} ${format(values.at(-1) ?? NaN)}`).join(', ');
  const keptText = best === null ? 'No epoch is kept.' : `Epoch ${epochNumber(best)} is kept.`;
  container.setAttribute('aria-label', `${title}, after ${history.length} epochs: ${latest}. ${keptText}`);
}

/** The same digits as “clean”, and so the same colour. */
const NOT_AVERAGED: CurveStyle = { ...styleOf('test'), dash: [9, 3, 2, 3], symbol: 'triangle' };

function entropyChart(): Chart {
  return {
    container: element('entropy-chart', HTMLElement),
    title: 'Entropy by epoch',
    curves: [
      { name: 'all digits', style: styleOf('all'), valueOf: ({ entropy }) => entropy },
      { name: 'training', style: styleOf('training'), valueOf: ({ trainEntropy }) => trainEntropy },
      { name: 'validation', style: styleOf('validation'), valueOf: ({ valEntropy }) => valEntropy },
    ],
    format: nats,
    levelOf: () => null,
  };
}

function accuracyChart(): Chart {
  return {
    container: element('accuracy-chart', HTMLElement),
    title: 'Accuracy by epoch',
    curves: [
      { name: 'clean', style: styleOf('test'), valueOf: percentOf(CLEAN_ACCURACY) },
      { name: 'not averaged', style: NOT_AVERAGED, valueOf: percentOf(PLAIN_ACCURACY) },
      { name: 'noisy', style: styleOf('validation'), valueOf: percentOf('val_acc') },
    ],
    format: (value) => percent(value / 100),
    levelOf: ({ share, numWrong }) =>
      numWrong === 0 ? null : { value: 100 * share, name: `ceiling of “noisy”: ${percent(share, 0)}` },
  };
}

function percentOf(metric: string): Curve['valueOf'] {
  return ({ logs }) => (logs[metric] === undefined ? null : 100 * logs[metric]);
}
