import { isSoftwareName, type Device } from './device.js';

/** The part of tfjs's WebGPUBackend that is needed here. */
export interface WebGpuBackend {
  readonly device: GPUDevice;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

/**
 * A shader that does not compile throws nothing: tfjs hands out a buffer that was used before, sometimes with
 * the right numbers of the call before. Only the device's events tell.
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
    // Nobody may be waiting at that moment; the next call hears of it.
    this.lost.catch(() => undefined);
  }

  async settle(): Promise<void> {
    // tfjs collects commands, and hands over only those that something waits for.
    this.#backend.ensureCommandEncoderReady();
    this.#backend.endComputePassEncoder();
    this.#backend.submitQueue();
    await Promise.race([this.lost, this.#backend.device.queue.onSubmittedWorkDone()]);
    // Events of the device come in a turn of the event loop of their own.
    await new Promise((resolve) => setTimeout(resolve, 0));
    const errors = this.#errors;
    this.#errors = [];
    if (errors.length > 0) throw new Error(`The WebGPU device reported: ${errors.join('\n')}`);
  }
}

export async function requireWebGpuAdapter(): Promise<void> {
  // TypeScript takes it for granted; a browser may be without, and Node is.
  const gpu = navigator.gpu as GPU | undefined;
  if (gpu === undefined) throw new Error('There is no `navigator.gpu`.');
  // tfjs would fail with a TypeError that does not say so.
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw new Error('`navigator.gpu.requestAdapter()` found no adapter.');
}

function adapterName({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  return [vendor, architecture, device, description].filter((part) => part !== '').join(' ');
}
