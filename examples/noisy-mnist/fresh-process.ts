import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Probabilities } from './predictions.js';

/**
 * What a process that has seen nothing of the training predicts for the clean test images.
 *
 * @param args the flags of this run.
 */
export async function predictInFreshProcess(args: readonly string[]): Promise<Probabilities> {
  const script = fileURLToPath(new URL('verify.ts', import.meta.url));
  return new Promise((resolve, reject) => {
    // It inherits the node options that let this process run TypeScript; 'advanced' keeps typed arrays.
    const child = fork(script, args, { serialization: 'advanced' });
    child.once('message', (probabilities) => {
      resolve(probabilities as Probabilities);
    });
    child.once('error', reject);
    // The channel closes after the last message: without one, the process has failed and said why.
    child.once('disconnect', () => {
      reject(new Error(`${script} ended without a prediction.`));
    });
  });
}
