import * as tf from '@tensorflow/tfjs';
import { composedRunningMean } from '../composed.js';
import { ifSmallOnCpu, tensorflowMemory, type TensorFlowStorage } from '../../platform/backend-memory.js';
import { javascriptKernels } from './javascript.js';
import { RUNNING_MEAN, type RunningMeanAttrs, type RunningMeanInputs } from './running-mean-kernel.js';
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

/** The used part of the backend of tfjs-node and tfjs-node-gpu, which runs TensorFlow's own operations. */
interface TensorFlowBackend extends TensorFlowStorage {
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
 * The shortest composition of TensorFlow's operations. It needs no epsilon, as `Xlogy` computes 0·ln 0 as 0. Without
 * the epsilon a term changes by less than 1e-10.
 */
function topKEntropyByOperations(
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
  const rowSums = (x: tf.Tensor): tf.Tensor =>
    run('Sum', [no('keep_dims'), float, index], x, tf.scalar(1, 'int32'));
  const largest = (x: tf.Tensor): tf.Tensor =>
    backend.executeMultipleOutputs('TopKV2', [no('sorted'), float], [x, tf.scalar(k, 'int32')], 2)[0]!;

  const rows = classRows(predictions, fromLogits);
  const probabilities = fromLogits ? run('Softmax', [float], rows) : rows;
  const counted = k === rows.shape[1] ? probabilities : largest(probabilities);
  const negative = rowSums(run('Xlogy', [float], counted, counted));
  if (fromLogits) return run('Neg', [float], negative);
  // `TopKV2` may drop a NaN; the sum restores it. Softmax would already have spread it over the row.
  const nanOrZero = run('Mul', [float], rowSums(probabilities), tf.scalar(0));
  return run('Sub', [float], nanOrZero, negative);
}

/** `[rows, numClasses]`; a single, positive class becomes two classes. */
function classRows(predictions: tf.Tensor, fromLogits: boolean): tf.Tensor {
  const { numRows, numClasses } = rowsAndClasses(predictions);
  const rows = predictions.rank === 2 ? predictions : tf.reshape(predictions, [numRows, numClasses]);
  if (numClasses > 1) return rows;
  return tf.concat([rows, fromLogits ? tf.zerosLike(rows) : tf.sub(1, rows)], 1);
}

const composedKernels: Readonly<Record<string, tf.KernelFunc>> = {
  [TOP_K_ENTROPY]: ({ inputs, attrs, backend }) => {
    const { predictions } = inputs as TopKEntropyInputs;
    // TensorFlow's operations take and return tensors.
    return tf.tidy(() =>
      topKEntropyByOperations(
        backend as TensorFlowBackend,
        predictions as tf.Tensor,
        attrs as TopKEntropyAttrs,
      ),
    );
  },
  [RUNNING_MEAN]: ({ inputs, attrs }) => {
    const { values, mean = null } = inputs as RunningMeanInputs;
    const { share } = attrs as RunningMeanAttrs;
    return composedRunningMean(values as tf.Tensor1D, mean as tf.Tensor1D | null, share);
  },
};

/** Above this size TensorFlow's operations are faster, as each uses all cores. Measured with two cores. */
export const MAX_VALUES_IN_JAVASCRIPT = 2 ** 17;

/** tfjs-node registers its backend as `'tensorflow'` with and without a GPU. */
export const tensorflowKernels: tf.KernelConfig[] = javascriptKernels('tensorflow', tensorflowMemory).map(
  (kernel) => ifSmallOnCpu(kernel, MAX_VALUES_IN_JAVASCRIPT, composedKernels[kernel.kernelName]!),
);
