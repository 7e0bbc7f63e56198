import * as tf from '@tensorflow/tfjs';
import { assert } from 'chai';
import seedrandom from 'seedrandom';
import { composedTopKEntropy } from '../../src/entropy/composed.js';
import { runTopKEntropy } from '../../src/entropy/run-kernels.js';
import golden from '../golden/top-k-entropy.json' with { type: 'json' };
import { entropyOfProbabilities, softmax64 } from '../support/entropy64.js';
import { assertClose, stored, type ConformanceCase, type Terms } from './conformance-case.js';

interface GoldenCase {
  readonly name: string;
  readonly k: number;
  readonly shape: number[];
  readonly logits: number[];
  readonly entropy: number[];
}

const goldenCases: readonly GoldenCase[] = golden.cases;

interface Scoring {
  readonly k?: number;
  readonly fromLogits?: boolean;
}

function score(
  predictions: tf.Tensor,
  terms: Terms,
  { k = 2, fromLogits = true }: Scoring = {},
): tf.Tensor1D {
  const run = terms.composed === true ? composedTopKEntropy : runTopKEntropy;
  return run(predictions, k, fromLogits);
}

/** Values of what `make` gives, by an asynchronous read: some backends have no other. */
async function valuesOf(make: () => tf.Tensor): Promise<number[]> {
  const tensor = tf.tidy(make);
  try {
    return Array.from(await tensor.data());
  } finally {
    tensor.dispose();
  }
}

const entropiesOf = (
  rows: readonly (readonly number[])[],
  terms: Terms,
  scoring?: Scoring,
): Promise<number[]> =>
  valuesOf(() => score(tf.tensor2d(rows.flat(), [rows.length, rows[0]!.length]), terms, scoring));

/** In float64, written out from the definition; one class is the positive one of two. */
function expectedOf(
  rows: readonly (readonly number[])[],
  { k = 2, fromLogits = true }: Scoring = {},
): number[] {
  return rows.map((row) => {
    const classes = row.length > 1 ? row : [row[0]!, fromLogits ? 0 : 1 - row[0]!];
    return entropyOfProbabilities(fromLogits ? softmax64(classes) : classes, k);
  });
}

/** Rows of normally distributed logits, as a tensor holds them. */
function randomLogits(rows: number, numClasses: number, terms: Terms, seed: string): number[][] {
  const random = seedrandom.alea(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: rows }, () =>
    Array.from({ length: numClasses }, () => stored(3 * normal(), terms)),
  );
}

const probabilitiesOf = (logits: readonly (readonly number[])[], terms: Terms): number[][] =>
  logits.map((row) => softmax64(row).map((p) => stored(p, terms)));

function rowsOf(values: readonly number[], numClasses: number): number[][] {
  return Array.from({ length: values.length / numClasses }, (_, row) =>
    values.slice(row * numClasses, (row + 1) * numClasses),
  );
}

async function checkRows(
  rows: readonly (readonly number[])[],
  shape: number[],
  terms: Terms,
  scoring: Scoring,
): Promise<void> {
  const entropies = await valuesOf(() => score(tf.tensor(rows.flat(), shape), terms, scoring));
  assertClose(entropies, expectedOf(rows, scoring), terms.tolerance);
}

const goldenValues = goldenCases.map(({ name, k, shape, logits, entropy }) => ({
  name: `golden values: ${name}`,
  run: async (terms: Terms): Promise<void> => {
    const numClasses = shape.at(-1)!;
    const rows = rowsOf(
      logits.map((logit) => stored(logit, terms)),
      numClasses,
    );
    await checkRows(rows, shape, terms, { k });
    await checkRows(probabilitiesOf(rows, terms), shape, terms, { k, fromLogits: false });
    if (terms.half === true) return;
    // The reference itself, which no code of this project has made.
    assertClose(
      await valuesOf(() => score(tf.tensor(logits, shape), terms, { k })),
      entropy,
      terms.tolerance,
    );
  },
}));

/** From 2 to 32,000 classes, from 1 to 5,000 rows, even and odd, about each bound that a kernel has. */
const SHAPES: readonly (readonly [shape: number[], k: number])[] = [
  [[2], 1],
  [[2], 2],
  [[7], 3],
  [[1, 1], 2],
  [[9, 1], 1],
  [[5000, 1], 2],
  [[1, 2], 2],
  [[1, 3], 2],
  [[5, 2], 1],
  [[17, 3], 3],
  [[5000, 2], 2],
  [[4999, 3], 2],
  [[63, 5], 2],
  [[65, 7], 2],
  [[128, 10], 2],
  [[128, 10], 3],
  [[13, 31], 5],
  [[3, 255], 2],
  [[3, 256], 2],
  [[3, 257], 2],
  [[2, 257], 257],
  [[2, 300], 1],
  [[128, 1000], 2],
  [[2, 1000], 3],
  [[1, 1000], 999],
  [[33, 4097], 2],
  [[1, 31999], 2],
  [[3, 32000], 2],
  [[3, 5, 11], 2],
  [[2, 3, 1], 2],
  [[4, 7, 300], 2],
  [[1, 1, 4], 4],
  [[2, 3, 2, 9], 3],
  [[2, 3, 3, 2, 5], 2],
];

const shapes = SHAPES.map(([shape, k]) => ({
  name: `random logits and probabilities of shape [${shape.join(', ')}], k = ${k}`,
  run: async (terms: Terms): Promise<void> => {
    const numClasses = shape.at(-1)!;
    const numRows = tf.util.sizeFromShape(shape) / numClasses;
    const rows = randomLogits(numRows, numClasses, terms, `${shape.join()}-${k}`);
    await checkRows(rows, shape, terms, { k });
    const probabilities =
      numClasses > 1
        ? probabilitiesOf(rows, terms)
        : rows.map(([z = 0]) => [stored(1 / (1 + Math.exp(z)), terms)]);
    await checkRows(probabilities, shape, terms, { k, fromLogits: false });
  },
}));

/** Predictions are the outcome of operations, whose layout on the device is not that of uploaded values. */
const ORIGINS: Record<string, (values: tf.Tensor) => tf.Tensor> = {
  'of a matrix product': (x) => {
    const numClasses = x.shape.at(-1)!;
    return tf.reshape(tf.matMul(tf.reshape(x, [-1, numClasses]), tf.eye(numClasses)), x.shape);
  },
  'of an addition': (x) => tf.add(x, tf.zerosLike(x)),
  'of a slice': (x) => tf.slice(tf.concat([tf.onesLike(x), x]), [x.shape[0]], [x.shape[0]]),
  'of a transposition': (x) => tf.transpose(tf.add(tf.transpose(x), 0)),
};

const origins = Object.entries(ORIGINS).flatMap(([origin, make]) =>
  [
    [6, 4],
    [5, 3],
    [4, 5, 7],
    [3, 5, 10],
  ].map((shape) => ({
    name: `the outcome ${origin}, of shape [${shape.join(', ')}]`,
    run: async (terms: Terms): Promise<void> => {
      const numClasses = shape.at(-1)!;
      const rows = randomLogits(
        tf.util.sizeFromShape(shape) / numClasses,
        numClasses,
        terms,
        `${origin}${shape.join()}`,
      );
      const entropies = await valuesOf(() => score(make(tf.tensor(rows.flat(), shape)), terms));
      assertClose(entropies, expectedOf(rows), terms.tolerance);
    },
  })),
);

/** A NaN at any place, or at some of a wide row: at its ends and about the bounds of a workgroup's share. */
const nanPlaces = [
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
      const entropies = await entropiesOf(rows, terms, { k, fromLogits });
      assert.deepEqual(
        entropies.map((entropy) => Number.isNaN(entropy)),
        places.flatMap(() => [true, false]),
      );
    },
  })),
);

/** Widens rows to where kernels work otherwise, by classes of no probability. */
const widened = (rows: readonly number[][], width: number, filler: number): number[][] =>
  rows.map((row) => [...row, ...Array.from({ length: width - row.length }, () => filler)]);

const special: ConformanceCase[] = [
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
        await checkRows(rows, [5, 4], terms, { k });
        await checkRows(probabilitiesOf(rows, terms), [5, 4], terms, { k, fromLogits: false });
      }
    },
  },
  {
    name: 'the order of the classes does not matter',
    run: async (terms) => {
      for (const width of [9, 300]) {
        const rows = randomLogits(8, width, terms, 'order');
        const entropies = await entropiesOf(rows, terms);
        for (const order of [(a: number, b: number) => a - b, (a: number, b: number) => b - a]) {
          const sorted = rows.map((row) => row.toSorted(order));
          assertClose(await entropiesOf(sorted, terms), entropies, terms.tolerance, 'difference of orders');
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
      for (const k of [1, 2, 3]) await checkRows(rows, [5, 3], terms, { k });
      await checkRows(widened(rows, 300, -1e4), [5, 300], terms, {});
    },
  },
  {
    name: 'probabilities of exactly 0 and 1 are finite',
    run: async (terms) => {
      const rows = [
        [1, 0, 0],
        [0, 0, 1],
      ];
      for (const k of [1, 2, 3]) await checkRows(rows, [2, 3], terms, { k, fromLogits: false });
      await checkRows(widened(rows, 300, 0), [2, 300], terms, { fromLogits: false });
      await checkRows([[0], [1]], [2, 1], terms, { fromLogits: false });
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
      for (const k of [1, 2, 3, 4]) await checkRows(rows, [4, 4], terms, { k });
      await checkRows(widened(rows, 300, none), [4, 300], terms, {});
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
      const nan = rows.map(() => NaN);
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
      for (const k of [1, 2, 3]) {
        assert.deepEqual(await entropiesOf(rows, terms, { k, fromLogits: false }), [NaN, NaN]);
      }
      assert.deepEqual(await entropiesOf(widened(rows, 300, 0), terms, { fromLogits: false }), [NaN, NaN]);
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

/** What every implementation of top-k entropy must do. */
export const kernelCases: readonly ConformanceCase[] = [
  ...goldenValues,
  ...shapes,
  ...origins,
  ...nanPlaces,
  ...special,
];
