import * as tf from '@tensorflow/tfjs';
import { assert } from 'chai';
import { assertClose, type ConformanceCase, type CaseSettings } from './conformance-case.js';
import { expectedOf, randomLogits, score, valuesOf } from './scoring.js';

/** An operation whose result has the values of `x`. */
interface Origin {
  readonly make: (x: tf.Tensor, values: number[]) => tf.Tensor;
  /** Whether webgl then stores four values per texel. */
  readonly packed: boolean;
}

const product = (x: tf.Tensor): tf.Tensor => {
  const numClasses = x.shape.at(-1)!;
  return tf.reshape(tf.matMul(tf.reshape(x, [-1, numClasses]), tf.eye(numClasses)), x.shape);
};

const ORIGINS: Record<string, Origin> = {
  'a matrix product': { make: product, packed: true },
  'an addition': { make: (x) => tf.add(x, tf.zerosLike(x)), packed: true },
  'a concatenation': {
    make: (x) => {
      const begin = x.shape.map(() => 0);
      const firstClassSize = [...x.shape.slice(0, -1), 1];
      return tf.concat([tf.slice(x, begin, firstClassSize), tf.slice(x, begin.with(-1, 1))], -1);
    },
    packed: true,
  },
  'a transposition': { make: (x) => tf.transpose(tf.add(tf.transpose(x), 0)), packed: true },
  'a slice of an uploaded tensor': {
    make: ({ shape: [rows = 0, ...others] }, values) =>
      tf.slice(tf.tensor([...values.map(() => 1), ...values], [2 * rows, ...others]), [rows], [rows]),
    packed: false,
  },
  // A reshape doesn't change the texture.
  'a reshaped vector': {
    make: ({ shape }, values) => tf.reshape(tf.tensor1d(values), shape),
    packed: false,
  },
  'a reshaped, wider matrix': {
    make: ({ shape, size }, values) => tf.reshape(tf.tensor(values, [size / 20, 20]), shape),
    packed: false,
  },
};

const SHAPES = [
  [6, 10],
  [5, 4],
  [4, 5, 7],
  [3, 5, 12],
  [1, 7, 20],
  [20, 1, 5],
  [128, 10],
  [2, 2, 5, 3],
];

async function checkOrigin(
  { make, packed }: Origin,
  name: string,
  shape: number[],
  settings: CaseSettings,
): Promise<void> {
  const numClasses = shape.at(-1)!;
  const rows = randomLogits(tf.util.sizeFromShape(shape) / numClasses, numClasses, settings, name);
  for (const k of [2, 3]) {
    const entropies = await valuesOf(() => {
      const predictions = make(tf.tensor(rows.flat(), shape), rows.flat());
      if (tf.getBackend() === 'webgl') assert.equal(isPacked(predictions), packed, 'packed');
      return score(predictions, settings, { k });
    });
    assertClose(entropies, expectedOf(rows, { k }), settings.tolerance);
  }
}

function isPacked({ dataId }: tf.Tensor): boolean {
  const { texData } = tf.backend() as unknown as {
    texData: { get(dataId: object): { isPacked?: boolean } };
  };
  return texData.get(dataId).isPacked === true;
}

const DTYPES = ['int32', 'bool'] as const;

/** Predictions whose layout on the device or dtype differs from that of uploaded float32 values. */
export const layoutCases: readonly ConformanceCase[] = [
  ...Object.entries(ORIGINS).flatMap(([originName, origin]) =>
    SHAPES.map((shape) => {
      const name = `predictions from ${originName}, shape [${shape.join(', ')}]`;
      return { name, run: (settings: CaseSettings) => checkOrigin(origin, name, shape, settings) };
    }),
  ),
  ...DTYPES.flatMap((dtype) =>
    [3, 300].map((numClasses) => ({
      name: `predictions of dtype ${dtype}, ${numClasses} classes`,
      run: async (settings: CaseSettings): Promise<void> => {
        const rows = [0, 1, 2].map((row) => Array.from({ length: numClasses }, (_, c) => (c + row) % 2));
        for (const k of [2, 3]) {
          const entropies = await valuesOf(() =>
            score(tf.tensor(rows.flat(), [3, numClasses], dtype), settings, { k }),
          );
          assertClose(entropies, expectedOf(rows, { k }), settings.tolerance);
        }
      },
    })),
  ),
];
