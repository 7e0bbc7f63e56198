import { expect, test } from '@jest/globals';
import { topKEntropyRows } from '../../src/entropy/row-entropy.js';
import { seededRandom } from '../support/seeded-random.js';

const term = (p: number): number => -p * Math.log(p + 1e-10);

/** The entropy of the two largest probabilities, by a sort. */
function expectedOf(row: readonly number[]): number {
  if (!row.every(Number.isFinite)) return NaN;
  const [first, second] = [...row].sort((a, b) => b - a);
  return term(first!) + term(second!);
}

function expectClose(actual: number, expected: number): void {
  if (Number.isNaN(expected)) expect(actual).toBeNaN();
  else expect(actual).toBeCloseTo(expected, 6);
}

/** Probabilities whose sum is about 1; `special` at a random place, if there's one. */
function rowOf(numClasses: number, random: () => number, special?: number): number[] {
  const row = Array.from({ length: numClasses }, () => Math.fround((2 * random() ** 8) / numClasses));
  if (special !== undefined) row[Math.floor(random() * numClasses)] = Math.fround(special);
  return row;
}

// Rows of 32 classes and more are compared by their bits, eight values at a time.
test.each([2, 10, 31, 32, 33, 39, 40, 41, 1000])('the two largest of %i probabilities', (numClasses) => {
  const random = seededRandom(numClasses);
  const specials = [undefined, 0, -0, 1, 1e-44, -0.25, NaN, Infinity, -Infinity, 0.9];
  const rows = Array.from({ length: 30 }, (_, i) => rowOf(numClasses, random, specials[i % specials.length]));
  // Ties, and rows without a positive value.
  rows.push(Array<number>(numClasses).fill(Math.fround(1 / numClasses)));
  for (const value of [0, -0, -1]) rows.push(Array<number>(numClasses).fill(value));
  const entropies = new Float32Array(rows.length);
  topKEntropyRows(Float32Array.from(rows.flat()), numClasses, 2, false, entropies);
  for (const [i, row] of rows.entries()) expectClose(entropies[i]!, expectedOf(row));
});

test.each([3, 4, 5, 32, 1001])('all of %i probabilities', (numClasses) => {
  const random = seededRandom(numClasses);
  const rows = [undefined, 0, 1, 1e-44, NaN, Infinity].map((special) => rowOf(numClasses, random, special));
  const entropies = new Float32Array(rows.length);
  topKEntropyRows(Float32Array.from(rows.flat()), numClasses, numClasses, false, entropies);
  for (const [i, row] of rows.entries()) {
    const expected = row.every(Number.isFinite) ? row.reduce((sum, p) => sum + term(p), 0) : NaN;
    expectClose(entropies[i]!, expected);
  }
});
