import * as tf from '@tensorflow/tfjs';
import type { Samples, Task } from '../data/samples.js';

/** @returns inputs and one-hot labels. The caller disposes them. */
export function tensorsOf(
  { inputs, labels }: Samples,
  { inputShape, numClasses }: Task,
): { x: tf.Tensor; y: tf.Tensor } {
  const oneHot = new Float32Array(labels.length * numClasses);
  for (const [row, label] of labels.entries()) oneHot[row * numClasses + label] = 1;
  return {
    x: tf.tensor(inputs, [labels.length, ...inputShape]),
    y: tf.tensor2d(oneHot, [labels.length, numClasses]),
  };
}
