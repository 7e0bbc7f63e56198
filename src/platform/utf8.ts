import * as tf from '@tensorflow/tfjs';
import { sameBytes } from './bytes.js';

/** What a decoder puts in the place of bytes that are not UTF-8. */
const REPLACEMENT = '\uFFFD';

/** By TensorFlow.js, because not every environment has a global `TextEncoder`. */
export function encodeText(text: string): Uint8Array<ArrayBuffer> {
  const bytes = tf.util.encodeString(text) as Uint8Array<ArrayBuffer>;
  // In a simulated browser, the encoder of Node has typed arrays of another kind.
  return bytes instanceof Uint8Array ? bytes : Uint8Array.from(bytes);
}

/** @throws TypeError if the bytes are not UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  const text = tf.util.decodeString(bytes);
  if (text.includes(REPLACEMENT)) {
    const encoded = tf.util.encodeString(text);
    if (!sameBytes(encoded, bytes)) {
      throw new TypeError('The bytes are not UTF-8.');
    }
  }
  return text;
}
