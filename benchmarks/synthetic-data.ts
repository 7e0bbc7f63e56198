import * as tf from '@tensorflow/tfjs';
import seedrandom from 'seedrandom';

export const NUM_FEATURES = 784;
export const NUM_CLASSES = 10;

/** A part for `fit`, with one-hot labels. */
export interface Rows {
  /** `[rows, NUM_FEATURES]`. */
  readonly x: tf.Tensor2D;
  /** `[rows, NUM_CLASSES]`. */
  readonly y: tf.Tensor2D;
}

/** Noise around one random centre for each class: something that a network can learn. The caller disposes it. */
export function syntheticRows(numRows: number, seed: string): Rows {
  const centres = uniform(NUM_CLASSES * NUM_FEATURES, 'centres');
  const values = uniform(numRows * NUM_FEATURES, seed);
  const labels = Int32Array.from({ length: numRows }, (_, row) => row % NUM_CLASSES);
  values.forEach((value, index) => {
    const label = labels[Math.floor(index / NUM_FEATURES)] ?? 0;
    const centre = centres[label * NUM_FEATURES + (index % NUM_FEATURES)] ?? 0;
    values[index] = 0.9 * value + 0.1 * centre;
  });
  return {
    x: tf.tensor2d(values, [numRows, NUM_FEATURES]),
    y: tf.tidy(() =>
      tf.oneHot(tf.tensor1d(labels, 'int32'), NUM_CLASSES).toFloat().as2D(numRows, NUM_CLASSES),
    ),
  };
}

function uniform(length: number, seed: string): Float32Array {
  const random = seedrandom.alea(seed);
  return Float32Array.from({ length }, () => random());
}
