import * as tf from '@tensorflow/tfjs';

/** Access to the tensors of a backend whose memory JavaScript can read. */
export interface BackendMemory<Backend> {
  readonly makeOutput: (backend: Backend, shape: number[]) => tf.TensorInfo;
  /** Valid until another output is made, or another tensor is moved to this backend. */
  readonly valuesOf: (backend: Backend, info: tf.TensorInfo) => Float32Array;
}

/** The used part of tfjs's cpu backend, whose buffers are JavaScript arrays. */
interface CpuBackend {
  data: { get(dataId: object): { values: Float32Array } };
  makeTensorInfo(shape: number[], dtype: 'float32', values: Float32Array): tf.TensorInfo;
}

/** The used part of tfjs's wasm backend. Its buffers are views of one heap and are detached when the heap grows. */
interface WasmBackend {
  makeOutput(shape: number[], dtype: 'float32'): tf.TensorInfo;
  typedArrayFromHeap(info: tf.TensorInfo): Float32Array;
}

/** The used part of the backend of tfjs-node and tfjs-node-gpu. */
export interface TensorFlowStorage {
  readonly isUsingGpuDevice: boolean;
  /** Keeps `values` in memory until an operation needs them. */
  write(values: Float32Array, shape: number[], dtype: 'float32'): object;
  /** The values that were written, or a copy of an operation's result. */
  readSync(dataId: object): Float32Array;
}

export const cpuMemory: BackendMemory<CpuBackend> = {
  makeOutput: (cpu, shape) =>
    cpu.makeTensorInfo(shape, 'float32', new Float32Array(tf.util.sizeFromShape(shape))),
  valuesOf: (cpu, { dataId }) => cpu.data.get(dataId).values,
};

export const wasmMemory: BackendMemory<WasmBackend> = {
  makeOutput: (wasm, shape) => wasm.makeOutput(shape, 'float32'),
  valuesOf: (wasm, info) => wasm.typedArrayFromHeap(info),
};

/**
 * On tfjs-node, the kernel where its first input is small, and `composed` elsewhere: calling an operation takes longer than
 * a small one itself, and TensorFlow runs a large one on all cores. Nothing is read from a GPU.
 *
 * @param maxValues the size up to which the input is small.
 */
export function ifSmallOnCpu(
  kernel: tf.KernelConfig,
  maxValues: number,
  composed: tf.KernelFunc,
): tf.KernelConfig {
  const kernelFunc: tf.KernelFunc = (call) => {
    const [first] = Object.values(call.inputs) as [tf.TensorInfo];
    const isSmall = tf.util.sizeFromShape(first.shape) <= maxValues;
    const { isUsingGpuDevice } = call.backend as TensorFlowStorage;
    return isSmall && !isUsingGpuDevice ? kernel.kernelFunc(call) : composed(call);
  };
  return { ...kernel, kernelFunc };
}

/** Only without a GPU: all tensors are in this process's memory then. */
export const tensorflowMemory: BackendMemory<TensorFlowStorage> = {
  makeOutput: (backend, shape) => {
    const values = new Float32Array(tf.util.sizeFromShape(shape));
    return { dataId: backend.write(values, shape, 'float32'), shape, dtype: 'float32' };
  },
  valuesOf: (backend, { dataId }) => backend.readSync(dataId),
};
