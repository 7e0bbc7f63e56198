import type * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../errors.js';

/** @throws EntropyCheckpointError `ENTROPY_MODEL_DISPOSED` if a weight has been disposed. */
export function requireLiveWeights(weights: readonly tf.LayerVariable[]): void {
  for (const weight of weights) {
    try {
      weight.read();
    } catch (cause) {
      throw modelDisposed('model', cause);
    }
  }
}

/** @param what is disposed: the model, or its optimizer. */
export function modelDisposed(what: string, cause?: unknown): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_MODEL_DISPOSED',
    `Make the model anew, or call its \`dispose\` later: expected a ${what} whose tensors exist, got one that has been disposed.`,
    cause === undefined ? {} : { cause },
  );
}
