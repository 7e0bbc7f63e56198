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

export const cpuMemory: BackendMemory<CpuBackend> = {
  makeOutput: (cpu, shape) =>
    cpu.makeTensorInfo(shape, 'float32', new Float32Array(tf.util.sizeFromShape(shape))),
  valuesOf: (cpu, { dataId }) => cpu.data.get(dataId).values,
};

export const wasmMemory: BackendMemory<WasmBackend> = {
  makeOutput: (wasm, shape) => wasm.makeOutput(shape, 'float32'),
  valuesOf: (wasm, info) => wasm.typedArrayFromHeap(info),
};
