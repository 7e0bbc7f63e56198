import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';

/** Makes `name` the backend of everything that follows. */
export async function useBackend(name: 'wasm' | 'cpu'): Promise<void> {
  // Without it the cpu backend prints a banner that recommends tfjs-node.
  tf.enableProdMode();
  if (!(await tf.setBackend(name))) throw new Error(`The backend "${name}" does not start on this machine.`);
}
