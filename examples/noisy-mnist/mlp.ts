import * as tf from '@tensorflow/tfjs';
import { NUM_CLASSES, NUM_PIXELS } from './image-pool.js';

export const MLP_LAYERS = [NUM_PIXELS, 128, 64, NUM_CLASSES] as const;

/** Builds a network that is large enough to memorise its training labels, compiled with Adam. */
export function buildMlp(learningRate: number): tf.Sequential {
  const [inputs, first, second, classes] = MLP_LAYERS;
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [inputs], units: first, activation: 'relu' }),
      tf.layers.dense({ units: second, activation: 'relu' }),
      tf.layers.dense({ units: classes, activation: 'softmax' }),
    ],
  });
  model.compile({
    optimizer: tf.train.adam(learningRate),
    loss: 'categoricalCrossentropy',
    metrics: ['accuracy'],
  });
  return model;
}
