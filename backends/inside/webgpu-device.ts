import { isSoftwareName, type Device } from './device.js';

/** The used part of tfjs's WebGPUBackend. */
export interface WebGpuBackend {
  readonly device: GPUDevice;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

/**
 * Collects the errors that a WebGPU device reports as events. A shader that does not compile throws nothing: tfjs returns
 * a reused buffer, sometimes with the correct numbers of the previous call.
 */
export class WebGpuDevice implements Device {
  readonly description: string;
  readonly isSoftware: boolean;
  readonly lost: Promise<never>;
  readonly #backend: WebGpuBackend;
  #errors: string[] = [];

  constructor(backend: WebGpuBackend) {
    this.#backend = backend;
    const info = backend.device.adapterInfo;
    this.description = adapterName(info);
    this.isSoftware = info.isFallbackAdapter || isSoftwareName(this.description);
    backend.device.addEventListener('uncapturederror', (event) => {
      this.#errors.push(event.error.message);
    });
    this.lost = backend.device.lost.then(({ reason, message }) => {
      throw new Error(`The WebGPU device was lost (${reason}): ${message}`);
    });
    // The loss may come between two calls. The next call then rejects with it.
    this.lost.catch(() => undefined);
  }

  async settle(): Promise<void> {
    // tfjs collects commands, and submits them only when a result is read.
    this.#backend.ensureCommandEncoderReady();
    this.#backend.endComputePassEncoder();
    this.#backend.submitQueue();
    await Promise.race([this.lost, this.#backend.device.queue.onSubmittedWorkDone()]);
    // The device's events come in a later turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 0));
    const errors = this.#errors;
    this.#errors = [];
    if (errors.length > 0) throw new Error(`The WebGPU device reported: ${errors.join('\n')}`);
  }
}

export async function requireWebGpuAdapter(): Promise<void> {
  // The type says that it always exists. Some browsers lack it, and so does Node.
  const gpu = navigator.gpu as GPU | undefined;
  if (gpu === undefined) throw new Error('This runtime has no `navigator.gpu`.');
  // Without an adapter, tfjs would fail with an unclear TypeError.
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw new Error('`navigator.gpu.requestAdapter()` found no adapter.');
}

function adapterName({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  return [vendor, architecture, device, description].filter((part) => part !== '').join(' ');
}
