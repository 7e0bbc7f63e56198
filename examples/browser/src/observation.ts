import * as tf from '@tensorflow/tfjs';
import { NUM_PIXELS, type ImagePool } from '../../noisy-mnist/image-pool.js';
import { predictedClasses, type Probabilities } from '../../noisy-mnist/predictions.js';
import type { Digits } from './data.js';

/** What a network makes of all digits. */
export interface Observation {
  /** Counted from 0. */
  readonly epoch: number;
  readonly train: Predictions;
  readonly test: Predictions;
}

export interface Predictions {
  readonly probabilities: Probabilities;
  /** The most probable class of each image. */
  readonly classes: Uint8Array;
}

export async function observe(model: tf.LayersModel, digits: Digits, epoch: number): Promise<Observation> {
  const test = await predict(model, digits.test);
  return { epoch, train: await predict(model, digits.train), test };
}

async function predict(model: tf.LayersModel, pool: ImagePool): Promise<Predictions> {
  const predicted = tf.tidy(() => model.predict(imageTensor(pool)) as tf.Tensor2D);
  // A copy: on the cpu backend `data()` gives the live buffer.
  const probabilities = (await predicted.data<'float32'>()).slice();
  predicted.dispose();
  return { probabilities, classes: predictedClasses(probabilities) };
}

/** Float32 `[images, NUM_PIXELS]` in 0…1; the caller disposes it. */
export function imageTensor({ pixels, labels }: ImagePool): tf.Tensor2D {
  const values = Float32Array.from(pixels, (value) => value / 255);
  return tf.tensor2d(values, [labels.length, NUM_PIXELS]);
}
