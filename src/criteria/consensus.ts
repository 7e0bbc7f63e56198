import type { Criterion, EpochFacts } from './criterion.js';

/** Of one nat, against all of the rows. */
const ENTROPY_WEIGHT = 1;

/** Of the largest possible information: with less, predictions hardly depend on the row. */
export const ENOUGH_INFORMATION = 0.1;

/**
 * The epoch that agrees best with what the network has predicted so far, and is least surer of its training than
 * of other data: the share of validation rows whose prediction is that of the consensus (the averaged
 * probabilities of the epochs before), less the entropy of validation above that of training.
 *
 * While a network learns the pattern it comes to agree with itself. When it memorises the noise, its predictions
 * of other rows begin to waver again, and it grows sure of its training alone.
 *
 * A network that has not begun predicts one class for every row, and agrees with itself as well: as long as its
 * predictions hardly depend on the row, the value counts for as much less.
 *
 * Training is seen throughout an epoch, so its entropy is compared with that of validation at both ends of it.
 */
export const consensus: Criterion = {
  mode: 'max',
  patience: 7,
  comparesWith: 'consensus',
  needsInformation: true,
  phases: ['train', 'val'],
  valueOf: (epochs: readonly EpochFacts[]): number | null => {
    const [before, now] = [epochs.at(-2), epochs.at(-1)];
    if (now?.valChanges == null || now.valInformation == null) return null;
    if (now.valEntropy === null || now.trainEntropy === null) return null;
    const valEntropy = ((before?.valEntropy ?? now.valEntropy) + now.valEntropy) / 2;
    const merit = 1 - now.valChanges - ENTROPY_WEIGHT * (valEntropy - now.trainEntropy);
    return merit * Math.min(1, Math.max(0, now.valInformation) / ENOUGH_INFORMATION);
  },
};
