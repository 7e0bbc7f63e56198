import type { CurveStyle } from '../../../src/report/curve-styles.js';

export interface PlottedCurve {
  readonly name: string;
  readonly style: CurveStyle;
  /** By epoch; null where there is none. */
  readonly values: readonly (number | null)[];
  /** It is thick, and the kept epoch has its sign on it. */
  readonly isMain: boolean;
}

export interface Plot {
  readonly curves: readonly PlottedCurve[];
  /** How many characters of a curve's name have room at the right. */
  readonly nameLength: number;
  /** How many epochs the axis has. */
  readonly numEpochs: number;
  /** The position of the kept epoch; null for none. */
  readonly kept: number | null;
  /** How many epochs at the beginning could not be kept. They are shaded. */
  readonly numIneligible: number;
  /** A level line with its name; null for none. */
  readonly level: { readonly value: number; readonly name: string } | null;
}

const SVG = 'http://www.w3.org/2000/svg';
const MARGIN = { left: 44, top: 26, bottom: 38 };
/** An estimate. */
const CHARACTER_WIDTH = 7;
const NAME_DISTANCE = 10;
const FONT_SIZE = 13;
/** Up to this many epochs, every value has a symbol. */
const FEW_EPOCHS = 40;
const SYMBOL_RADIUS = 3.5;
const KEPT_RADIUS = 7;
const MIN_TICK_DISTANCE = 34;

type Attributes = Readonly<Record<string, string | number>>;

/** Where a plot's values are on the screen, in pixels. */
interface Scale {
  /** Where the axis of epochs ends. */
  readonly right: number;
  readonly height: number;
  readonly x: (position: number) => number;
  readonly y: (value: number) => number;
}

/** Draws a plot as an SVG as large as its container. Epochs are counted from 1. */
export function drawPlot(container: HTMLElement, plot: Plot): void {
  const { clientWidth: width, clientHeight: height } = container;
  const levels = plot.level === null ? [] : [plot.level.value];
  const { ticks, fractionDigits } = ticksOf([
    ...plot.curves.flatMap(({ values }) => values.filter(isNumber)),
    ...levels,
  ]);
  const [lowest, highest] = [ticks[0]!, ticks.at(-1)!];
  const bottom = height - MARGIN.bottom;
  const right = width - NAME_DISTANCE - CHARACTER_WIDTH * plot.nameLength - 4;
  const scale: Scale = {
    right,
    height,
    x: (position) => MARGIN.left + ((right - MARGIN.left) * position) / Math.max(1, plot.numEpochs - 1),
    y: (value) => bottom - ((bottom - MARGIN.top) * (value - lowest)) / (highest - lowest),
  };
  const svg = node('svg', { viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' }, [
    ...ineligibleArea(plot, scale),
    ...axes(plot, ticks, fractionDigits, scale),
    ...levelLine(plot, scale),
    ...keptLine(plot, scale),
    ...plot.curves.flatMap((curve) => drawnCurve(curve, plot.numEpochs, scale)),
    ...keptSigns(plot, scale),
    ...curveNames(plot.curves, scale),
  ]);
  container.replaceChildren(svg);
}

function axes(
  { numEpochs }: Plot,
  ticks: readonly number[],
  fractionDigits: number,
  { right, height, x, y }: Scale,
): SVGElement[] {
  const numLabels = Math.max(1, Math.floor((right - MARGIN.left) / MIN_TICK_DISTANCE));
  const every = [1, 2, 5, 10, 20, 50].find((step) => numEpochs / step <= numLabels) ?? 100;
  const positions = Array.from({ length: numEpochs }, (_, position) => position).filter(
    (position) => position === 0 || ((position + 1) % every === 0 && position > 0),
  );
  return [
    ...ticks.flatMap((tick) => [
      line('grid', MARGIN.left, y(tick), right, y(tick)),
      text('tick', MARGIN.left - 8, y(tick) + 4, tick.toFixed(fractionDigits), 'end'),
    ]),
    ...positions.map((position) =>
      text('tick', x(position), height - MARGIN.bottom + 18, String(position + 1), 'middle'),
    ),
    text('tick', (MARGIN.left + right) / 2, height - 4, 'epoch', 'middle'),
  ];
}

function ineligibleArea({ numIneligible, numEpochs }: Plot, { height, x }: Scale): SVGElement[] {
  if (numIneligible === 0) return [];
  const end = x(Math.min(numIneligible - 0.5, numEpochs - 1));
  const size = { width: end - MARGIN.left, height: height - MARGIN.top - MARGIN.bottom };
  return [node('rect', { class: 'ineligible', x: MARGIN.left, y: MARGIN.top, ...size })];
}

function levelLine({ level }: Plot, { right, y }: Scale): SVGElement[] {
  if (level === null) return [];
  return [
    line('level', MARGIN.left, y(level.value), right, y(level.value)),
    text('level-name', right, y(level.value) - 9, level.name, 'end'),
  ];
}

function keptLine({ kept }: Plot, { height, x }: Scale): SVGElement[] {
  if (kept === null) return [];
  return [
    line('kept-line', x(kept), MARGIN.top - 6, x(kept), height - MARGIN.bottom),
    text('kept-name', Math.max(x(kept), MARGIN.left + 4), MARGIN.top - 12, `kept: ${kept + 1}`, 'middle'),
  ];
}

function keptSigns({ curves, kept }: Plot, { x, y }: Scale): SVGElement[] {
  if (kept === null) return [];
  return curves
    .filter(({ isMain }) => isMain)
    .map(({ values }) => values[kept])
    .filter(isNumber)
    .map((value) => node('path', { class: 'kept-sign', d: diamond(x(kept), y(value), KEPT_RADIUS) }));
}

function drawnCurve(
  { values, style, isMain }: PlottedCurve,
  numEpochs: number,
  { x, y }: Scale,
): SVGElement[] {
  const points = values.flatMap((value, position) =>
    isNumber(value) ? [{ position, x: x(position), y: y(value) }] : [],
  );
  const path = points.map((point, index) => {
    const isConnected = index > 0 && points[index - 1]!.position === point.position - 1;
    return `${isConnected ? 'L' : 'M'}${point.x} ${point.y}`;
  });
  const symbols = numEpochs > FEW_EPOCHS && points.length > 1 ? [] : points;
  return [
    node('path', {
      class: isMain ? 'curve main' : 'curve',
      stroke: style.color,
      'stroke-dasharray': style.dash.join(' ') || 'none',
      d: path.join(''),
    }),
    ...symbols.map((point) =>
      node('path', { class: 'symbol', fill: style.color, d: SYMBOLS[style.symbol](point.x, point.y) }),
    ),
  ];
}

/** Each curve's name is beside its last value, or as near as the other names allow. */
function curveNames(curves: readonly PlottedCurve[], { height, x, y }: Scale): SVGElement[] {
  const names = curves.flatMap(({ name, style, values }) => {
    const last = values.findLastIndex(isNumber);
    return last < 0 ? [] : [{ name, style, x: x(last) + NAME_DISTANCE, y: y(values[last]!) + 4 }];
  });
  names.sort((a, b) => a.y - b.y);
  const step = FONT_SIZE + 2;
  names.forEach((name, index) => {
    if (index > 0) name.y = Math.max(name.y, names[index - 1]!.y + step);
  });
  const overflow = Math.max(0, (names.at(-1)?.y ?? 0) - (height - MARGIN.bottom + 4));
  return names.map(({ name, style, ...at }) => {
    const label = text('name', at.x, at.y - overflow, name, 'start');
    // The style sheet colours all other texts.
    label.style.fill = style.color;
    return label;
  });
}

const SYMBOLS: Readonly<Record<CurveStyle['symbol'], (x: number, y: number) => string>> = {
  circle: (x, y) =>
    `M${x - SYMBOL_RADIUS} ${y}a${SYMBOL_RADIUS} ${SYMBOL_RADIUS} 0 1 0 ${2 * SYMBOL_RADIUS} 0` +
    `a${SYMBOL_RADIUS} ${SYMBOL_RADIUS} 0 1 0 ${-2 * SYMBOL_RADIUS} 0Z`,
  rect: (x, y) => `M${x - 3} ${y - 3}h6v6h-6Z`,
  triangle: (x, y) => `M${x} ${y - 4}l4 7h-8Z`,
};

function diamond(x: number, y: number, radius: number): string {
  return `M${x} ${y - radius}l${radius} ${radius}l${-radius} ${radius}l${-radius} ${-radius}Z`;
}

/** About five round values that enclose all values. */
function ticksOf(values: readonly number[]): { ticks: number[]; fractionDigits: number } {
  const lowest = values.length === 0 ? 0 : Math.min(...values);
  const highest = values.length === 0 ? 1 : Math.max(...values);
  const raw = (highest - lowest || 1) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= raw)!;
  const first = Math.floor(lowest / step);
  const last = Math.max(first + 1, Math.ceil(highest / step));
  return {
    ticks: Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step),
    fractionDigits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)),
  };
}

function isNumber(value: number | null | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function line(name: string, x1: number, y1: number, x2: number, y2: number): SVGElement {
  return node('line', { class: name, x1, y1, x2, y2 });
}

function text(
  name: string,
  x: number,
  y: number,
  content: string,
  anchor: 'start' | 'middle' | 'end',
): SVGElement {
  const element = node('text', { class: name, x, y, 'text-anchor': anchor, 'font-size': FONT_SIZE });
  element.textContent = content;
  return element;
}

function node(name: string, attributes: Attributes, children: readonly SVGElement[] = []): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}
