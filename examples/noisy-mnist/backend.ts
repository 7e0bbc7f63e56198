import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';

/** Makes `name` the current backend. */
export async function useBackend(name: 'wasm' | 'cpu'): Promise<void> {
  // Without it, the cpu backend prints a banner that recommends tfjs-node.
  tf.enableProdMode();
  if (!(await tf.setBackend(name)))
    throw new Error(`The backend "${name}" could not be started on this system.`);
}
