import * as tf from '@tensorflow/tfjs';
import { assert } from 'chai';
import { softmax64 } from '../support/entropy64.js';
import { assertClose, type ConformanceCase, type Terms } from './conformance-case.js';
import { checkRows, entropiesOf, probabilitiesOf, randomLogits, score } from './scoring.js';

/** A NaN at any place, or at some of a wide row: at its ends and about the bounds of a workgroup's share. */
const nanCases = [
  { numClasses: 1, k: 2 },
  { numClasses: 2, k: 1 },
  { numClasses: 5, k: 2 },
  { numClasses: 5, k: 3 },
  { numClasses: 5, k: 5 },
  { numClasses: 40, k: 2 },
  { numClasses: 300, k: 2, places: [0, 1, 63, 64, 65, 127, 128, 255, 256, 298, 299] },
].flatMap(({ numClasses, k, places = [...Array(numClasses).keys()] }) =>
  [true, false].map((fromLogits) => ({
    name: `a NaN at any place makes its row NaN and no other: ${numClasses} classes, k = ${k}, fromLogits ${fromLogits}`,
    run: async (terms: Terms): Promise<void> => {
      const clean = numClasses === 1 ? [0.25] : softmax64(randomLogits(1, numClasses, terms, 'nan')[0]!);
      const rows = places.flatMap((place) => [clean.with(place, NaN), clean]);
      for (const entropies of await entropiesOf(rows, terms, { k, fromLogits })) {
        assert.deepEqual(
          entropies.map((entropy) => Number.isNaN(entropy)),
          places.flatMap(() => [true, false]),
        );
      }
    },
  })),
);

/** Widens rows to where kernels work otherwise, by classes of no probability. */
const widened = (rows: readonly number[][], width: number, filler: number): number[][] =>
  rows.map((row) => [...row, ...Array.from({ length: width - row.length }, () => filler)]);

const specialValues: readonly ConformanceCase[] = [
  {
    name: 'ties: each of the tied counts, wherever it stands',
    run: async (terms) => {
      const rows = [
        [5, 5, 5, 5],
        [9, 9, 1, 1],
        [1, 9, 1, 9],
        [9, 3, 3, 3],
        [3, 3, 3, 9],
      ];
      for (const k of [1, 2, 3, 4]) {
        await checkRows(rows, terms, { k });
        await checkRows(probabilitiesOf(rows, terms), terms, { k, fromLogits: false });
      }
    },
  },
  {
    name: 'the order of the classes does not matter',
    run: async (terms) => {
      for (const width of [9, 300]) {
        const rows = randomLogits(8, width, terms, 'order');
        for (const order of [(a: number, b: number) => a - b, (a: number, b: number) => b - a]) {
          await checkRows(
            rows.map((row) => row.toSorted(order)),
            terms,
          );
        }
      }
    },
  },
  {
    name: 'logits of ±1e4 neither overflow nor underflow to NaN',
    run: async (terms) => {
      const rows = [
        [1e4, 1e4, -1e4],
        [-1e4, -1e4, -1e4],
        [-1e4, 0, 1e4],
        [1e4, 9992, 0],
        [-1e4, -9992, -1e4],
      ];
      for (const k of [1, 2, 3]) await checkRows(rows, terms, { k });
      await checkRows(widened(rows, 300, -1e4), terms, {});
    },
  },
  {
    name: 'probabilities of exactly 0 and 1 are finite',
    run: async (terms) => {
      const rows = [
        [1, 0, 0],
        [0, 0, 1],
      ];
      for (const k of [1, 2, 3]) await checkRows(rows, terms, { k, fromLogits: false });
      await checkRows(widened(rows, 300, 0), terms, { fromLogits: false });
      await checkRows([[0], [1]], terms, { fromLogits: false });
    },
  },
  {
    name: 'a logit of −Infinity is a probability of 0',
    run: async (terms) => {
      // Uploaded to half precision an infinity becomes a NaN; there the lowest number is what masks a class.
      const none = terms.half === true ? -65504 : -Infinity;
      const rows = [
        [none, 1, 2, 3],
        [3, 2, none, 1],
        [none, none, 2, 3],
        [2, none, none, none],
      ];
      for (const k of [1, 2, 3, 4]) await checkRows(rows, terms, { k });
      await checkRows(widened(rows, 300, none), terms, {});
    },
  },
  {
    name: 'what has no softmax is NaN: a logit of +Infinity, a row of −Infinity alone',
    run: async (terms) => {
      const rows = [
        [Infinity, 1, 2],
        [1, 2, Infinity],
        [-Infinity, Infinity, 1],
        [Infinity, Infinity, Infinity],
        [-Infinity, -Infinity, -Infinity],
      ];
      const nan = [rows, rows].map((layout) => layout.map(() => NaN));
      for (const k of [1, 2, 3]) assert.deepEqual(await entropiesOf(rows, terms, { k }), nan);
      assert.deepEqual(await entropiesOf(widened(rows, 300, -Infinity), terms), nan);
    },
  },
  {
    name: 'an infinite probability is NaN',
    run: async (terms) => {
      const rows = [
        [Infinity, 0.5, 0.5],
        [0.5, 0.5, -Infinity],
      ];
      const nan = [rows, rows].map((layout) => layout.map(() => NaN));
      for (const k of [1, 2, 3]) {
        assert.deepEqual(await entropiesOf(rows, terms, { k, fromLogits: false }), nan);
      }
      assert.deepEqual(await entropiesOf(widened(rows, 300, 0), terms, { fromLogits: false }), nan);
    },
  },
  {
    name: 'a negative probability among those that count is NaN: logits were taken for probabilities',
    run: async (terms) => {
      const rows = [
        [-0.5, -0.25, -1],
        [-0.5, 0.25, -1],
      ];
      const nan = [rows, rows].map((layout) => layout.map(() => NaN));
      for (const k of [2, 3]) assert.deepEqual(await entropiesOf(rows, terms, { k, fromLogits: false }), nan);
      assert.deepEqual(await entropiesOf(widened(rows, 300, -2), terms, { fromLogits: false }), nan);
    },
  },
  {
    name: 'no rows give no values',
    run: async (terms) => {
      for (const shape of [
        [0, 3],
        [2, 0, 5],
      ]) {
        for (const fromLogits of [true, false]) {
          const entropies = tf.tidy(() => score(tf.tensor([], shape), terms, { fromLogits }));
          assert.deepEqual([entropies.shape, entropies.dtype], [[0], 'float32']);
          assert.deepEqual(Array.from(await entropies.data()), []);
          entropies.dispose();
        }
      }
    },
  },
  {
    name: 'the result is float32 with one value a row, in one tensor and one buffer, and the input is left to its owner',
    run: async (terms) => {
      const rows = randomLogits(6, 4, terms, 'owner');
      const predictions = tf.tensor(rows.flat(), [2, 3, 4]);
      for (const fromLogits of [true, false]) {
        const before = tf.memory();
        const entropies = score(predictions, terms, { fromLogits });
        const after = tf.memory();
        assert.deepEqual([entropies.shape, entropies.dtype], [[6], 'float32']);
        assert.equal(after.numTensors - before.numTensors, 1);
        assert.equal(after.numDataBuffers - before.numDataBuffers, 1);
        entropies.dispose();
      }
      assertClose(Array.from(await predictions.data()), rows.flat(), 0, 'change of the input');
      predictions.dispose();
    },
  },
];

/** Ties, extremes and what is no number. */
export const specialValueCases: readonly ConformanceCase[] = [...nanCases, ...specialValues];
