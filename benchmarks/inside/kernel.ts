import * as tf from '@tensorflow/tfjs';
import '../../src/entropy/all-kernels.js';
import { composedTopKEntropy } from '../../src/entropy/composed.js';
import { runTopKEntropy } from '../../src/entropy/run-kernels.js';
import { collectGarbage } from './collect-garbage.js';
import { logitsTensor } from './synthetic-data.js';

export interface KernelSample {
  /** The time of one call, until its result has been read. */
  readonly timeMs: number;
  /** The time of one call, until it returned: a training loop waits for this. */
  readonly enqueueMs: number;
}

const K = 2;
let input: { readonly predictions: tf.Tensor; readonly fromLogits: boolean } | null = null;

/** Puts predictions on the device, and disposes the previous ones. */
export function prepareKernel(rows: number, numClasses: number, fromLogits: boolean): void {
  input?.predictions.dispose();
  const logits = logitsTensor([rows, numClasses], 'kernel');
  const predictions = fromLogits ? logits : tf.softmax(logits);
  if (!fromLogits) logits.dispose();
  input = { predictions, fromLogits };
}

/**
 * Calls the operation `repetitions` times, reads the last result, and returns the time of one call. The latency of
 * reading is shared by all calls.
 */
export async function measureKernel(
  variant: 'fused' | 'composed',
  repetitions: number,
): Promise<KernelSample> {
  if (input === null) throw new Error('Expected `prepareKernel` to be called first.');
  const { predictions, fromLogits } = input;
  const run = variant === 'fused' ? runTopKEntropy : composedTopKEntropy;
  collectGarbage();

  const startMs = performance.now();
  let entropies = run(predictions, K, fromLogits);
  for (let call = 1; call < repetitions; call++) {
    entropies.dispose();
    entropies = run(predictions, K, fromLogits);
  }
  const enqueuedMs = performance.now();
  await entropies.data();
  const endMs = performance.now();

  entropies.dispose();
  return { timeMs: (endMs - startMs) / repetitions, enqueueMs: (enqueuedMs - startMs) / repetitions };
}
