import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { composedTopKEntropy } from '../../src/entropy/composed.js';
import { TOP_K_ENTROPY } from '../../src/entropy/kernels/top-k-entropy-kernel.js';
import { topKEntropy } from '../../src/entropy/top-k-entropy.js';
import { EntropyCheckpointError } from '../../src/errors.js';
import { topKEntropyRows } from '../../src/entropy/row-entropy.js';
import { entropyOfProbabilities } from '../support/entropy64.js';
import { expectNoTensorsLeft } from '../support/fixtures.js';

function useBackend(name: string): void {
  beforeAll(async () => {
    await tf.setBackend(name);
    await tf.ready();
    expect(tf.getBackend()).toBe(name);
  });
}

describe.each(['cpu', 'wasm'])('topKEntropy on %s', (backend) => {
  useBackend(backend);

  test('runs one kernel for any number of rows', () => {
    const kernelsOf = (rows: number): unknown[] => {
      const predictions = tf.zeros([rows, 3]);
      const runKernel = jest.spyOn(tf.engine(), 'runKernel');
      tf.dispose([topKEntropy(predictions), predictions]);
      const kernels = runKernel.mock.calls.map(([kernel]) => kernel);
      runKernel.mockRestore();
      return kernels;
    };
    expect(kernelsOf(2)).toEqual([TOP_K_ENTROPY]);
    expect(kernelsOf(200)).toEqual([TOP_K_ENTROPY]);
  });
});

test('topKEntropyRows over all classes agrees with float64 for probabilities of every magnitude', () => {
  for (let power = 0; power <= 40; power++) {
    for (const mantissa of [1, 1.0000001, 1.25, 1.5, 1.7, 1.9999999]) {
      const p = Math.fround(Math.min(1, mantissa * 2 ** -power));
      const rows = Float32Array.of(0, 0, 0, p, 0, 0.25);
      const entropies = new Float64Array(2);
      topKEntropyRows(rows, 3, 3, false, entropies as unknown as Float32Array);
      expect(Math.abs(entropies[1]! - entropyOfProbabilities([p, 0, 0.25], 3))).toBeLessThan(2e-9);
    }
  }
});

/** Runs `action`. @returns how many typed arrays it made. */
function countTypedArrays(action: () => void): number {
  const { Int32Array, Float32Array, Float64Array } = globalThis;
  let count = 0;
  const counting = <T extends object>(type: T): T =>
    new Proxy(type, {
      construct: (target, args, newTarget) => {
        count += 1;
        return Reflect.construct(target as new () => object, args, newTarget) as object;
      },
    });
  Object.assign(globalThis, {
    Int32Array: counting(Int32Array),
    Float32Array: counting(Float32Array),
    Float64Array: counting(Float64Array),
  });
  try {
    action();
  } finally {
    Object.assign(globalThis, { Int32Array, Float32Array, Float64Array });
  }
  return count;
}

describe.each([
  { numClasses: 1, k: 2, fromLogits: true },
  { numClasses: 1, k: 2, fromLogits: false },
  { numClasses: 4, k: 1, fromLogits: false },
  { numClasses: 4, k: 2, fromLogits: true },
  { numClasses: 4, k: 2, fromLogits: false },
  { numClasses: 4, k: 3, fromLogits: true },
  { numClasses: 4, k: 3, fromLogits: false },
  { numClasses: 4, k: 4, fromLogits: true },
  { numClasses: 4, k: 4, fromLogits: false },
])('topKEntropyRows of %o', ({ numClasses, k, fromLogits }) => {
  test('makes nothing for a row', () => {
    const numArrays = (rows: number): number => {
      const values = new Float32Array(rows * numClasses).fill(0.25);
      const entropies = new Float32Array(rows);
      return countTypedArrays(() => {
        topKEntropyRows(values, numClasses, k, fromLogits, entropies);
      });
    };
    expect(numArrays(1)).toBeLessThanOrEqual(2);
    expect(numArrays(100)).toBe(numArrays(1));
  });

  test('has the same bits for a row inside a larger buffer as for the row alone', () => {
    const rows = 50;
    const buffer = Float32Array.from({ length: 3 + rows * numClasses }, (_, i) => ((i * 37) % 101) / 101);
    const values = buffer.subarray(3);
    const together = new Float32Array(rows);
    topKEntropyRows(values, numClasses, k, fromLogits, together);
    const alone = Array.from(together, (_, row) => {
      const entropy = new Float32Array(1);
      const rowValues = values.slice(row * numClasses, (row + 1) * numClasses);
      topKEntropyRows(rowValues, numClasses, k, fromLogits, entropy);
      return entropy[0]!;
    });
    expect(Array.from(together)).toEqual(alone);
  });
});

const entropiesOf = (predictions: tf.TensorLike, dtype: tf.DataType, options = {}): number[] =>
  tf.tidy(() => Array.from(topKEntropy(tf.tensor(predictions, undefined, dtype), options).dataSync()));

describe.each(['cpu', 'wasm'])('topKEntropy of other dtypes on %s', (backend) => {
  useBackend(backend);

  test.each([
    { dtype: 'int32' as const, values: [[1, 2, 4]], fromLogits: true },
    { dtype: 'int32' as const, values: [[0, 1, 0]], fromLogits: false },
    { dtype: 'bool' as const, values: [[true, false, true]], fromLogits: true },
  ])('scores $dtype as it scores float32, fromLogits $fromLogits', ({ dtype, values, fromLogits }) => {
    const floats = values.map((row) => row.map(Number));
    expect(entropiesOf(values, dtype, { fromLogits })).toEqual(
      entropiesOf(floats, 'float32', { fromLogits }),
    );
  });
});

describe('topKEntropy', () => {
  useBackend('cpu');

  test('defaults to k = 2 and logits', () => {
    const logits = [
      [1, 2, 4],
      [3, 1, 1],
    ];
    expect(entropiesOf(logits, 'float32')).toEqual(
      entropiesOf(logits, 'float32', { k: 2, fromLogits: true }),
    );
    expect(entropiesOf(logits, 'float32')).not.toEqual(entropiesOf(logits, 'float32', { k: 3 }));
    expect(entropiesOf(logits, 'float32')).not.toEqual(entropiesOf(logits, 'float32', { fromLogits: false }));
  });

  test('does not change an int32 input', async () => {
    await expectNoTensorsLeft(() => {
      const predictions = tf.tensor2d([[1, 2, 4]], [1, 3], 'int32');
      topKEntropy(predictions).dispose();
      expect({ dtype: predictions.dtype, shape: predictions.shape }).toEqual({
        dtype: 'int32',
        shape: [1, 3],
      });
      expect(Array.from(predictions.dataSync())).toEqual([1, 2, 4]);
      predictions.dispose();
    });
  });

  test.each([
    { what: 'rank 0', make: () => tf.scalar(1), got: 'float32 []' },
    { what: 'one class', make: () => tf.zeros([4, 1]), got: 'float32 [4, 1]' },
    { what: 'one value', make: () => tf.zeros([1]), got: 'float32 [1]' },
    { what: 'no class', make: () => tf.zeros([4, 0]), got: 'float32 [4, 0]' },
    { what: 'strings', make: () => tf.tensor2d([['a', 'b']]), got: 'string [1, 2]' },
    { what: 'complex numbers', make: () => tf.complex([1, 2], [0, 0]), got: 'complex64 [2]' },
  ])('refuses $what', async ({ make, got }) => {
    await expectNoTensorsLeft(() => {
      tf.tidy(() => {
        const predictions = make();
        const refused = expect.objectContaining({
          code: 'ENTROPY_INVALID_PREDICTIONS',
          message: expect.stringContaining(`got ${got}`),
        });
        expect(() => topKEntropy(predictions)).toThrow(refused);
      });
    });
  });

  test.each([0, -1, 1.5, 4, NaN, Infinity, '2', null])('refuses k = %p of 3 classes', async (k) => {
    await expectNoTensorsLeft(() => {
      tf.tidy(() => {
        const refused = expect.objectContaining({
          code: 'ENTROPY_INVALID_OPTION',
          message: expect.stringContaining(`\`k\` to be an integer from 1 to the number of classes (3), got`),
        });
        expect(() => topKEntropy(tf.zeros([2, 3]), { k: k as number })).toThrow(refused);
      });
    });
  });

  test.each(['auto', 1, null])('refuses fromLogits = %p', async (fromLogits) => {
    await expectNoTensorsLeft(() => {
      tf.tidy(() => {
        const refused = expect.objectContaining({
          code: 'ENTROPY_INVALID_OPTION',
          message: expect.stringContaining('`fromLogits` to be true or false, got '),
        });
        expect(() => topKEntropy(tf.zeros([2, 3]), { fromLogits: fromLogits as unknown as boolean })).toThrow(
          refused,
        );
      });
    });
  });

  test('throws an EntropyCheckpointError', () => {
    tf.tidy(() => {
      expect(() => topKEntropy(tf.scalar(1))).toThrow(EntropyCheckpointError);
    });
  });

  test('does not dispose an input that it refuses', async () => {
    await expectNoTensorsLeft(() => {
      const predictions = tf.zeros([2, 3]);
      expect(() => topKEntropy(predictions, { k: 4 })).toThrow(EntropyCheckpointError);
      expect(predictions.isDisposed).toBe(false);
      predictions.dispose();
    });
  });

  test('returns a tensor that an outer tidy disposes', async () => {
    await expectNoTensorsLeft(() => {
      tf.tidy(() => {
        topKEntropy(tf.zeros([2, 3]));
      });
    });
  });

  test('agrees with the composed operations', () => {
    tf.tidy(() => {
      const predictions = tf.randomNormal<tf.Rank.R2>([64, 12], 0, 3, 'float32', 8);
      const difference = tf.max(
        tf.abs(tf.sub(topKEntropy(predictions), composedTopKEntropy(predictions, 2, true))),
      );
      expect(difference.dataSync()[0]).toBeLessThan(1e-6);
    });
  });
});

describe.each(['cpu', 'wasm'])('topKEntropy under a gradient tape on %s', (backend) => {
  useBackend(backend);

  /** The gradient of a linear model's loss. `observe` receives the model's output while the loss is computed. */
  function gradient(observe: (output: tf.Tensor) => void): number[] {
    return tf.tidy(() => {
      const x = tf.randomNormal([8, 5], 0, 1, 'float32', 1);
      const w = tf.variable(tf.randomNormal([5, 3], 0, 1, 'float32', 2));
      const { grads } = tf.variableGrads(() => {
        const output = tf.matMul(x, w);
        observe(output);
        return tf.mean(tf.square(output));
      }, [w]);
      const values = Array.from(grads[w.name]!.dataSync());
      w.dispose();
      return values;
    });
  }

  test('does not change the gradient of the loss', async () => {
    await expectNoTensorsLeft(() => {
      const expected = gradient(() => undefined);
      expect(expected.some((value) => value !== 0)).toBe(true);
      expect(gradient((output) => topKEntropy(output))).toEqual(expected);
    });
  });

  test('has the same values as without a tape', async () => {
    await expectNoTensorsLeft(() => {
      let taped: number[] = [];
      let output: number[] = [];
      gradient((tensor) => {
        taped = Array.from(topKEntropy(tensor).dataSync());
        output = Array.from(tensor.dataSync());
      });
      const untaped = tf.tidy(() => Array.from(topKEntropy(tf.tensor(output, [8, 3])).dataSync()));
      expect(taped).toEqual(untaped);
    });
  });
});
