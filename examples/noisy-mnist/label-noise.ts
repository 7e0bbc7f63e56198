import seedrandom from 'seedrandom';
import { drawWithoutReplacement } from './sampling.js';

export const NOISE_TYPES = ['symmetric', 'pair'] as const;

/** `symmetric`: to one of the other classes, each as likely. `pair`: to the next class, from the last to 0. */
export type NoiseType = (typeof NOISE_TYPES)[number];

export interface LabelNoiseOptions {
  type: NoiseType;
  /** Share of the labels that become wrong, 0…1. */
  rate: number;
  numClasses: number;
  seed: number;
}

/**
 * A copy of the labels of which exactly round(rate × length) are wrong. The same seed, the same copy.
 *
 * @param labels class indices, 0…numClasses − 1; they stay as they are.
 */
export function withLabelNoise(
  labels: Uint8Array,
  { type, rate, numClasses, seed }: LabelNoiseOptions,
): Uint8Array {
  const random = seedrandom(`label noise ${seed}`);
  const noisy = labels.slice();
  for (const index of drawWithoutReplacement(labels.length, Math.round(rate * labels.length), random)) {
    // 1…numClasses − 1 steps round the circle of classes reach each of the others and never the same one.
    const steps = type === 'pair' ? 1 : 1 + Math.floor(random() * (numClasses - 1));
    noisy[index] = ((labels[index] ?? 0) + steps) % numClasses;
  }
  return noisy;
}
