/** Multiplies two matrices with tfjs-node, and prints the versions. Fails if the product is wrong. */
import * as tf from '@tensorflow/tfjs-node';

const SIZE = 64;
const left = Array.from({ length: SIZE * SIZE }, (_, i) => (i * 7) % 13);
const right = Array.from({ length: SIZE * SIZE }, (_, i) => (i * 5) % 11);
const product = tf.matMul(tf.tensor2d(left, [SIZE, SIZE]), tf.tensor2d(right, [SIZE, SIZE])).dataSync();

for (let row = 0; row < SIZE; row++) {
  for (let column = 0; column < SIZE; column++) {
    let sum = 0;
    for (let i = 0; i < SIZE; i++) sum += left[row * SIZE + i]! * right[i * SIZE + column]!;
    const got = product[row * SIZE + column]!;
    // Exact: float32 holds all integers below 2^24.
    if (got !== sum) throw new Error(`Expected ${sum} at [${row}, ${column}], got ${got}.`);
  }
}

const { binding } = tf.backend() as unknown as { binding: { TF_Version: string } };
console.log(
  `native backend: tfjs-node ${tf.version['tfjs-node' as keyof typeof tf.version]} with ` +
    `TensorFlow ${binding.TF_Version}, backend '${tf.getBackend()}'`,
);
