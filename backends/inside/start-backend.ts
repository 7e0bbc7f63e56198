import * as tf from '@tensorflow/tfjs';
import type { BackendName } from '../backend-target.js';
import { NEVER, type Device } from './device.js';
import type { StartRequest } from './request.js';
import { WebGlDevice, type WebGlBackend } from './webgl-device.js';
import { requireWebGpuAdapter, WebGpuDevice, type WebGpuBackend } from './webgpu-device.js';

export type EntryModule = Readonly<Record<string, unknown>>;

/** The used part of tfjs-node's NodeJSKernelBackend. */
interface TensorFlowBackend {
  readonly binding: { readonly TF_Version: string };
  readonly isUsingGpuDevice: boolean;
}

/** What a process and a page do differently. */
export interface Environment {
  /** Runs before the backend's package is imported. */
  prepare(backend: BackendName, requireGpu: boolean): Promise<void>;
  /** @param url the entry of the start request. */
  loadEntry(url: string): Promise<EntryModule>;
}

/** Makes the backend the current one, or throws. tfjs itself would fall back to another backend. */
export async function startBackend(
  { backend, flags, requireGpu, entry: entryUrl }: StartRequest,
  environment: Environment,
): Promise<{ readonly device: Device; readonly entry: EntryModule }> {
  await environment.prepare(backend, requireGpu);
  await importBackend(backend);
  // Undefined, unless tfjs-node has made itself the current backend. The type leaves that out.
  const before = tf.engine().backendName as string | undefined;
  // Before the backend is created, as in a program: kernels that are registered later miss its set-up.
  const entry = await environment.loadEntry(entryUrl);
  if (tf.engine().backendName !== before) {
    throw new Error('The entry module computes when it is imported, before the backend is set.');
  }
  for (const [flag, value] of Object.entries(flags)) tf.env().set(flag, value);
  await makeCurrent(backend);
  const device = await deviceOf(backend);
  if (requireGpu && device.isSoftware) {
    throw new Error(`The adapter is a software rasteriser: ${device.description}.`);
  }
  await device.settle();
  return { device, entry };
}

async function importBackend(backend: BackendName): Promise<void> {
  if (backend === 'wasm') await import('@tensorflow/tfjs-backend-wasm');
  if (backend === 'webgpu') {
    await requireWebGpuAdapter();
    await import('@tensorflow/tfjs-backend-webgpu');
  }
}

async function makeCurrent(backend: BackendName): Promise<void> {
  const warnings: string[] = [];
  /* eslint-disable no-console -- tfjs reports only there why a backend could not be started. */
  const { warn } = console;
  console.warn = (...parts: unknown[]) => void warnings.push(parts.map(String).join(' '));
  try {
    if (await tf.setBackend(backend)) return;
    const reason = warnings.length === 0 ? '' : ` ${warnings.join('\n')}`;
    throw new Error(`\`tf.setBackend('${backend}')\` returned false.${reason}`);
  } finally {
    console.warn = warn;
    /* eslint-enable no-console */
  }
}

async function deviceOf(backend: BackendName): Promise<Device> {
  const current: unknown = tf.backend();
  if (tf.getBackend() !== backend) throw new Error(`tfjs made '${tf.getBackend()}' the current backend.`);
  if (backend === 'webgpu') return new WebGpuDevice(current as WebGpuBackend);
  if (backend === 'webgl') return new WebGlDevice(current as WebGlBackend);
  const description = await descriptionOf(backend, current);
  return { description, isSoftware: false, lost: NEVER, settle: () => Promise.resolve() };
}

async function descriptionOf(backend: BackendName, current: unknown): Promise<string> {
  if (backend === 'wasm') return wasmDescription();
  if (backend !== 'tensorflow') return '';
  const { binding, isUsingGpuDevice } = current as TensorFlowBackend;
  return `TensorFlow ${binding.TF_Version}, on ${isUsingGpuDevice ? 'a GPU' : 'the CPU'}`;
}

async function wasmDescription(): Promise<string> {
  const [hasSimd, hasThreads] = await Promise.all(
    ['WASM_HAS_SIMD_SUPPORT', 'WASM_HAS_MULTITHREAD_SUPPORT'].map((flag) => tf.env().getAsync(flag)),
  );
  return `${hasSimd === true ? 'SIMD' : 'no SIMD'}, ${hasThreads === true ? 'threads' : 'no threads'}`;
}
