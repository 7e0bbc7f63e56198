import { html, type Html } from './html.js';

/** How a curve is drawn. Curves differ in dash and symbol as well as in colour. */
export interface CurveStyle {
  /** A variable of the page, so that it suits the light and the dark scheme. */
  readonly color: string;
  readonly dash: readonly number[];
  readonly symbol: 'circle' | 'rect' | 'triangle';
}

/** How many curves of a chart look different. */
export const MAX_STYLES = 24;

/** Which data the values of a curve are of; `'all'` for training and validation together, and for what is of no data. */
export type CurveRole = 'training' | 'validation' | 'test' | 'all';

const COLORS = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth'];
const DASHES = [[], [7, 3], [2, 2], [9, 3, 2, 3]];
const SYMBOLS = ['circle', 'rect', 'triangle'] as const;
const SHAPES = {
  circle: html`<circle cx="18" cy="6" r="4" />`,
  rect: html`<rect x="14" y="2" width="8" height="8" />`,
  triangle: html`<path d="M18 1l5 9h-10z" />`,
  diamond: html`<path d="M18 0l6 6l-6 6l-6-6z" />`,
};

/** The same data look the same in every chart of a report, and on the live page. */
const ROLE_STYLES: Readonly<Record<CurveRole, CurveStyle>> = {
  test: { color: 'var(--first)', dash: [], symbol: 'circle' },
  validation: { color: 'var(--second)', dash: [7, 3], symbol: 'rect' },
  training: { color: 'var(--third)', dash: [2, 2], symbol: 'triangle' },
  all: { color: 'var(--sixth)', dash: [], symbol: 'circle' },
};

/** The style of a curve by its data, or by its position among trainings, from 0 to `MAX_STYLES` − 1. */
export function styleOf(style: CurveRole | number): CurveStyle {
  if (typeof style === 'string') return ROLE_STYLES[style];
  // The dash moves on where the colours and dashes would repeat together.
  const dash = style + Math.floor(style / 12);
  return {
    color: `var(--${COLORS[style % COLORS.length]!})`,
    dash: DASHES[dash % DASHES.length]!,
    symbol: SYMBOLS[style % SYMBOLS.length]!,
  };
}

/** A small picture of a curve, for the legend beside its name. */
export function keyOf({ color, dash, symbol }: CurveStyle): Html {
  return html`<svg class="key" viewBox="0 0 36 12" aria-hidden="true" fill="${color}">
    <path d="M0 6h36" stroke="${color}" stroke-width="2" stroke-dasharray="${dash.join(' ')}" />
    ${SHAPES[symbol]}
  </svg>`;
}

/** A small picture of the mark of an epoch that became the best, or was kept. */
export function diamondKey(color = 'var(--kept)'): Html {
  return html`<svg class="key" viewBox="0 0 36 12" aria-hidden="true" fill="${color}">
    ${SHAPES.diamond}
  </svg>`;
}
