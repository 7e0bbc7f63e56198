import * as tf from '@tensorflow/tfjs';
import { MAX_FUSED_K } from '../../src/entropy/kernels/top-k-entropy-kernel.js';
import type { ConformanceCase } from './conformance-case.js';
import { checkRows, probabilitiesOf, randomLogits } from './scoring.js';

/** From 1 to 32,000 classes and from 1 to 10,000 rows, even and odd, around each bound of a kernel. */
const SHAPES: readonly (readonly [shape: number[], k: number])[] = [
  [[2], 1],
  [[2], 2],
  [[7], 3],
  [[1, 1], 2],
  [[9, 1], 1],
  [[5000, 1], 2],
  [[1, 2], 2],
  [[1, 3], 2],
  [[5, 2], 1],
  [[17, 3], 3],
  [[5000, 2], 2],
  [[4999, 3], 2],
  [[63, 5], 2],
  [[65, 7], 2],
  [[128, 10], 2],
  [[128, 10], 3],
  [[13, 31], 5],
  [[3, 255], 2],
  [[3, 256], 2],
  [[3, 257], 2],
  [[2, 257], 257],
  [[2, 300], 1],
  [[128, 1000], 2],
  [[2, 1000], 3],
  [[1, 1000], 999],
  [[2, 40], 16],
  [[2, 40], 17],
  [[3, 40], 40],
  [[2, 1000], 1000],
  [[10_000, 3], 2],
  [[33, 4097], 2],
  [[1, 31999], 2],
  [[3, 32000], 2],
  [[3, 5, 11], 2],
  [[2, 3, 1], 2],
  [[4, 7, 300], 2],
  [[1, 1, 4], 4],
  [[2, 3, 2, 9], 3],
  [[2, 3, 3, 2, 5], 2],
];

export const shapeCases: readonly ConformanceCase[] = SHAPES.map(([shape, k]) => ({
  name: `random logits and probabilities of shape [${shape.join(', ')}], k = ${k}`,
  run: async (settings) => {
    const numClasses = shape.at(-1)!;
    const numRows = tf.util.sizeFromShape(shape) / numClasses;
    const rows = randomLogits(numRows, numClasses, settings, `${shape.join()}-${k}`);
    // A large k uses composed operations, and half precision rounds the result of each.
    const isRounded = settings.halfPrecision === true && k > MAX_FUSED_K && k < numClasses;
    const { tolerance } = settings;
    const caseSettings = { ...settings, tolerance: isRounded ? 10 * tolerance : tolerance };
    await checkRows(rows, caseSettings, { k }, shape);
    await checkRows(probabilitiesOf(rows, caseSettings), caseSettings, { k, fromLogits: false }, shape);
  },
}));
