import seedrandom from 'seedrandom';
import { drawWithoutReplacement } from './sampling.js';

/** Kinds of label noise, with the percentage of labels that become wrong. */
export const NOISE_NAMES = [
  'none',
  'symmetric-20',
  'symmetric-40',
  'symmetric-60',
  'pair-30',
  'pair-45',
] as const;
export type NoiseName = (typeof NOISE_NAMES)[number];

export const NOISE_TYPES = ['symmetric', 'pair'] as const;

/** `symmetric`: any other class, each equally likely. `pair`: the next class, and 0 after the last. */
export type NoiseType = (typeof NOISE_TYPES)[number];

export interface LabelNoiseOptions {
  type: NoiseType;
  /** The share of labels that become wrong, 0…1. */
  rate: number;
  numClasses: number;
  seed: number;
}

/**
 * Copies the labels and makes exactly round(rate × length) of them wrong. The same seed gives the same copy.
 *
 * @param labels class indices, 0…numClasses − 1. They are not changed.
 */
export function withLabelNoise(
  labels: Uint8Array,
  { type, rate, numClasses, seed }: LabelNoiseOptions,
): Uint8Array {
  const random = seedrandom(`label noise ${seed}`);
  const noisy = labels.slice();
  for (const index of drawWithoutReplacement(labels.length, Math.round(rate * labels.length), random)) {
    // From any class, 1…numClasses − 1 steps in a circle reach every other class, and never the same one.
    const steps = type === 'pair' ? 1 : 1 + Math.floor(random() * (numClasses - 1));
    noisy[index] = ((labels[index] ?? 0) + steps) % numClasses;
  }
  return noisy;
}
