// The only module that needs a plotting library. The build bundles that library into this file, which is loaded when a
// report is made.
import { LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent } from 'echarts/components';
import { init, use, type EChartsCoreOption } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { Curve, Panel } from './panels.js';
import { lastInEachColumn, positionsToPlot, rangeOf } from './thinning.js';

use([LineChart, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent, SVGRenderer]);

/** What all plots of a report have in common. Positions are indices of epochs, in the order in which they ran. */
export interface ChartFrame {
  readonly numEpochs: number;
  /** The label below a position. */
  readonly nameAt: (position: number) => string;
  /** The position of the kept epoch; null for none. */
  readonly kept: number | null;
  /** The positions of all kept epochs. */
  readonly allKept: readonly number[];
  /** The positions at which an epoch became the best. */
  readonly saved: readonly number[];
  /** How many epochs at the beginning couldn't be selected. */
  readonly ineligible: number;
}

/** A value that the curves can't exceed, but for rounding. */
export interface UpperBound {
  readonly value: number;
  readonly name: string;
}

const WIDTH = 720;
const HEIGHT = 280;
const LEFT = 64;
const RIGHT = 28;
/** How many columns of pixels the curves cover. More epochs are thinned, so that no page grows beyond a few MB. */
const COLUMNS = WIDTH - LEFT - RIGHT;
/** Colours are variables of the page, so that they suit its light and its dark scheme. */
const INK = 'var(--ink)';
const FAINT = 'var(--faint)';
const KEPT_COLOR = 'var(--kept)';
/** Curves differ in dash and symbol as well as in colour. */
const STYLES = [
  { color: 'var(--first)', dash: 'solid', symbol: 'circle' },
  { color: 'var(--second)', dash: [7, 3], symbol: 'rect' },
  { color: 'var(--third)', dash: [2, 2], symbol: 'triangle' },
] as const;
/** Up to this many epochs, every value has a symbol. */
const FEW_EPOCHS = 40;

/**
 * The curves of a panel as the text of an SVG, to be embedded in a page.
 *
 * @param id identifies the SVG within the page.
 * @param upperBound a line to draw, within the range of the axis; null for none.
 */
export function chartOf(id: string, panel: Panel, frame: ChartFrame, upperBound: UpperBound | null): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  try {
    chart.setOption(optionOf(panel, frame, upperBound));
    return withinPage(chart.renderToSVGString(), id);
  } finally {
    chart.dispose();
  }
}

function optionOf(
  { unit, curves }: Panel,
  frame: ChartFrame,
  upperBound: UpperBound | null,
): EChartsCoreOption {
  const { numEpochs, kept } = frame;
  const text = { color: INK, fontSize: 13, fontFamily: 'inherit' };
  const axis = { axisLabel: text, nameTextStyle: text, axisLine: { show: true, lineStyle: { color: INK } } };
  const lines = curves.map(({ name, values, isMonitored }, i) => {
    const { color, dash, symbol } = STYLES[i % STYLES.length]!;
    return {
      type: 'line',
      name,
      color,
      symbol,
      symbolSize: 6,
      showSymbol: numEpochs <= FEW_EPOCHS,
      lineStyle: { color, type: dash, width: isMonitored ? 3 : 1.75 },
      data: pointsAt(values, positionsToPlot(values, COLUMNS, frame.allKept)),
    };
  });
  const compared = curves.find(({ isMonitored }) => isMonitored);
  const saved = lastInEachColumn(frame.saved, numEpochs, COLUMNS);
  if (kept !== null && !saved.includes(kept)) saved.push(kept);
  const bests = {
    type: 'line',
    name: 'became the best',
    color: KEPT_COLOR,
    symbol: 'diamond',
    symbolSize: 13,
    showAllSymbol: true,
    lineStyle: { width: 0 },
    data: compared === undefined ? [] : pointsAt(compared.values, saved),
  };
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
    grid: { left: LEFT, right: RIGHT, top: 44, bottom: 72 },
    legend: {
      bottom: 0,
      // Texts are wider than ECharts estimates: it has no font.
      itemGap: 52,
      itemWidth: 36,
      textStyle: text,
      data: [...lines, ...(compared === undefined ? [] : [bests])].map(({ name }) => name),
    },
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
      axisLabel: { ...text, formatter: frame.nameAt },
    },
    yAxis: {
      type: 'value',
      name: unit,
      ...axis,
      scale: true,
      ...(upperBound === null ? {} : rangeBelow(upperBound, curves)),
      axisLabel: { ...text, formatter: (value: number) => String(Number(value.toPrecision(3))) },
      splitLine: { lineStyle: { color: FAINT } },
    },
    series: [...lines, ...(compared === undefined ? [] : [bests]), marked],
  };
}

function pointsAt(values: Float64Array, positions: readonly number[]): [number, number | null][] {
  return positions.map((position) => {
    const value = values[position]!;
    return [position, Number.isNaN(value) ? null : value];
  });
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
    max: Math.ceil(bound / step + 0.25) * step,
    interval: step,
  };
}

function marksOf({ kept }: ChartFrame, upperBound: UpperBound | null): object[] {
  const label = { color: INK, fontSize: 13 };
  const bound = upperBound && {
    yAxis: upperBound.value,
    lineStyle: { color: INK, type: 'dotted', width: 1 },
    label: { ...label, formatter: upperBound.name, position: 'insideEndTop' },
  };
  const keptLine = kept !== null && {
    xAxis: kept,
    lineStyle: { color: KEPT_COLOR, type: 'solid', width: 2 },
    label: { ...label, formatter: 'kept', fontWeight: 'bold' },
  };
  return [bound, keptLine].filter((mark) => typeof mark === 'object' && mark !== null);
}

function areasOf({ ineligible, numEpochs }: ChartFrame): object[] {
  if (ineligible === 0) return [];
  return [[{ xAxis: 0 }, { xAxis: Math.min(ineligible - 0.5, numEpochs - 1) }]];
}

/** Lets the page set the width of the SVG, and removes its style sheet and class names. */
function withinPage(svg: string, id: string): string {
  return svg
    .replace(/\bzr\d+-/g, `${id}-`)
    .replace(/<svg [^>]*>/, `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true">`)
    .replace(/<style[\s\S]*?<\/style>/g, '')
    .replace(/<rect [^>]*fill="none"[^>]*><\/rect>/, '')
    .replace(/ (class|pointer-events|ecmeta_[a-z_]+)="[^"]*"/g, '');
}
