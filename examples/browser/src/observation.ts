import * as tf from '@tensorflow/tfjs';
import { NUM_PIXELS, type ImagePool } from '../../noisy-mnist/image-pool.js';
import { predictedClasses, type Probabilities } from '../../noisy-mnist/predictions.js';
import type { Digits } from './data.js';
import { yieldIfDue } from './yield-if-due.js';

/** How many images are predicted before the page may yield. On the cpu backend they take about 100 ms. */
const IMAGES_PER_STEP = 100;

/** What a network predicts for all digits. */
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
  const steps: tf.Tensor2D[] = [];
  try {
    for (let start = 0; start < pool.labels.length; start += IMAGES_PER_STEP) {
      const images = slicePool(pool, start, start + IMAGES_PER_STEP);
      steps.push(tf.tidy(() => model.predictOnBatch(imageTensor(images)) as tf.Tensor2D));
      await yieldIfDue();
    }
    return await readPredictions(steps);
  } finally {
    tf.dispose(steps);
  }
}

/** Reads the device once: on a GPU, each read waits for it. */
async function readPredictions(steps: tf.Tensor2D[]): Promise<Predictions> {
  const predicted = tf.concat(steps);
  // A copy: on the cpu backend, `data()` returns the live buffer.
  const probabilities = (await predicted.data<'float32'>()).slice();
  predicted.dispose();
  return { probabilities, classes: predictedClasses(probabilities) };
}

/** A view of the images from `start` to before `end`. */
function slicePool({ pixels, labels }: ImagePool, start: number, end: number): ImagePool {
  return {
    pixels: pixels.subarray(start * NUM_PIXELS, end * NUM_PIXELS),
    labels: labels.subarray(start, end),
  };
}

/** Float32 `[images, NUM_PIXELS]` in 0…1; the caller disposes it. */
export function imageTensor({ pixels, labels }: ImagePool): tf.Tensor2D {
  // Much faster than `Float32Array.from` with a function.
  const values = new Float32Array(pixels).map((value) => value / 255);
  return tf.tensor2d(values, [labels.length, NUM_PIXELS]);
}
