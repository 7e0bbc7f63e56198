import * as tf from '@tensorflow/tfjs-node-gpu'; // needs CUDA; without it: '@tensorflow/tfjs-node'
import { EntropyCheckpointCallback } from 'tfjs-entropy-checkpoint';

/** Trains on TensorFlow's device, and returns whether that is a GPU. */
export async function trainOnGpu(model, x, y) {
  const checkpoint = new EntropyCheckpointCallback();
  await model.fit(x, y, { epochs: 5, validationSplit: 0.2, shuffle: false, callbacks: checkpoint });
  return { checkpoint, isOnGpu: tf.backend().isUsingGpuDevice };
}
