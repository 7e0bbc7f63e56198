import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { evenlySpaced, lastInEachColumn, positionsToPlot, rangeOf } from '../../src/report/thinning.js';

describe('rangeOf', () => {
  test('has the first, the last, the lowest and the highest value, and passes over what has none', () => {
    const range = rangeOf(Float64Array.of(NaN, 2, 5, 1, 5, 1, NaN, 3, NaN));
    expect(range).toEqual({
      first: { position: 1, value: 2 },
      last: { position: 7, value: 3 },
      lowest: { position: 3, value: 1 },
      highest: { position: 2, value: 5 },
      count: 6,
    });
  });

  test('is null without a value', () => {
    expect(rangeOf(Float64Array.of(NaN, NaN))).toBeNull();
    expect(rangeOf(new Float64Array())).toBeNull();
  });
});

describe('positionsToPlot', () => {
  test('has every position if there are few', () => {
    expect(positionsToPlot(Float64Array.of(3, NaN, 1, 2), 1)).toEqual([0, 1, 2, 3]);
  });

  test('has the first, lowest, highest and last value of each column, and what must be there', () => {
    const values = Float64Array.of(5, 6, 9, 7, 1, 6, 5, 5, 5, 5, 5, 5, NaN, NaN, NaN, NaN, NaN, NaN);
    expect(positionsToPlot(values, 3, [8])).toEqual([0, 2, 4, 5, 6, 8, 11, 12]);
  });

  test('loses no extreme of any column', () => {
    const value = fc.oneof(fc.double({ noNaN: true, min: -1e3, max: 1e3 }), fc.constant(NaN));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 200 }), fc.integer({ min: 1, max: 12 }), (list, columns) => {
        const values = Float64Array.from(list);
        const positions = positionsToPlot(values, columns);
        expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
        expect(positions.length).toBeLessThanOrEqual(4 * columns);
        const shown = new Float64Array(list.length).fill(NaN);
        for (const position of positions) shown[position] = values[position]!;
        for (let column = 0; column < columns; column++) {
          const start = Math.floor((column * list.length) / columns);
          const end = Math.floor(((column + 1) * list.length) / columns);
          const { count: _all, ...expected } = rangeOf(values, start, end) ?? { count: 0 };
          const { count: _shown, ...got } = rangeOf(shown, start, end) ?? { count: 0 };
          expect(got).toEqual(expected);
        }
      }),
      { numRuns: 300 },
    );
  });
});

test('lastInEachColumn has one position in each column that has any', () => {
  expect(lastInEachColumn([0, 3, 4, 5, 40, 99], 100, 20)).toEqual([4, 5, 40, 99]);
  expect(lastInEachColumn([], 100, 20)).toEqual([]);
});

describe('evenlySpaced', () => {
  test('has every position if they are within the limit', () => {
    expect(evenlySpaced(4, 4, [1])).toEqual([0, 1, 2, 3]);
  });

  test('has what must be there, the ends, and others at even distances', () => {
    expect(evenlySpaced(101, 12, [37])).toEqual([0, 10, 20, 30, 37, 40, 50, 60, 70, 80, 90, 100]);
  });

  test('never exceeds the limit, however much must be there', () => {
    const always = Array.from({ length: 50 }, (_, i) => 60 - i);
    const positions = evenlySpaced(100, 20, always);
    expect(positions.length).toBeLessThanOrEqual(20);
    expect(positions).toEqual(expect.arrayContaining([0, 99, ...always.slice(0, 10)]));
  });
});
