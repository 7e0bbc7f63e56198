import type * as tf from '@tensorflow/tfjs';
import { topKEntropyRows } from '../row-entropy.js';
import { TOP_K_ENTROPY, type TopKEntropyAttrs, type TopKEntropyInputs } from './top-k-entropy-kernel.js';

/** What is used of tfjs's cpu backend: its buffers are JavaScript arrays. */
interface CpuBackend {
  data: { get(dataId: object): { values: Float32Array } };
  makeTensorInfo(shape: number[], dtype: 'float32', values: Float32Array): tf.TensorInfo;
}

/** The cpu backend: one pass over each row in float64, no intermediate tensor. */
export const topKEntropyCpu: tf.KernelConfig = {
  kernelName: TOP_K_ENTROPY,
  backendName: 'cpu',
  kernelFunc: ({ inputs, attrs, backend }) => {
    const { predictions } = inputs as TopKEntropyInputs;
    const { k, fromLogits } = attrs as TopKEntropyAttrs;
    const cpu = backend as CpuBackend;
    const [numRows, numClasses] = predictions.shape as [number, number];
    const entropies = new Float32Array(numRows);
    topKEntropyRows(cpu.data.get(predictions.dataId).values, numClasses, k, fromLogits, entropies);
    return cpu.makeTensorInfo([numRows], 'float32', entropies);
  },
};
