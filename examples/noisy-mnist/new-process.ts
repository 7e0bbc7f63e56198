import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Probabilities } from './predictions.js';

/**
 * Predicts the clean test images in a new process, which loads the stored checkpoint.
 *
 * @param args the flags of this run.
 */
export async function predictInNewProcess(args: readonly string[]): Promise<Probabilities> {
  const script = fileURLToPath(new URL('verify.ts', import.meta.url));
  return new Promise((resolve, reject) => {
    // It inherits the Node options that let this process run TypeScript; 'advanced' keeps typed arrays.
    const child = fork(script, args, { serialization: 'advanced' });
    child.once('message', (probabilities) => {
      resolve(probabilities as Probabilities);
    });
    child.once('error', reject);
    // The channel closes after the last message. If none came, the process has failed and has printed why.
    child.once('disconnect', () => {
      reject(new Error(`${script} ended without a prediction.`));
    });
  });
}
