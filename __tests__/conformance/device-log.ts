import * as tf from '@tensorflow/tfjs';

/** What was asked of the device. */
export interface DeviceUse {
  /** How many numbers each read has brought, in order. */
  reads: number[];
  /** Times that the device was waited for; each read needs one. 0 on a backend without a device. */
  waits: number;
  /** Kernels that were started on the device; on a backend without a device, those of tfjs. */
  dispatches: number;
  /** Names of the kernels of tfjs, in order. */
  kernels: string[];
}

type Method = (...args: unknown[]) => unknown;
type Methods = Record<string, Method>;

const nothing = (): DeviceUse => ({ reads: [], waits: 0, dispatches: 0, kernels: [] });

/** Writes down what is asked of the device, at the lowest place that can be reached, until it is closed. */
export class DeviceLog {
  #use = nothing();
  readonly #undo: (() => void)[] = [];

  constructor() {
    this.#watchEngine();
    if (tf.getBackend() === 'webgl') this.#watchWebGL();
    else if (tf.getBackend() === 'webgpu') this.#watchWebGPU();
    else if (tf.getBackend() === 'tensorflow') this.#watchTensorFlow();
  }

  /** What was asked since the last call. */
  take(): DeviceUse {
    const use = this.#use;
    this.#use = nothing();
    return use;
  }

  close(): void {
    for (const undo of this.#undo) undo();
  }

  #watchEngine(): void {
    const isDevice = ['webgl', 'webgpu'].includes(tf.getBackend());
    this.#before(tf.engine(), 'runKernel', (kernelName) => {
      this.#use.kernels.push(kernelName as string);
      if (!isDevice) this.#use.dispatches += 1;
    });
    const noteRead = (values: unknown): void => {
      void Promise.resolve(values as ArrayLike<number>).then(({ length }) => this.#use.reads.push(length));
    };
    this.#around(tf.engine(), 'read', noteRead);
    this.#around(tf.engine(), 'readSync', noteRead);
  }

  #watchWebGL(): void {
    const { gl } = (tf.backend() as unknown as { gpgpu: { gl: WebGL2RenderingContext } }).gpgpu;
    for (const name of ['drawElements', 'drawArrays']) {
      this.#before(gl, name, () => (this.#use.dispatches += 1));
    }
    // Each asynchronous read needs one fence.
    for (const name of ['finish', 'fenceSync']) this.#before(gl, name, () => (this.#use.waits += 1));
  }

  #watchWebGPU(): void {
    const { GPUComputePassEncoder, GPUQueue, GPUBuffer } = globalThis as unknown as Record<
      string,
      { prototype: object }
    >;
    for (const name of ['dispatchWorkgroups', 'dispatchWorkgroupsIndirect']) {
      this.#before(GPUComputePassEncoder!.prototype, name, () => (this.#use.dispatches += 1));
    }
    this.#before(GPUQueue!.prototype, 'onSubmittedWorkDone', () => (this.#use.waits += 1));
    // Each read maps one buffer.
    this.#before(GPUBuffer!.prototype, 'mapAsync', () => (this.#use.waits += 1));
  }

  #watchTensorFlow(): void {
    const backend = tf.backend() as unknown as { isUsingGpuDevice: boolean };
    // Without a GPU that is a copy in memory.
    if (backend.isUsingGpuDevice) this.#before(backend, 'readSync', () => (this.#use.waits += 1));
  }

  #before(owner: object, name: string, note: (argument: unknown) => void): void {
    this.#replace(owner, name, (method) => (...args) => {
      note(args[0]);
      return method(...args);
    });
  }

  #around(owner: object, name: string, note: (result: unknown) => void): void {
    this.#replace(owner, name, (method) => (...args) => {
      const result = method(...args);
      note(result);
      return result;
    });
  }

  #replace(owner: object, name: string, wrap: (method: Method) => Method): void {
    const methods = owner as Methods;
    const own = Object.getOwnPropertyDescriptor(owner, name);
    const method = methods[name]!;
    methods[name] = function (this: unknown, ...args) {
      return wrap(method.bind(this))(...args);
    };
    this.#undo.push(() => {
      if (own === undefined) Reflect.deleteProperty(owner, name);
      else Object.defineProperty(owner, name, own);
    });
  }
}
