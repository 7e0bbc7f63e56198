import type * as tf from '@tensorflow/tfjs';
import { cpuMemory, wasmMemory, type BackendMemory } from '../../platform/backend-memory.js';
import { topKEntropyRows } from '../row-entropy.js';
import {
  meanOf,
  movedMean,
  RUNNING_MEAN,
  type RunningMeanAttrs,
  type RunningMeanInputs,
} from './running-mean-kernel.js';
import {
  rowsAndClasses,
  TOP_K_ENTROPY,
  type TopKEntropyAttrs,
  type TopKEntropyInputs,
} from './top-k-entropy-kernel.js';

export const cpuKernels = javascriptKernels('cpu', cpuMemory);

/** Measured: faster than a composition of wasm's own kernels from 2 to 32,000 classes. */
export const wasmKernels = javascriptKernels('wasm', wasmMemory);

/** Kernels that pass over each row once, in float64, without an intermediate tensor. */
export function javascriptKernels<Backend>(
  backendName: string,
  { makeOutput, valuesOf }: BackendMemory<Backend>,
): tf.KernelConfig[] {
  const topKEntropy: tf.KernelFunc = (call) => {
    const { predictions } = call.inputs as TopKEntropyInputs;
    const { k, fromLogits } = call.attrs as TopKEntropyAttrs;
    const backend = call.backend as Backend;
    const { numRows, numClasses } = rowsAndClasses(predictions);
    const entropies = makeOutput(backend, [numRows]);
    const [values, out] = valuesOf(backend, predictions, entropies);
    topKEntropyRows(values, numClasses, k, fromLogits, out);
    return entropies;
  };

  const runningMean: tf.KernelFunc = (call) => {
    const { values, mean } = call.inputs as RunningMeanInputs;
    const { share } = call.attrs as RunningMeanAttrs;
    const backend = call.backend as Backend;
    const output = makeOutput(backend, [1]);
    const [batch, previous, out] = valuesOf(backend, values, mean, output);
    out[0] = movedMean(previous?.[0] ?? null, meanOf(batch), share);
    return output;
  };

  return [
    { kernelName: TOP_K_ENTROPY, backendName, kernelFunc: topKEntropy },
    { kernelName: RUNNING_MEAN, backendName, kernelFunc: runningMean },
  ];
}
