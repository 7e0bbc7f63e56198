/** A value of a curve, and the position of its epoch. */
export interface Point {
  readonly position: number;
  readonly value: number;
}

/** The extremes of a curve. */
export interface CurveRange {
  readonly first: Point;
  readonly last: Point;
  readonly lowest: Point;
  readonly highest: Point;
  /** How many epochs have a value. */
  readonly count: number;
}

/**
 * The range of `values` from `start` to `end`; null if there's no value. Of equal values the first counts.
 *
 * @param values NaN where there's none.
 */
export function rangeOf(values: Float64Array, start = 0, end = values.length): CurveRange | null {
  let [first, last, lowest, highest, count] = [-1, -1, -1, -1, 0];
  for (let position = start; position < end; position++) {
    const value = values[position]!;
    if (Number.isNaN(value)) continue;
    count += 1;
    last = position;
    if (first < 0) first = lowest = highest = position;
    else if (value < values[lowest]!) lowest = position;
    else if (value > values[highest]!) highest = position;
  }
  if (count === 0) return null;
  const pointAt = (position: number): Point => ({ position, value: values[position]! });
  return {
    first: pointAt(first),
    last: pointAt(last),
    lowest: pointAt(lowest),
    highest: pointAt(highest),
    count,
  };
}

/**
 * The positions of a curve that a plot needs. A line through the first, lowest, highest and last value of each column of
 * pixels covers the same pixels as a line through all values.
 *
 * @param values NaN where there's none. A column without a value keeps one such position, so that the line breaks there.
 * @param columns the width of the plot in pixels.
 * @param always positions to keep in any case.
 */
export function positionsToPlot(
  values: Float64Array,
  columns: number,
  always: readonly number[] = [],
): number[] {
  if (values.length <= 4 * columns) return Array.from(values, (_, position) => position);
  const positions = new Set(always);
  for (let column = 0; column < columns; column++) {
    const start = startOfColumn(column, values.length, columns);
    const range = rangeOf(values, start, startOfColumn(column + 1, values.length, columns));
    if (range === null) {
      positions.add(start);
      continue;
    }
    for (const { position } of [range.first, range.lowest, range.highest, range.last]) {
      positions.add(position);
    }
  }
  return [...positions].sort((a, b) => a - b);
}

/**
 * The last of `positions` in each column of pixels.
 *
 * @param positions in ascending order.
 * @param length how many positions the whole plot has.
 */
export function lastInEachColumn(positions: readonly number[], length: number, columns: number): number[] {
  const columnOf = (position: number | undefined): number =>
    position === undefined ? -1 : Math.floor((position * columns) / length);
  return positions.filter((position, i) => columnOf(position) !== columnOf(positions[i + 1]));
}

/**
 * At most `limit` of the positions from 0 to `length` − 1, in ascending order: those in `always`, the first, the last,
 * and others at even distances.
 *
 * @param always the most important first. They take up to half of `limit`.
 */
export function evenlySpaced(length: number, limit: number, always: readonly number[]): number[] {
  if (length <= limit) return Array.from({ length }, (_, position) => position);
  const positions = new Set(always.slice(0, Math.floor(limit / 2)));
  const others = limit - positions.size;
  for (let i = 0; i < others; i++) positions.add(Math.round((i * (length - 1)) / (others - 1)));
  return [...positions].sort((a, b) => a - b);
}

function startOfColumn(column: number, length: number, columns: number): number {
  return Math.floor((column * length) / columns);
}
