import * as tf from '@tensorflow/tfjs';
import { topKEntropyRows } from '../row-entropy.js';
import {
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

/** How a backend whose tensors lie in memory that JavaScript can read gives access to it. */
export interface Memory<Backend> {
  readonly makeOutput: (backend: Backend, shape: number[]) => tf.TensorInfo;
  /** Not valid any more once an output has been made or another tensor has been moved here. */
  readonly valuesOf: (backend: Backend, info: tf.TensorInfo) => Float32Array;
}

/** What is used of tfjs's cpu backend: its buffers are JavaScript arrays. */
interface CpuBackend {
  data: { get(dataId: object): { values: Float32Array } };
  makeTensorInfo(shape: number[], dtype: 'float32', values: Float32Array): tf.TensorInfo;
}

/** What is used of tfjs's wasm backend: its buffers are views of one heap, which are detached when it grows. */
interface WasmBackend {
  makeOutput(shape: number[], dtype: 'float32'): tf.TensorInfo;
  typedArrayFromHeap(info: tf.TensorInfo): Float32Array;
}

export const cpuKernels = javascriptKernels<CpuBackend>('cpu', {
  makeOutput: (cpu, shape) =>
    cpu.makeTensorInfo(shape, 'float32', new Float32Array(tf.util.sizeFromShape(shape))),
  valuesOf: (cpu, { dataId }) => cpu.data.get(dataId).values,
});

/** Measured: faster than the composition of wasm's own kernels from 2 to 32,000 classes. */
export const wasmKernels = javascriptKernels<WasmBackend>('wasm', {
  makeOutput: (wasm, shape) => wasm.makeOutput(shape, 'float32'),
  valuesOf: (wasm, info) => wasm.typedArrayFromHeap(info),
});

/** One pass over each row in float64, no intermediate tensor. */
export function javascriptKernels<Backend>(
  backendName: string,
  { makeOutput, valuesOf }: Memory<Backend>,
): tf.KernelConfig[] {
  const topKEntropy: tf.KernelFunc = (call) => {
    const { predictions } = call.inputs as TopKEntropyInputs;
    const { k, fromLogits } = call.attrs as TopKEntropyAttrs;
    const backend = call.backend as Backend;
    const { numRows, numClasses } = rowsAndClasses(predictions);
    const entropies = makeOutput(backend, [numRows]);
    // The input first: should it still lie on another backend, it is moved here, and the heap may grow.
    const values = valuesOf(backend, predictions);
    topKEntropyRows(values, numClasses, k, fromLogits, valuesOf(backend, entropies));
    return entropies;
  };

  const runningMean: tf.KernelFunc = (call) => {
    const { values, mean } = call.inputs as RunningMeanInputs;
    const { share } = call.attrs as RunningMeanAttrs;
    const backend = call.backend as Backend;
    const former = mean === undefined ? undefined : valuesOf(backend, mean)[0];
    const next = movedMean(valuesOf(backend, values), former, share);
    const moved = makeOutput(backend, [1]);
    valuesOf(backend, moved)[0] = next;
    return moved;
  };

  return [
    { kernelName: TOP_K_ENTROPY, backendName, kernelFunc: topKEntropy },
    { kernelName: RUNNING_MEAN, backendName, kernelFunc: runningMean },
  ];
}
