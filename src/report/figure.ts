import type { ChartFrame, ChartWidth } from './charts.js';
import { html, raw, type Html } from './html.js';
import type { Panel } from './panels.js';
import { describe } from './report-json.js';

/** What a figure has beside its chart. */
export interface Figure {
  /** A picture and a name for each curve or mark. */
  readonly legend: readonly (readonly [key: Html, name: string])[];
  /** What is said above the numbers, in sentences. */
  readonly notes: readonly string[];
}

/**
 * A chart with its title and legend, and its numbers in words.
 *
 * @param draw the SVG for a width of the screen.
 */
export function figureOf(
  { title, unit, curves }: Panel,
  { nameAt }: Pick<ChartFrame, 'nameAt'>,
  { legend, notes }: Figure,
  draw: (width: ChartWidth) => string,
): Html {
  return html`<figure>
    <figcaption>
      <h2>${title}${unit === '' ? '' : ` (${unit})`}</h2>
      <ul class="legend">
        ${legend.map(([key, name]) => html`<li>${key}${name}</li>`)}
      </ul>
    </figcaption>
    <div class="chart" role="img" aria-label="${title} by epoch; the values are below in words">
      <div class="wide">${raw(draw('wide'))}</div>
      <div class="narrow">${raw(draw('narrow'))}</div>
    </div>
    <details>
      <summary>In words</summary>
      ${[...notes, ...curves.map((curve) => describe(curve, nameAt))].map((text) => html`<p>${text}</p>`)}
    </details>
  </figure>`;
}
