/**
 * Gains below this share of the value are rounding errors. A sum of n float32 numbers is off by about √n units in its
 * last place, which is 2⁻²⁴ of it. 2⁻¹⁶ is 256 such units: enough for an epoch of 65,536 batches.
 */
export const ROUNDING_ERROR = 2 ** -16;

/** How two values are compared. */
export interface Comparison {
  readonly mode: 'max' | 'min';
  /**
   * The size of the terms if a value is a difference of them: such a difference carries their rounding errors, even if
   * it's close to 0. 0 for any other value.
   */
  readonly termSize: number;
}

/**
 * Whether `value` is better than `reference` by more than `minDelta` and more than a rounding error. Epochs that differ
 * only in the order of their rows are equal.
 */
export function isImprovement(
  value: number,
  reference: number,
  { mode, termSize }: Comparison,
  minDelta = 0,
): boolean {
  const gain = mode === 'max' ? value - reference : reference - value;
  const magnitude = Math.max(Math.abs(value), Math.abs(reference), termSize);
  return gain > minDelta + ROUNDING_ERROR * magnitude;
}
