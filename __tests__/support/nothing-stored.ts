import type * as tf from '@tensorflow/tfjs';

/** What a user's handler resolves `load` with where nothing is stored. TensorFlow.js's type doesn't allow for that. */
export function nothingStored(): Promise<tf.io.ModelArtifacts> {
  return Promise.resolve(null as unknown as tf.io.ModelArtifacts);
}
