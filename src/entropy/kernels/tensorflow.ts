import * as tf from '@tensorflow/tfjs';
import {
  rowsAndClasses,
  TOP_K_ENTROPY,
  type TopKEntropyAttrs,
  type TopKEntropyInputs,
} from './top-k-entropy-kernel.js';

interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: number | boolean;
}

/** What is used of tfjs-node's backend, and of tfjs-node-gpu's, which runs TensorFlow's own operations. */
interface TensorFlowBackend {
  readonly binding: Readonly<Record<'TF_ATTR_TYPE' | 'TF_ATTR_BOOL' | 'TF_FLOAT' | 'TF_INT32', number>>;
  executeSingleOutput(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly tf.Tensor[],
  ): tf.Tensor;
  executeMultipleOutputs(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly tf.Tensor[],
    numOutputs: number,
  ): tf.Tensor[];
}

/**
 * The shortest composition of TensorFlow's operations: `Xlogy` takes 0·ln 0 for 0, so that there is no
 * epsilon to be added, which changes a term by less than 1e-10.
 */
function topKEntropyOf(
  backend: TensorFlowBackend,
  predictions: tf.Tensor,
  { k, fromLogits }: TopKEntropyAttrs,
): tf.Tensor {
  const { binding } = backend;
  const float = { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
  const index = { name: 'Tidx', type: binding.TF_ATTR_TYPE, value: binding.TF_INT32 };
  const no = (name: string): OpAttribute => ({ name, type: binding.TF_ATTR_BOOL, value: false });
  const run = (op: string, attributes: readonly OpAttribute[], ...inputs: tf.Tensor[]): tf.Tensor =>
    backend.executeSingleOutput(op, attributes, inputs);
  const sumOfRows = (x: tf.Tensor): tf.Tensor =>
    run('Sum', [no('keep_dims'), float, index], x, tf.scalar(1, 'int32'));
  const largestOf = (x: tf.Tensor): tf.Tensor =>
    backend.executeMultipleOutputs('TopKV2', [no('sorted'), float], [x, tf.scalar(k, 'int32')], 2)[0]!;

  const rows = classRows(predictions, fromLogits);
  const probabilities = fromLogits ? run('Softmax', [float], rows) : rows;
  const counted = k === rows.shape[1] ? probabilities : largestOf(probabilities);
  const negative = sumOfRows(run('Xlogy', [float], counted, counted));
  if (fromLogits) return run('Neg', [float], negative);
  // `TopKV2` may pass a NaN by, the sum does not; softmax has spread it over the row already.
  const nanOrZero = run('Mul', [float], sumOfRows(probabilities), tf.scalar(0));
  return run('Sub', [float], nanOrZero, negative);
}

/** `[rows, numClasses]`, of two classes where there is only the positive one. */
function classRows(predictions: tf.Tensor, fromLogits: boolean): tf.Tensor {
  const { numRows, numClasses } = rowsAndClasses(predictions);
  const rows = predictions.rank === 2 ? predictions : tf.reshape(predictions, [numRows, numClasses]);
  if (numClasses > 1) return rows;
  return tf.concat([rows, fromLogits ? tf.zerosLike(rows) : tf.sub(1, rows)], 1);
}

/** tfjs-node registers its backend under this name on either device. The running mean is composed. */
export const tensorflowKernels: tf.KernelConfig[] = [
  {
    kernelName: TOP_K_ENTROPY,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { predictions } = inputs as TopKEntropyInputs;
      // TensorFlow's operations give tensors, and so must be given them.
      return tf.tidy(() =>
        topKEntropyOf(backend as TensorFlowBackend, predictions as tf.Tensor, attrs as TopKEntropyAttrs),
      );
    },
  },
];
