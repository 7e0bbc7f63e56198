import * as tf from '@tensorflow/tfjs';

/** A model of dense layers without biases, each `[units, units]`. Its weights are zero. */
export function denseStack(layers: number, units: number): tf.Sequential {
  return tf.sequential({
    layers: Array.from({ length: layers }, () =>
      tf.layers.dense({ inputShape: [units], units, useBias: false, kernelInitializer: 'zeros' }),
    ),
  });
}

/** Fills each weight with different values: weight files with the same bytes would be stored once. */
export function fillDistinctly(model: tf.LayersModel): void {
  let state = 1;
  for (const weight of model.weights) {
    const values = new Float32Array(tf.util.sizeFromShape(weight.shape as number[]));
    const scale = 1 / (2 ** 31 * Math.sqrt(weight.shape[0] ?? 1));
    for (let i = 0; i < values.length; i++) {
      // Seeded generators take ten times as long for these hundreds of millions of values.
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      values[i] = state * scale;
    }
    const tensor = tf.tensor(values, weight.shape as number[]);
    (weight.read() as tf.Variable).assign(tensor);
    tensor.dispose();
  }
}

export function sizeBytesOf(model: tf.LayersModel): number {
  const sizes = model.weights.map(({ shape }) => tf.util.sizeFromShape(shape as number[]));
  return Float32Array.BYTES_PER_ELEMENT * sizes.reduce((sum, size) => sum + size, 0);
}
