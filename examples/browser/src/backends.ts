import * as tf from '@tensorflow/tfjs';
import plainWasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simdWasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threadedWasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import { BACKEND_NAMES, type BackendName } from './settings.js';

/** The backends that this browser supports. The fastest for large networks comes first. */
export async function offeredBackends(): Promise<BackendName[]> {
  const offered = await Promise.all(BACKEND_NAMES.map(isOffered));
  return BACKEND_NAMES.filter((_, index) => offered[index]);
}

/** For networks this small, starting work on a GPU takes longer than the work itself. */
export function preferredBackend(offered: readonly BackendName[]): BackendName {
  return offered.includes('wasm') ? 'wasm' : (offered[0] ?? 'cpu');
}

/** Makes `name` the current backend. */
export async function useBackend(name: BackendName): Promise<void> {
  await load(name);
  if (!(await tf.setBackend(name)))
    throw new Error(`The backend "${name}" could not be started in this browser.`);
  await tf.ready();
}

async function isOffered(name: BackendName): Promise<boolean> {
  switch (name) {
    case 'webgpu': {
      const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<object | null> } };
      return gpu !== undefined && (await gpu.requestAdapter().catch(() => null)) !== null;
    }
    case 'webgl': {
      const canvas = document.createElement('canvas');
      return (canvas.getContext('webgl2') ?? canvas.getContext('webgl')) !== null;
    }
    case 'wasm':
      return 'WebAssembly' in globalThis;
    case 'cpu':
      return true;
  }
}

/** Loads a backend that `@tensorflow/tfjs` does not include. */
async function load(name: BackendName): Promise<void> {
  if (name === 'webgpu') await import('@tensorflow/tfjs-backend-webgpu');
  if (name !== 'wasm') return;
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  // The built files have a hash in their names, and the page may be in any folder.
  setWasmPaths({
    'tfjs-backend-wasm.wasm': plainWasm,
    'tfjs-backend-wasm-simd.wasm': simdWasm,
    'tfjs-backend-wasm-threaded-simd.wasm': threadedWasm,
  });
}
