import type { EpochRecord } from 'tfjs-entropy-checkpoint';
import { element } from './page.js';
import { CLEAN_ACCURACY } from './training-callbacks.js';
import { yieldIfDue } from './yield-if-due.js';

type Points = { x: number; y: number | null }[];

interface Curve {
  readonly name: string;
  readonly color: string;
  readonly valueOf: (record: EpochRecord) => number | null;
}

interface Chart {
  readonly container: HTMLElement;
  readonly curves: readonly Curve[];
  /** The curve whose value at the kept epoch is drawn as a line. */
  readonly marked: Curve;
}

const BLUE = '#0b5394';
const BROWN = '#a34e08';
const GREEN = '#4a7a0c';
const RED = '#c0281e';

/** While a window is resized, the event comes many times a second. */
const RESIZE_DELAY_MS = 150;

/** Draws entropy and accuracy by epoch with tfjs-vis, and marks the kept epoch. */
export class Charts {
  readonly #charts = [entropyChart(), accuracyChart()];
  #history: readonly EpochRecord[] = [];
  #best: EpochRecord | null = null;
  #isDrawing = false;
  #isOutdated = false;

  constructor() {
    let timer: ReturnType<typeof setTimeout> | undefined;
    addEventListener('resize', () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        this.#update();
      }, RESIZE_DELAY_MS);
    });
  }

  show(history: readonly EpochRecord[], best: EpochRecord | null): void {
    this.#history = [...history];
    this.#best = best;
    this.#update();
  }

  /** Draws one state at a time. Of the states that come meanwhile, only the newest is drawn next. */
  #update(): void {
    this.#isOutdated = true;
    if (!this.#isDrawing) void this.#drawAll();
  }

  async #drawAll(): Promise<void> {
    this.#isDrawing = true;
    while (this.#isOutdated) {
      this.#isOutdated = false;
      for (const chart of this.#charts) {
        await draw(chart, this.#history, this.#best);
        await yieldIfDue();
      }
    }
    this.#isDrawing = false;
  }
}

async function draw(chart: Chart, history: readonly EpochRecord[], best: EpochRecord | null): Promise<void> {
  const { container, curves, marked } = chart;
  if (history.length === 0) {
    container.replaceChildren();
    return;
  }
  const { render } = await import('@tensorflow/tfjs-vis');
  const kept = best === null ? [] : [{ name: 'kept', color: RED, points: keptLine(history, best, marked) }];
  // tfjs-vis assigns the colours to the names in alphabetical order.
  const lines = [...curves.map((curve) => ({ ...curve, points: pointsOf(history, curve) })), ...kept].sort(
    (a, b) => a.name.localeCompare(b.name),
  );
  // tfjs-vis leaves a gap for null, but its types do not allow null.
  const values = lines.map(({ points }) => points) as { x: number; y: number }[][];
  await render.linechart(
    container,
    { values, series: lines.map(({ name }) => name) },
    {
      width: container.clientWidth,
      height: container.clientHeight,
      // The heading has the label. In the chart it would be cut off.
      xLabel: '',
      yLabel: '',
      zoomToFit: true,
      fontSize: 12,
      seriesColors: lines.map(({ color }) => color),
    },
  );
}

function entropyChart(): Chart {
  const both = { name: 'both', color: BLUE, valueOf: ({ entropy }: EpochRecord) => entropy };
  return {
    container: element('entropy-chart', HTMLElement),
    curves: [
      both,
      { name: 'training', color: GREEN, valueOf: ({ trainEntropy }) => trainEntropy },
      { name: 'validation', color: BROWN, valueOf: ({ valEntropy }) => valEntropy },
    ],
    marked: both,
  };
}

function accuracyChart(): Chart {
  const clean = { name: 'clean', color: BLUE, valueOf: percentOf(CLEAN_ACCURACY) };
  return {
    container: element('accuracy-chart', HTMLElement),
    curves: [clean, { name: 'noisy', color: BROWN, valueOf: percentOf('val_acc') }],
    marked: clean,
  };
}

function percentOf(metric: string): Curve['valueOf'] {
  return ({ logs }) => (logs[metric] === undefined ? null : 100 * logs[metric]);
}

function pointsOf(history: readonly EpochRecord[], { valueOf }: Curve): Points {
  return history.map((record, x) => ({ x, y: valueOf(record) }));
}

/** A level line from the kept epoch on: the value if training had ended there. */
function keptLine(history: readonly EpochRecord[], best: EpochRecord, { valueOf }: Curve): Points {
  const kept = history.indexOf(best);
  return history.map((_, x) => ({ x, y: x < kept ? null : valueOf(best) }));
}
