import * as tf from '@tensorflow/tfjs';

/** Access to the tensors of a backend whose memory JavaScript can read. */
export interface BackendMemory<Backend> {
  readonly makeOutput: (backend: Backend, shape: number[]) => tf.TensorInfo;
  /**
   * The values of float32 tensors, and undefined for what is undefined. A tensor that is on another backend is moved to
   * this one. Valid until another output is made, or another tensor is moved.
   */
  readonly valuesOf: <Infos extends readonly (tf.TensorInfo | undefined)[]>(
    backend: Backend,
    ...infos: Infos
  ) => ValuesOf<Infos>;
}

type ValuesOf<Infos> = {
  [I in keyof Infos]: Infos[I] extends tf.TensorInfo ? Float32Array : Float32Array | undefined;
};

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
  valuesOf: (cpu, ...infos) => mapValues(infos, ({ dataId }) => cpu.data.get(dataId).values),
};

export const wasmMemory: BackendMemory<WasmBackend> = {
  makeOutput: (wasm, shape) => wasm.makeOutput(shape, 'float32'),
  valuesOf: (wasm, ...infos) => {
    const views = (): ValuesOf<typeof infos> => mapValues(infos, (info) => wasm.typedArrayFromHeap(info));
    views();
    // The heap may have grown for a tensor that was moved here.
    return views();
  },
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
  // Reading an operation's result makes a copy: read each once.
  valuesOf: (backend, ...infos) => mapValues(infos, ({ dataId }) => backend.readSync(dataId)),
};

/**
 * The values of a float32 tensor, as long as no other tensor is made; null where JavaScript can't read the memory of the
 * backend, or where TensorFlow's operations are faster: for more than `maxNodeValues` on tfjs-node.
 */
export function valuesInMemory(tensor: tf.Tensor, maxNodeValues: number): Float32Array | null {
  if (tensor.dtype !== 'float32') return null;
  const backend: unknown = tf.backend();
  switch (tf.getBackend()) {
    case 'cpu':
      return cpuMemory.valuesOf(backend as CpuBackend, tensor)[0];
    case 'wasm':
      return wasmMemory.valuesOf(backend as WasmBackend, tensor)[0];
    case 'tensorflow': {
      const storage = backend as TensorFlowStorage;
      if (storage.isUsingGpuDevice || tensor.size > maxNodeValues) return null;
      return tensorflowMemory.valuesOf(storage, tensor)[0];
    }
    default:
      return null;
  }
}

function mapValues<Infos extends readonly (tf.TensorInfo | undefined)[]>(
  infos: Infos,
  read: (info: tf.TensorInfo) => Float32Array,
): ValuesOf<Infos> {
  return infos.map((info) => (info === undefined ? undefined : read(info))) as ValuesOf<Infos>;
}
