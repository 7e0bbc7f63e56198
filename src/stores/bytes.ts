import type * as tf from '@tensorflow/tfjs';

/** Of the dtypes that are stored. */
export const BYTES_PER_ELEMENT: ReadonlyMap<unknown, number> = new Map([
  ['float32', 4],
  ['int32', 4],
  ['bool', 1],
]);

/** @throws RangeError for a weight that has no size; decoded specs all have one. */
export function weightSizeBytes(spec: tf.io.WeightsManifestEntry): number {
  const sizeBytes = spec.shape.reduce((size, dim) => size * dim, BYTES_PER_ELEMENT.get(spec.dtype) ?? NaN);
  if (!Number.isSafeInteger(sizeBytes)) throw new RangeError(`Weight "${spec.name}" has no size.`);
  return sizeBytes;
}

/** One buffer of all pieces, in order. */
export function joinBytes(pieces: readonly Uint8Array[]): ArrayBuffer {
  const joined = new Uint8Array(pieces.reduce((total, { byteLength }) => total + byteLength, 0));
  let offset = 0;
  for (const piece of pieces) {
    joined.set(piece, offset);
    offset += piece.byteLength;
  }
  return joined.buffer;
}
