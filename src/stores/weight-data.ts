import type * as tf from '@tensorflow/tfjs';

/** Of the dtypes that are stored. */
const BYTES_PER_ELEMENT: ReadonlyMap<unknown, number> = new Map([
  ['float32', 4],
  ['int32', 4],
  ['bool', 1],
]);

/** Whether `value`, from outside, describes a weight that this package can have stored. */
export function isWeightSpec(value: unknown): value is tf.io.WeightsManifestEntry {
  if (typeof value !== 'object' || value === null) return false;
  if (!('name' in value && 'shape' in value && 'dtype' in value)) return false;
  const { name, shape, dtype } = value;
  const bytesPerElement = BYTES_PER_ELEMENT.get(dtype);
  // A quantized weight has another size than its dtype says; this package writes none.
  if (typeof name !== 'string' || bytesPerElement === undefined || 'quantization' in value) return false;
  if (!Array.isArray(shape)) return false;
  const dims: unknown[] = shape;
  let sizeBytes = bytesPerElement;
  for (const dim of dims) {
    if (typeof dim !== 'number' || !Number.isSafeInteger(dim) || dim < 0) return false;
    sizeBytes *= dim;
  }
  return Number.isSafeInteger(sizeBytes);
}

/** @throws RangeError for a weight that has no size; decoded specs all have one. */
export function weightSizeBytes(spec: tf.io.WeightsManifestEntry): number {
  const sizeBytes = spec.shape.reduce((size, dim) => size * dim, BYTES_PER_ELEMENT.get(spec.dtype) ?? NaN);
  if (!Number.isSafeInteger(sizeBytes)) throw new RangeError(`Weight "${spec.name}" has no size.`);
  return sizeBytes;
}
