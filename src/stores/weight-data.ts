import type * as tf from '@tensorflow/tfjs';

/** The dtypes that are stored. */
const BYTES_PER_ELEMENT: ReadonlyMap<unknown, number> = new Map([
  ['float32', 4],
  ['int32', 4],
  ['bool', 1],
]);

/** @throws RangeError if the size isn't a safe integer. Never thrown for a checked manifest. */
export function weightSizeBytes({ name, shape, dtype }: tf.io.WeightsManifestEntry): number {
  const sizeBytes = shape.reduce((size, dim) => size * dim, BYTES_PER_ELEMENT.get(dtype) ?? NaN);
  if (!Number.isSafeInteger(sizeBytes)) throw new RangeError(`Weight "${name}" has no valid size.`);
  return sizeBytes;
}

/** The total size of the weights, in bytes. NaN if one has no valid size. */
export function totalSizeBytes(specs: readonly tf.io.WeightsManifestEntry[]): number {
  try {
    return specs.reduce((total, spec) => total + weightSizeBytes(spec), 0);
  } catch {
    return NaN;
  }
}
