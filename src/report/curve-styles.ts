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

const COLORS = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth'];
const DASHES = [[], [7, 3], [2, 2], [9, 3, 2, 3]];
const SYMBOLS = ['circle', 'rect', 'triangle'] as const;
const SHAPES = {
  circle: html`<circle cx="18" cy="6" r="4" />`,
  rect: html`<rect x="14" y="2" width="8" height="8" />`,
  triangle: html`<path d="M18 1l5 9h-10z" />`,
  diamond: html`<path d="M18 0l6 6l-6 6l-6-6z" />`,
};

/** The style of the curve at a position in its chart, from 0 to `MAX_STYLES` − 1. */
export function styleOf(position: number): CurveStyle {
  // The dash moves on where the colours and dashes would repeat together.
  const dash = position + Math.floor(position / 12);
  return {
    color: `var(--${COLORS[position % COLORS.length]!})`,
    dash: DASHES[dash % DASHES.length]!,
    symbol: SYMBOLS[position % SYMBOLS.length]!,
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
