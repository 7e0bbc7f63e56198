import type { OptionCheck } from '../check-options.js';
import { html, raw, type Html } from './html.js';
import { STYLE_SHEET } from './style-sheet.js';

export const DEFAULT_TITLE = 'Entropy checkpoint';
export const TITLE_CHECK: OptionCheck = [(value) => typeof value === 'string', 'a string'];

/**
 * A self-contained HTML page.
 *
 * @param title of the document, above the headline.
 */
export function pageOf(title: string, headline: string, content: Html): string {
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
          <p class="title">${title}</p>
          <h1>${unbroken(headline)}</h1>
          ${content}
          <footer>Made by tfjs-entropy-checkpoint.</footer>
        </main>
      </body>
    </html>`.text;
}

/** A text as HTML: what is within backticks is code. */
export function prose(text: string): Html {
  const parts = unbroken(text)
    .split('`')
    .map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
  return raw(parts.map((part) => part.text).join(''));
}

/** A number stays on the line of its unit. */
function unbroken(text: string): string {
  return text.replace(/(\d) (%|points)/g, '$1\u00a0$2');
}
