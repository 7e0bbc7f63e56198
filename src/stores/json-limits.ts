// JSON takes far more memory once it's parsed: `[]` are two bytes of text and forty of memory. These limits bound that
// before anything is parsed. What this package writes is far from them: 10,000 weights are a megabyte of JSON.

/** The largest manifest that is read, in bytes: about 100,000 epochs, or 100,000 weights. */
export const MAX_MANIFEST_BYTES = 2 ** 25;

/** So many objects and lists are always accepted. */
const MIN_CONTAINERS = 2 ** 18;
/** Beyond that, one for each of so many bytes. */
const BYTES_PER_CONTAINER = 16;

/** So many values, such as numbers and texts, are always accepted, and one for each of so many bytes. */
const MIN_VALUES = 2 ** 20;
const BYTES_PER_VALUE = 8;

/** The most objects and lists in a manifest of this size. */
export function maxContainers(sizeBytes: number): number {
  return MIN_CONTAINERS + sizeBytes / BYTES_PER_CONTAINER;
}

/** Far deeper than any model. Code that recurses over a checkpoint must never overflow the stack. */
export const MAX_DEPTH = 1000;

const [QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = Array.from(
  '"\\,[]{}',
  (character) => character.charCodeAt(0),
);

/**
 * Why a text isn't parsed; null if it may be. Whether it is JSON, the parser says.
 *
 * @param text UTF-8 bytes, or a string.
 */
export function refusalOfJson(text: Uint8Array | string): string | null {
  const { length } = text;
  if (length > MAX_MANIFEST_BYTES) return `its manifest has ${length} bytes, more than ${MAX_MANIFEST_BYTES}`;
  let containersLeft = maxContainers(length);
  let valuesLeft = MIN_VALUES + length / BYTES_PER_VALUE;
  let depth = 0;
  let isInString = false;
  for (let i = 0; i < length; i++) {
    const character = typeof text === 'string' ? text.charCodeAt(i) : text[i];
    if (character === QUOTE) isInString = !isInString;
    else if (isInString) {
      // Skips what is escaped, such as a quote.
      if (character === BACKSLASH) i++;
    } else if (character === COMMA) {
      if (--valuesLeft < 0) return 'its manifest has more values than any checkpoint';
    } else if (character === OPEN_LIST || character === OPEN_OBJECT) {
      if (++depth > MAX_DEPTH) return `its manifest is nested deeper than ${MAX_DEPTH}`;
      if (--containersLeft < 0) return 'its manifest has more objects and lists than any checkpoint';
    } else if (character === CLOSE_LIST || character === CLOSE_OBJECT) depth--;
  }
  return null;
}
