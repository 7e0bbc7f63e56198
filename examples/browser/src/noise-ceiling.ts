import type { Digits } from './data.js';
import { VALIDATION_SPLIT } from './settings.js';
import { percent } from './text.js';

/** The accuracy on noisy validation labels of a network that gets every digit right. */
export interface NoiseCeiling {
  /** How many validation labels are wrong. */
  readonly numWrong: number;
  readonly numLabels: number;
  /** The share of right labels, 0…1. */
  readonly share: number;
}

/**
 * Counts the wrong labels. A label only ever becomes another digit, and an exact number of all labels is wrong. How many
 * of these are in the validation part is chance.
 */
export function noiseCeiling({ train, noisyLabels }: Pick<Digits, 'train' | 'noisyLabels'>): NoiseCeiling {
  // As `fit` splits.
  const start = Math.floor(noisyLabels.length * (1 - VALIDATION_SPLIT));
  const labels = noisyLabels.subarray(start);
  const numWrong = labels.filter((label, index) => label !== train.labels[start + index]).length;
  return { numWrong, numLabels: labels.length, share: 1 - numWrong / labels.length };
}

export function ceilingText({ numWrong, numLabels, share }: NoiseCeiling): string {
  if (numWrong === 0) return 'No validation label is wrong.';
  return (
    `By chance, ${numWrong} of the ${numLabels} validation labels are wrong. So a network that gets every digit right ` +
    `reaches ${percent(share, 0)} there, the dotted line. Only one that repeats mistakes can exceed it.`
  );
}
