import * as tf from '@tensorflow/tfjs';
import { platform } from '#platform';
import { loadCode } from '../load-code.js';
import { registerKernels } from './register-kernels.js';

type Kernels = readonly tf.KernelConfig[];

const KERNELS = new Map<string, () => Promise<Kernels>>([
  ['cpu', async () => (await import('./kernels/javascript.js')).cpuKernels],
  ['wasm', async () => (await import('./kernels/javascript.js')).wasmKernels],
  ['webgl', async () => (await import('./kernels/webgl.js')).webglKernels],
  ['webgpu', async () => (await import('./kernels/webgpu.js')).webgpuKernels],
]);

/**
 * Loads the kernels of the current backend, where it has any.
 *
 * @throws EntropyCheckpointError `ENTROPY_CODE_NOT_LOADED`.
 */
export async function loadKernels(): Promise<void> {
  const load = KERNELS.get(tf.getBackend());
  if (load !== undefined) registerKernels(await loadCode(load()));
  registerKernels(platform.kernels);
}
