import * as tf from '@tensorflow/tfjs';
import type { Samples } from './dataset.js';
import { NUM_CLASSES, NUM_PIXELS } from './image-pool.js';

/** `NUM_CLASSES` probabilities per image, one image after another. */
export type Probabilities = Float32Array;

export function predict(model: tf.LayersModel, { images, labels }: Samples): Probabilities {
  return tf.tidy(() => {
    const predicted = model.predict(tf.tensor2d(images, [labels.length, NUM_PIXELS])) as tf.Tensor;
    // A copy: on the cpu backend, `dataSync()` returns the live buffer.
    return predicted.dataSync<'float32'>().slice();
  });
}

/** The most probable class of each image. */
export function predictedClasses(probabilities: Probabilities): Uint8Array {
  return Uint8Array.from({ length: probabilities.length / NUM_CLASSES }, (_, index) => {
    const row = probabilities.subarray(index * NUM_CLASSES, (index + 1) * NUM_CLASSES);
    return row.indexOf(Math.max(...row));
  });
}

/** The share of images whose most probable class is their label. */
export function accuracy(probabilities: Probabilities, labels: Uint8Array): number {
  return classAccuracy(predictedClasses(probabilities), labels);
}

/** The share of images whose predicted class is their label. */
export function classAccuracy(classes: Uint8Array, labels: Uint8Array): number {
  return labels.filter((label, index) => label === classes[index]).length / labels.length;
}

/** The largest absolute difference of two probabilities. */
export function maxDifference(a: Probabilities, b: Probabilities): number {
  if (a.length !== b.length) throw new RangeError(`Expected ${a.length} probabilities, got ${b.length}.`);
  return a.reduce((max, value, index) => {
    const difference = Math.abs(value - (b[index] ?? NaN));
    // A comparison with NaN is false. NaN must not count as no difference.
    return difference > max || Number.isNaN(difference) ? difference : max;
  }, 0);
}
