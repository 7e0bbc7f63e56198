import * as tf from '@tensorflow/tfjs';
import plainWasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simdWasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threadedWasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import { BACKEND_NAMES, type BackendName } from './settings.js';

/** What this browser has, the fastest for large networks first. */
export async function offeredBackends(): Promise<BackendName[]> {
  const offered = await Promise.all(BACKEND_NAMES.map(isOffered));
  return BACKEND_NAMES.filter((_, index) => offered[index]);
}

/** For networks as small as these, starting work on a GPU takes longer than the work. */
export function preferredBackend(offered: readonly BackendName[]): BackendName {
  return offered.includes('wasm') ? 'wasm' : (offered[0] ?? 'cpu');
}

/** Makes `name` the backend of everything that follows. */
export async function useBackend(name: BackendName): Promise<void> {
  await load(name);
  if (!(await tf.setBackend(name))) throw new Error(`The backend "${name}" does not start in this browser.`);
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

/** `@tensorflow/tfjs` has webgl and cpu. */
async function load(name: BackendName): Promise<void> {
  if (name === 'webgpu') await import('@tensorflow/tfjs-backend-webgpu');
  if (name !== 'wasm') return;
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  // The page's own files: their names have a hash, and the page may lie in any folder.
  setWasmPaths({
    'tfjs-backend-wasm.wasm': plainWasm,
    'tfjs-backend-wasm-simd.wasm': simdWasm,
    'tfjs-backend-wasm-threaded-simd.wasm': threadedWasm,
  });
}
