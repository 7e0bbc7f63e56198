import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../errors.js';

/**
 * @throws EntropyCheckpointError `ENTROPY_MODEL_DISPOSED` if a weight has been disposed; `ENTROPY_UNSUPPORTED_MODEL` if the
 *   model is seen through a deep proxy, such as Vue's `reactive`.
 */
export function requireLiveWeights(weights: readonly tf.LayerVariable[]): void {
  const { tensorInfo } = tf.engine().state;
  for (const weight of weights) {
    if (!tensorInfo.has(valueOf(weight).dataId)) throw seenThroughProxy();
  }
}

function valueOf(weight: tf.LayerVariable): tf.Tensor {
  try {
    return weight.read();
  } catch (cause) {
    throw modelDisposed('model', cause);
  }
}

/** TensorFlow.js finds the data of a tensor by the identity of its `dataId`, and a deep proxy returns a proxy of that. */
function seenThroughProxy(): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_UNSUPPORTED_MODEL',
    'Keep the model out of deep reactive state, in Vue by `shallowRef(model)` or `markRaw(model)`: TensorFlow.js cannot find ' +
      'the tensors of a model that is seen through a proxy.',
  );
}

/** @param what is disposed: the model, or its optimizer. */
export function modelDisposed(what: string, cause?: unknown): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_MODEL_DISPOSED',
    `Make the model anew, or call its \`dispose\` later: expected a ${what} whose tensors exist, got one that has been disposed.`,
    cause === undefined ? {} : { cause },
  );
}
