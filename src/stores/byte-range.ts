/** The part of a byte range that lies in one piece. */
export interface RangePart {
  /** The index of the piece. */
  readonly piece: number;
  /** Start within the piece, in bytes. */
  readonly from: number;
  /** End within the piece, in bytes, exclusive. */
  readonly to: number;
  /** Start within the range, in bytes. */
  readonly offset: number;
}

/**
 * Splits a byte range at the borders of the pieces that hold the bytes. No part is empty; the parts are in order.
 *
 * @param sizes the sizes of the consecutive pieces, in bytes.
 * @param position where the range starts, in bytes from the start of the first piece.
 * @param length the size of the range, in bytes.
 * @throws RangeError if the range goes beyond the pieces.
 */
export function partsOfRange(sizes: readonly number[], position: number, length: number): RangePart[] {
  const end = position + length;
  const parts: RangePart[] = [];
  let start = 0;
  for (const [piece, size] of sizes.entries()) {
    const from = Math.max(position, start);
    const to = Math.min(end, start + size);
    if (from < to) parts.push({ piece, from: from - start, to: to - start, offset: from - position });
    start += size;
  }
  if (position < 0 || end > start) {
    throw new RangeError(`Expected a range within ${start} bytes, got ${position} to ${end}.`);
  }
  return parts;
}
