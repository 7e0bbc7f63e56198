import * as tf from '@tensorflow/tfjs';
import seedrandom from 'seedrandom';

/** Uniform values, 0 ≤ value < 1, the same for the same seed. The caller disposes the tensor. */
export function uniformTensor(shape: number[], seed: string): tf.Tensor {
  const random = seedrandom.alea(seed);
  return tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random()),
    shape,
  );
}

/** Normal values with a deviation of 2, the same for the same seed. The caller disposes the tensor. */
export function logitsTensor(shape: number[], seed: string): tf.Tensor {
  const random = seedrandom.alea(seed);
  const values = Float32Array.from(
    { length: tf.util.sizeFromShape(shape) },
    () => 2 * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
  // Some devices store uploaded values differently from the result of an operation.
  return tf.tidy(() => tf.add(tf.tensor(values, shape), 0));
}

/** One-hot labels in the last axis of `shape`; the classes take turns. The caller disposes the tensor. */
export function oneHotTensor(shape: number[]): tf.Tensor {
  const numClasses = shape.at(-1)!;
  const values = new Float32Array(tf.util.sizeFromShape(shape));
  for (let row = 0; row * numClasses < values.length; row++) {
    values[row * numClasses + ((row * 7) % numClasses)] = 1;
  }
  return tf.tensor(values, shape);
}
