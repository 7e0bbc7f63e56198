import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { RUNNING_MEAN } from '../../src/entropy/kernels/running-mean-kernel.js';
import { TOP_K_ENTROPY } from '../../src/entropy/kernels/top-k-entropy-kernel.js';
import { tensorflowKernels } from '../../src/entropy/kernels/tensorflow.js';
import { entropyOfProbabilities, softmax64 } from '../support/entropy64.js';
import { expectNoTensorsLeft } from '../support/fixtures.js';

const entropyKernel = tensorflowKernels.find(({ kernelName }) => kernelName === TOP_K_ENTROPY);
const meanKernel = tensorflowKernels.find(({ kernelName }) => kernelName === RUNNING_MEAN);

/** TensorFlow's operations, made of tfjs's. This `TopKV2` drops every NaN, as the real one may. */
const OPERATIONS: Record<string, (...inputs: tf.Tensor[]) => tf.Tensor> = {
  Softmax: (x) => tf.softmax(x),
  TopKV2: (x, k) => {
    const numbers = tf.where(tf.isNaN(x), -1, x);
    return tf.topk(numbers, k.dataSync()[0]).values;
  },
  Xlogy: (x, y) => tf.where(tf.equal(x, 0), 0, tf.mul(x, tf.log(y))),
  Sum: (x, axis) => tf.sum(x, axis.dataSync()[0]),
  Neg: (x) => tf.neg(x),
  Mul: (x, y) => tf.mul(x, y),
  Sub: (x, y) => tf.sub(x, y),
};

/** A fake of the tfjs-node backend that records operations and reads. A kernel may read only without a GPU. */
class FakeBackend {
  readonly isUsingGpuDevice: boolean;
  reads = 0;
  readonly binding = { TF_ATTR_TYPE: 0, TF_ATTR_BOOL: 1, TF_FLOAT: 2, TF_INT32: 3 };
  readonly operations: string[] = [];

  constructor(isUsingGpuDevice: boolean) {
    this.isUsingGpuDevice = isUsingGpuDevice;
  }

  write(values: Float32Array, shape: number[]): object {
    return tf.tensor(values, shape).dataId;
  }

  readSync(dataId: object): Float32Array {
    this.reads += 1;
    return tf.backend().readSync(dataId) as Float32Array;
  }

  executeSingleOutput(op: string, _attributes: unknown, inputs: tf.Tensor[]): tf.Tensor {
    this.operations.push(op);
    return OPERATIONS[op]!(...inputs);
  }

  executeMultipleOutputs(op: string, attributes: unknown, inputs: tf.Tensor[]): tf.Tensor[] {
    return [this.executeSingleOutput(op, attributes, inputs)];
  }
}

function runOnGpu(
  rows: number[][],
  attrs: { k: number; fromLogits: boolean },
): { values: number[]; operations: string[] } {
  return tf.tidy(() => {
    const backend = new FakeBackend(true);
    const predictions = tf.tensor2d(rows);
    const entropies = entropyKernel!.kernelFunc({ inputs: { predictions }, attrs, backend }) as tf.Tensor;
    return { values: Array.from(entropies.dataSync()), operations: backend.operations };
  });
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const LOGITS = [
  [1, 2, 4, -3],
  [3, 1, 1, 0],
  [0, 0, 0, 0],
  [-Infinity, 9, 1, 8],
];

describe.each([1, 2, 3, 4])('the TensorFlow kernel with k = %i', (k) => {
  test.each([true, false])('agrees with float64, fromLogits %s', async (fromLogits) => {
    await expectNoTensorsLeft(() => {
      const probabilities = LOGITS.map(softmax64);
      const { values } = runOnGpu(fromLogits ? LOGITS : probabilities, { k, fromLogits });
      for (const [row, value] of values.entries()) {
        expect(value).toBeCloseTo(entropyOfProbabilities(probabilities[row]!, k), 6);
      }
    });
  });

  test('gives NaN for a row whose NaN top-k drops', () => {
    const rows = [0, 1, 2, 3].map((column) => [0.1, 0.2, 0.3, 0.4].with(column, NaN));
    expect(runOnGpu(rows, { k, fromLogits: false }).values).toEqual([NaN, NaN, NaN, NaN]);
  });
});

test('the TensorFlow kernel treats a single unit as the positive class of two', () => {
  expect(runOnGpu([[0.25], [1]], { k: 2, fromLogits: false }).values[0]).toBeCloseTo(
    entropyOfProbabilities([0.25, 0.75]),
    6,
  );
  expect(runOnGpu([[2]], { k: 2, fromLogits: true }).values[0]).toBeCloseTo(
    entropyOfProbabilities(softmax64([2, 0])),
    6,
  );
});

test('the TensorFlow kernel runs five operations on logits', () => {
  expect(runOnGpu(LOGITS, { k: 2, fromLogits: true }).operations).toEqual([
    'Softmax',
    'TopKV2',
    'Xlogy',
    'Sum',
    'Neg',
  ]);
});

const tidyWithoutLeak = (body: () => void): Promise<void> =>
  expectNoTensorsLeft(() => {
    tf.tidy(body);
  });

describe('the TensorFlow kernel without a GPU', () => {
  const predictionsOf = (rows: number, numClasses: number): tf.Tensor2D =>
    tf.softmax(tf.randomNormal([rows, numClasses], 0, 1, 'float32', 5));

  test.each([
    { rows: 128, numClasses: 10, operations: [] },
    { rows: 131, numClasses: 1001, operations: ['TopKV2', 'Xlogy', 'Sum', 'Sum', 'Mul', 'Sub'] },
  ])(
    'runs $operations.length operations for $rows rows of $numClasses classes',
    async ({ rows, numClasses, operations }) => {
      await tidyWithoutLeak(() => {
        const backend = new FakeBackend(false);
        const predictions = predictionsOf(rows, numClasses);
        entropyKernel!.kernelFunc({ inputs: { predictions }, attrs: { k: 2, fromLogits: false }, backend });
        expect(backend.operations).toEqual(operations);
        expect(backend.reads > 0).toBe(operations.length === 0);
      });
    },
  );
});

test('the TensorFlow kernel computes the running mean on a GPU without a read', async () => {
  await tidyWithoutLeak(() => {
    const backend = new FakeBackend(true);
    const nextMean = (values: number[], mean: tf.TensorInfo | null, share: number): tf.Tensor =>
      meanKernel!.kernelFunc({
        inputs: { values: tf.tensor1d(values), ...(mean === null ? {} : { mean }) },
        attrs: { share },
        backend,
      }) as tf.Tensor;
    const first = nextMean([1, 2], null, 1);
    expect(Array.from(nextMean([6, 3, 3], first, 3 / 5).dataSync())[0]).toBeCloseTo(3, 6);
    expect(backend.reads).toBe(0);
  });
});
