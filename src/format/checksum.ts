import type * as tf from '@tensorflow/tfjs';
import { Pacer } from '../platform/event-loop.js';
import { sha256 } from '../platform/sha256.js';
import { encodeText } from '../platform/utf8.js';
import type { Json } from '../stores/store.js';

/** sha256 of a checkpoint without its weight bytes; the metadata holds the checksums of those. */
export async function checksumOf(
  topology: Json,
  weightSpecs: readonly tf.io.WeightsManifestEntry[],
  metadataWithoutChecksum: Readonly<Record<string, unknown>>,
): Promise<string> {
  const pacer = new Pacer();
  // Joined early: a text that grows by millions of small pieces takes thirty times its size.
  const chunks: string[] = [];
  let pieces: string[] = [];
  let numCharacters = 0;
  for (const piece of canonicalJson([topology, weightSpecs, metadataWithoutChecksum])) {
    pieces.push(piece);
    numCharacters += piece.length;
    if (numCharacters >= CHUNK_LENGTH) {
      chunks.push(pieces.join(''));
      pieces = [];
      numCharacters = 0;
    }
    if (pacer.isDue) await pacer.yieldIfDue();
  }
  return sha256(encodeText([...chunks, ...pieces].join('')));
}

const CHUNK_LENGTH = 2 ** 16;
/** How many characters of numbers and texts come at once. */
const PIECE_LENGTH = 2 ** 12;

/** How deeply long lists, such as the layers of a model, are nested in a checkpoint. */
const MAX_SPLIT_DEPTH = 4;

/** JSON with sorted keys, so that equal values give equal text. It comes in small pieces, each made in a short time. */
export function* canonicalJson(value: unknown, depth = 0): Generator<string> {
  if (depth > MAX_SPLIT_DEPTH || typeof value !== 'object' || value === null) {
    yield JSON.stringify(value, (_key, item: unknown) => withSortedKeys(item));
    return;
  }
  const isList = Array.isArray(value);
  yield isList ? '[' : '{';
  let text = '';
  let separator = '';
  for (const [key, item] of isList ? value.entries() : Object.entries(sorted(value))) {
    // JSON leaves out undefined fields.
    if (!isList && item === undefined) continue;
    text += isList ? separator : `${separator}${JSON.stringify(key)}:`;
    separator = ',';
    if (typeof item !== 'object' || item === null) {
      text += JSON.stringify(item);
      if (text.length < PIECE_LENGTH) continue;
    }
    yield text;
    text = '';
    if (typeof item === 'object' && item !== null) yield* canonicalJson(item, depth + 1);
  }
  yield text;
  yield isList ? ']' : '}';
}

function withSortedKeys(item: unknown): unknown {
  return typeof item !== 'object' || item === null || Array.isArray(item) ? item : sorted(item);
}

/** A copy of `object` with sorted keys. Integer keys come first, as in every object. */
export function sorted(object: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
