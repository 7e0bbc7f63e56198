// The only module that needs a plotting library. The build bundles that library into this file, which is loaded when a
// report is made.
import { LineChart } from 'echarts/charts';
import { GridComponent, MarkAreaComponent, MarkLineComponent } from 'echarts/components';
import { init, use, type EChartsCoreOption } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { styleOf } from './curve-styles.js';
import type { Curve, Panel } from './panels.js';
import { lastInEachColumn, positionsToPlot, rangeOf } from './thinning.js';

use([LineChart, GridComponent, MarkAreaComponent, MarkLineComponent, SVGRenderer]);

/** What all plots of a page have in common. Positions are indices of epochs, in the order in which they ran. */
export interface ChartFrame {
  readonly numEpochs: number;
  /** The label below a position. */
  readonly nameAt: (position: number) => string;
  /** The position of the kept epoch; null for none, and where each curve has its own. */
  readonly kept: number | null;
  /** The positions of all kept epochs. */
  readonly allKept: readonly number[];
  /** The positions at which an epoch became the best. */
  readonly saved: readonly number[];
  /** How many epochs at the beginning couldn't be selected. */
  readonly ineligible: number;
  /** How many columns of pixels one curve may take; the whole width if left out. */
  readonly maxColumns?: number;
}

/** A value that the curves can't exceed, but for rounding. */
export interface UpperBound {
  readonly value: number;
  readonly name: string;
}

/** For which screens a chart is drawn. */
export type ChartWidth = 'wide' | 'narrow';

interface Size {
  readonly width: number;
  readonly height: number;
}

const SIZES: Readonly<Record<ChartWidth, Size>> = {
  wide: { width: 780, height: 270 },
  narrow: { width: 380, height: 230 },
};
const LEFT = 60;
/** More characters don't fit beside the axis. */
const MAX_LABEL_LENGTH = 6;
const RIGHT = 28;
const INK = 'var(--ink)';
const FAINT = 'var(--faint)';
const KEPT_COLOR = 'var(--kept)';
/** Up to this many epochs, every value has a symbol. */
const FEW_EPOCHS = 40;

/**
 * The curves of a panel as the text of an SVG, to be embedded in a page.
 *
 * @param id identifies the SVG within the page.
 * @param upperBound a line to draw; null for none.
 */
export function chartOf(
  id: string,
  panel: Panel,
  frame: ChartFrame,
  upperBound: UpperBound | null,
  width: ChartWidth,
): string {
  const size = SIZES[width];
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size });
  try {
    chart.setOption(optionOf(panel.curves, frame, upperBound, size));
    return withinPage(chart.renderToSVGString(), id, size);
  } finally {
    chart.dispose();
  }
}

function optionOf(
  curves: readonly Curve[],
  frame: ChartFrame,
  upperBound: UpperBound | null,
  { width }: Size,
): EChartsCoreOption {
  const { numEpochs } = frame;
  const columns = width - LEFT - RIGHT;
  const text = { color: INK, fontSize: 13, fontFamily: 'inherit' };
  const axis = { axisLabel: text, nameTextStyle: text, axisLine: { show: true, lineStyle: { color: INK } } };
  const marked = {
    type: 'line',
    data: [],
    color: KEPT_COLOR,
    markLine: { symbol: 'none', silent: true, data: marksOf(frame, upperBound) },
    markArea: { silent: true, itemStyle: { color: FAINT, opacity: 0.5 }, data: areasOf(frame) },
  };
  return {
    animation: false,
    textStyle: { fontFamily: 'inherit' },
    grid: { left: LEFT, right: RIGHT, top: 30, bottom: 44 },
    xAxis: {
      type: 'value',
      name: 'epoch',
      nameLocation: 'middle',
      nameGap: 24,
      ...axis,
      min: 0,
      max: Math.max(1, numEpochs - 1),
      minInterval: 1,
      splitLine: { show: false },
      axisLabel: { ...text, formatter: frame.nameAt, hideOverlap: true },
    },
    yAxis: {
      type: 'value',
      ...axis,
      scale: true,
      ...(upperBound === null ? {} : rangeBelow(upperBound, curves)),
      axisLabel: { ...text, formatter: axisLabel },
      splitLine: { lineStyle: { color: FAINT } },
    },
    series: [...curves.flatMap((curve) => linesOf(curve, frame, columns)), marked],
  };
}

/** A curve, and the diamonds on it. */
function linesOf(
  { values, isMonitored, keptAt, style }: Curve,
  frame: ChartFrame,
  columns: number,
): object[] {
  const { numEpochs, allKept } = frame;
  const { color, dash, symbol } = styleOf(style);
  const always = keptAt == null ? allKept : [keptAt];
  const line = {
    type: 'line',
    color,
    symbol,
    symbolSize: 6,
    showSymbol: numEpochs <= FEW_EPOCHS,
    lineStyle: { color, type: dash.length === 0 ? 'solid' : dash, width: isMonitored ? 3 : 1.75 },
    data: pointsAt(values, positionsToPlot(values, Math.min(columns, frame.maxColumns ?? columns), always)),
  };
  const diamonds = (positions: readonly number[], fill: string): object => ({
    type: 'line',
    color: fill,
    symbol: 'diamond',
    symbolSize: 13,
    showAllSymbol: true,
    lineStyle: { width: 0 },
    data: pointsAt(values, positions),
  });
  if (keptAt != null) return [line, diamonds([keptAt], color)];
  return isMonitored ? [line, diamonds(bestsOf(frame, columns), KEPT_COLOR)] : [line];
}

/** The positions at which an epoch became the best, as far as a plot can show them. */
function bestsOf({ kept, saved, numEpochs }: ChartFrame, columns: number): number[] {
  const shown = lastInEachColumn(saved, numEpochs, columns);
  if (kept !== null && !shown.includes(kept)) shown.push(kept);
  return shown;
}

function pointsAt(values: Float64Array, positions: readonly number[]): [number, number | null][] {
  return positions.map((position) => {
    const value = values[position]!;
    return [position, Number.isNaN(value) ? null : value];
  });
}

/** A value beside the axis, such as `0.25`, `4.5e-4` or `1.25e6`. */
function axisLabel(value: number): string {
  const plain = String(Number(value.toPrecision(3)));
  if (plain.length <= MAX_LABEL_LENGTH) return plain;
  const [mantissa, exponent] = value.toExponential(2).split('e');
  return `${Number(mantissa)}e${Number(exponent)}`;
}

/** An axis with room for the name of the bound above it. */
function rangeBelow({ value: bound }: UpperBound, curves: readonly Curve[]): object {
  const lowest = curves.reduce(
    (least, { values }) => Math.min(least, rangeOf(values)?.lowest.value ?? bound),
    bound,
  );
  // Steps that make about five intervals.
  const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5].find((one) => (bound - lowest) / one <= 5) ?? 1;
  return {
    min: Math.floor(lowest / step) * step,
    max: Math.ceil(bound / step + 0.6) * step,
    interval: step,
  };
}

function marksOf({ kept, numEpochs }: ChartFrame, upperBound: UpperBound | null): object[] {
  const label = { color: INK, fontSize: 13, fontFamily: 'inherit', backgroundColor: 'var(--paper)' };
  // From 0 at the left to 1 at the right.
  const place = kept === null ? 0 : kept / Math.max(1, numEpochs - 1);
  const bound = upperBound && {
    yAxis: upperBound.value,
    lineStyle: { color: INK, type: 'dotted', width: 1 },
    // On the side where the line of the kept epoch isn't.
    label: {
      ...label,
      formatter: upperBound.name,
      position: place > 0.5 ? 'insideStartTop' : 'insideEndTop',
    },
  };
  const keptLine = kept !== null && {
    xAxis: kept,
    lineStyle: { color: KEPT_COLOR, type: 'solid', width: 2 },
    // At the left edge, beside the labels of the axis and not above them.
    label: {
      ...label,
      formatter: 'kept',
      fontWeight: 'bold',
      distance: 9,
      ...(place < 0.05 ? { align: 'left' } : {}),
    },
  };
  return [bound, keptLine].filter((mark) => typeof mark === 'object' && mark !== null);
}

function areasOf({ ineligible, numEpochs }: ChartFrame): object[] {
  if (ineligible === 0) return [];
  return [[{ xAxis: 0 }, { xAxis: Math.min(ineligible - 0.5, numEpochs - 1) }]];
}

/** Lets the page set the width of the SVG, and removes its style sheet and class names. */
function withinPage(svg: string, id: string, { width, height }: Size): string {
  return svg
    .replace(/\bzr\d+-/g, `${id}-`)
    .replace(/<svg [^>]*>/, `<svg viewBox="0 0 ${width} ${height}" aria-hidden="true">`)
    .replace(/<style[\s\S]*?<\/style>/g, '')
    .replace(/<rect [^>]*fill="none"[^>]*><\/rect>/, '')
    .replace(/ (class|pointer-events|ecmeta_[a-z_]+)="[^"]*"/g, '');
}
