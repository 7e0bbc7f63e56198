import type { InputForm, Samples } from './samples.js';

/** A text and its class. */
export interface LabelledText {
  readonly text: string;
  readonly label: number;
}

/** How a text is converted to network inputs. */
export interface TextFeatures {
  /** Splits a text into the tokens that are counted, for the form `'vector'`. */
  readonly tokensOf: (text: string) => readonly string[];
  /** Length of the vector: tokens are hashed into this many buckets. */
  readonly buckets: number;
  /** Length of a sequence, in characters. Longer texts are cut. */
  readonly length: number;
}

const SYMBOLS = ' abcdefghijklmnopqrstuvwxyz';
/** Stands for every other character. */
const OTHER = SYMBOLS.length;
const NUM_SYMBOLS = SYMBOLS.length + 1;

export function inputShapeOf({ buckets, length }: TextFeatures, form: InputForm): readonly number[] {
  return form === 'sequence' ? [length, NUM_SYMBOLS] : [buckets];
}

export function samplesOf(texts: readonly LabelledText[], features: TextFeatures, form: InputForm): Samples {
  const width = inputShapeOf(features, form).reduce((size, dim) => size * dim, 1);
  const inputs = new Float32Array(texts.length * width);
  for (const [row, { text }] of texts.entries()) {
    const target = inputs.subarray(row * width, (row + 1) * width);
    if (form === 'sequence') fillOneHot(target, text, features.length);
    else fillCounts(target, features.tokensOf(text));
  }
  return { inputs, labels: Uint8Array.from(texts, ({ label }) => label) };
}

/** All runs of three characters. The text is padded with a space at both ends. */
export function trigramsOf(text: string): string[] {
  const padded = ` ${text} `;
  return Array.from({ length: Math.max(0, padded.length - 2) }, (_, i) => padded.slice(i, i + 3));
}

export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/\p{L}+/gu) ?? [];
}

/** Fills in square roots of token counts, scaled to unit length: long texts weigh no more than short ones. */
function fillCounts(target: Float32Array, tokens: readonly string[]): void {
  for (const token of tokens) target[hash(token) % target.length]! += 1;
  const norm = Math.sqrt(target.reduce((sum, count) => sum + count, 0)) || 1;
  for (const [i, count] of target.entries()) target[i] = Math.sqrt(count) / norm;
}

function fillOneHot(target: Float32Array, text: string, length: number): void {
  const symbols = Array.from(text.slice(0, length), (character) => {
    const symbol = SYMBOLS.indexOf(character);
    return symbol < 0 ? OTHER : symbol;
  });
  // Aligned to the end of the sequence: a recurrent network sees the end of the text last.
  const start = length - symbols.length;
  for (const [i, symbol] of symbols.entries()) target[(start + i) * NUM_SYMBOLS + symbol] = 1;
}

/** FNV-1a. */
function hash(token: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < token.length; i++) value = Math.imul(value ^ token.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
