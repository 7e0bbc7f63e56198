import * as tf from '@tensorflow/tfjs';

/** How the device was used. */
export interface DeviceUse {
  /** How many numbers each read returned, in order. */
  reads: number[];
  /** How often the device was waited for. Each read waits once. 0 on a backend without a device. */
  waits: number;
  /** How many kernels were started on the device; on a backend without a device, those of tfjs. */
  dispatches: number;
  /** The names of the tfjs kernels, in order. */
  kernels: string[];
}

type Method = (...args: unknown[]) => unknown;
type Methods = Record<string, Method>;

const noUse = (): DeviceUse => ({ reads: [], waits: 0, dispatches: 0, kernels: [] });

/** Records how the device is used until it is closed. It watches the lowest level that JavaScript can reach. */
export class DeviceLog {
  #use = noUse();
  readonly #undo: (() => void)[] = [];

  constructor() {
    this.#watchEngine();
    if (tf.getBackend() === 'webgl') this.#watchWebGL();
    else if (tf.getBackend() === 'webgpu') this.#watchWebGPU();
    else if (tf.getBackend() === 'tensorflow') this.#watchTensorFlow();
  }

  /** The use since the last call. */
  take(): DeviceUse {
    const use = this.#use;
    this.#use = noUse();
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
    const recordRead = (values: unknown): void => {
      void Promise.resolve(values as ArrayLike<number>).then(({ length }) => this.#use.reads.push(length));
    };
    this.#around(tf.engine(), 'read', recordRead);
    this.#around(tf.engine(), 'readSync', recordRead);
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
    // Without a GPU a read is a copy in memory.
    if (backend.isUsingGpuDevice) this.#before(backend, 'readSync', () => (this.#use.waits += 1));
  }

  #before(owner: object, name: string, record: (argument: unknown) => void): void {
    this.#replace(owner, name, (method) => (...args) => {
      record(args[0]);
      return method(...args);
    });
  }

  #around(owner: object, name: string, record: (result: unknown) => void): void {
    this.#replace(owner, name, (method) => (...args) => {
      const result = method(...args);
      record(result);
      return result;
    });
  }

  #replace(owner: object, name: string, wrap: (method: Method) => Method): void {
    const methods = owner as Methods;
    const original = Object.getOwnPropertyDescriptor(owner, name);
    const method = methods[name]!;
    methods[name] = function (this: unknown, ...args) {
      return wrap(method.bind(this))(...args);
    };
    this.#undo.push(() => {
      if (original === undefined) Reflect.deleteProperty(owner, name);
      else Object.defineProperty(owner, name, original);
    });
  }
}
