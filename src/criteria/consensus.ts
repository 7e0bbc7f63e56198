import type { Criterion, EpochFacts } from './criterion.js';

/** Of one nat, against all of the rows. */
const ENTROPY_WEIGHT = 1;

/**
 * The epoch that agrees best with what the network has predicted so far, and is least surer of its training than
 * of other data: the share of validation rows whose prediction is that of the consensus (the averaged
 * probabilities of the epochs before), less the entropy of validation above that of training.
 *
 * While a network learns the pattern it comes to agree with itself. When it memorises the noise, its predictions
 * of other rows begin to waver again, and it grows sure of its training alone.
 *
 * Training is seen throughout an epoch, so its entropy is compared with that of validation at both ends of it.
 */
export const consensus: Criterion = {
  mode: 'max',
  patience: 7,
  comparesWith: 'consensus',
  phases: ['train', 'val'],
  valueOf: (epochs: readonly EpochFacts[]): number | null => {
    const [before, now] = [epochs.at(-2), epochs.at(-1)];
    if (now?.valChanges == null || now.valEntropy === null || now.trainEntropy === null) return null;
    const valEntropy = ((before?.valEntropy ?? now.valEntropy) + now.valEntropy) / 2;
    return 1 - now.valChanges - ENTROPY_WEIGHT * (valEntropy - now.trainEntropy);
  },
};
