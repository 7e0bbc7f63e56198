import * as tf from '@tensorflow/tfjs';
import { assert } from 'chai';
import { softmax64 } from '../support/entropy64.js';
import { assertClose, type ConformanceCase, type CaseSettings } from './conformance-case.js';
import { checkRows, entropiesOf, probabilitiesOf, randomLogits, score } from './scoring.js';

/** A NaN in any column. In a wide row: at its ends and around the bounds of the classes that an invocation reads. */
const nanCases = [
  { numClasses: 1, k: 2 },
  { numClasses: 2, k: 1 },
  { numClasses: 5, k: 2 },
  { numClasses: 5, k: 3 },
  { numClasses: 5, k: 5 },
  { numClasses: 40, k: 2 },
  { numClasses: 300, k: 2, columns: [0, 1, 63, 64, 65, 127, 128, 255, 256, 298, 299] },
].flatMap(({ numClasses, k, columns = [...Array(numClasses).keys()] }) =>
  [true, false].map((fromLogits) => ({
    name: `a NaN in any column makes only its row NaN: ${numClasses} classes, k = ${k}, fromLogits ${fromLogits}`,
    run: async (settings: CaseSettings): Promise<void> => {
      const clean = numClasses === 1 ? [0.25] : softmax64(randomLogits(1, numClasses, settings, 'nan')[0]!);
      const rows = columns.flatMap((column) => [clean.with(column, NaN), clean]);
      for (const entropies of await entropiesOf(rows, settings, { k, fromLogits })) {
        assert.deepEqual(
          entropies.map((entropy) => Number.isNaN(entropy)),
          columns.flatMap(() => [true, false]),
        );
      }
    },
  })),
);

/** Adds classes without probability, so that kernels take their path for wide rows. */
const widened = (rows: readonly number[][], width: number, filler: number): number[][] =>
  rows.map((row) => [...row, ...Array.from({ length: width - row.length }, () => filler)]);

const specialValues: readonly ConformanceCase[] = [
  {
    name: 'ties: each tied value counts, in any order',
    run: async (settings) => {
      const rows = [
        [5, 5, 5, 5],
        [9, 9, 1, 1],
        [1, 9, 1, 9],
        [9, 3, 3, 3],
        [3, 3, 3, 9],
      ];
      for (const k of [1, 2, 3, 4]) {
        await checkRows(rows, settings, { k });
        await checkRows(probabilitiesOf(rows, settings), settings, { k, fromLogits: false });
      }
    },
  },
  {
    name: 'the order of the classes does not matter',
    run: async (settings) => {
      for (const width of [9, 300]) {
        const rows = randomLogits(8, width, settings, 'order');
        for (const order of [(a: number, b: number) => a - b, (a: number, b: number) => b - a]) {
          await checkRows(
            rows.map((row) => row.toSorted(order)),
            settings,
          );
        }
      }
    },
  },
  {
    name: 'logits of ±1e4 neither overflow nor underflow to NaN',
    run: async (settings) => {
      const rows = [
        [1e4, 1e4, -1e4],
        [-1e4, -1e4, -1e4],
        [-1e4, 0, 1e4],
        [1e4, 9992, 0],
        [-1e4, -9992, -1e4],
      ];
      for (const k of [1, 2, 3]) await checkRows(rows, settings, { k });
      await checkRows(widened(rows, 300, -1e4), settings, {});
    },
  },
  {
    name: 'probabilities of exactly 0 and 1 are finite',
    run: async (settings) => {
      const rows = [
        [1, 0, 0],
        [0, 0, 1],
      ];
      for (const k of [1, 2, 3]) await checkRows(rows, settings, { k, fromLogits: false });
      await checkRows(widened(rows, 300, 0), settings, { fromLogits: false });
      await checkRows([[0], [1]], settings, { fromLogits: false });
    },
  },
  {
    name: 'a logit of −Infinity is a probability of 0',
    run: async (settings) => {
      // Uploading −Infinity in half precision gives NaN. There the lowest number masks a class.
      const none = settings.halfPrecision === true ? -65504 : -Infinity;
      const rows = [
        [none, 1, 2, 3],
        [3, 2, none, 1],
        [none, none, 2, 3],
        [2, none, none, none],
      ];
      for (const k of [1, 2, 3, 4]) await checkRows(rows, settings, { k });
      await checkRows(widened(rows, 300, none), settings, {});
    },
  },
  {
    name: 'rows without a softmax are NaN: a logit of +Infinity, or only logits of −Infinity',
    run: async (settings) => {
      const rows = [
        [Infinity, 1, 2],
        [1, 2, Infinity],
        [-Infinity, Infinity, 1],
        [Infinity, Infinity, Infinity],
        [-Infinity, -Infinity, -Infinity],
      ];
      const nan = [rows, rows].map((layout) => layout.map(() => NaN));
      for (const k of [1, 2, 3]) assert.deepEqual(await entropiesOf(rows, settings, { k }), nan);
      assert.deepEqual(await entropiesOf(widened(rows, 300, -Infinity), settings), nan);
    },
  },
  {
    name: 'an infinite probability is NaN',
    run: async (settings) => {
      const rows = [
        [Infinity, 0.5, 0.5],
        [0.5, 0.5, -Infinity],
      ];
      const nan = [rows, rows].map((layout) => layout.map(() => NaN));
      for (const k of [1, 2, 3]) {
        assert.deepEqual(await entropiesOf(rows, settings, { k, fromLogits: false }), nan);
      }
      assert.deepEqual(await entropiesOf(widened(rows, 300, 0), settings, { fromLogits: false }), nan);
    },
  },
  {
    name: 'a negative probability among the k largest is NaN, as from logits taken for probabilities',
    run: async (settings) => {
      const rows = [
        [-0.5, -0.25, -1],
        [-0.5, 0.25, -1],
      ];
      const nan = [rows, rows].map((layout) => layout.map(() => NaN));
      for (const k of [2, 3])
        assert.deepEqual(await entropiesOf(rows, settings, { k, fromLogits: false }), nan);
      assert.deepEqual(await entropiesOf(widened(rows, 300, -2), settings, { fromLogits: false }), nan);
    },
  },
  {
    name: 'no rows: the result is empty',
    run: async (settings) => {
      for (const shape of [
        [0, 3],
        [2, 0, 5],
      ]) {
        for (const fromLogits of [true, false]) {
          const entropies = tf.tidy(() => score(tf.tensor([], shape), settings, { fromLogits }));
          assert.deepEqual([entropies.shape, entropies.dtype], [[0], 'float32']);
          assert.deepEqual(Array.from(await entropies.data()), []);
          entropies.dispose();
        }
      }
    },
  },
  {
    name: 'the result is one float32 tensor with one value per row, and the input is not disposed',
    run: async (settings) => {
      const rows = randomLogits(6, 4, settings, 'owner');
      const predictions = tf.tensor(rows.flat(), [2, 3, 4]);
      for (const fromLogits of [true, false]) {
        const before = tf.memory();
        const entropies = score(predictions, settings, { fromLogits });
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

/** Cases for ties, extreme values, NaN and Infinity. */
export const specialValueCases: readonly ConformanceCase[] = [...nanCases, ...specialValues];
