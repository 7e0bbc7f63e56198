import type { ComparedValues, ComparingMonitor } from './comparing-monitor.js';

/** One nat of entropy gap weighs as much as all rows changing. */
const ENTROPY_WEIGHT = 1;

/** As a share of the maximum: with less, predictions hardly depend on the row. */
export const ENOUGH_INFORMATION = 0.1;

/**
 * The epoch that agrees best with what the network has predicted so far, and is the least overconfident about its
 * training rows.
 *
 * The value is a share minus a gap. The share is that of the validation rows whose predicted class is the consensus's
 * (the averaged probabilities of the earlier epochs). The gap is validation entropy minus training entropy.
 *
 * Why: while a network learns the pattern, it comes to agree with itself. When it memorises the noise, its
 * predictions of other rows start to waver, and it becomes certain of its training rows alone.
 *
 * An untrained network predicts one class for every row, which agrees with itself perfectly. So while predictions
 * hardly depend on the row, the value is scaled down.
 *
 * Training rows are scored throughout an epoch and validation rows at its end. So the training entropy is
 * compared with the mean of the validation entropies at both ends of the epoch.
 */
export const consensus: ComparingMonitor = {
  mode: 'max',
  // The value is a difference of shares and entropies.
  termSize: 1,
  patience: 7,
  comparesWith: 'consensus',
  phases: ['train', 'val'],
  valueOf: (epochs: readonly ComparedValues[]): number | null => {
    const [before, now] = [epochs.at(-2), epochs.at(-1)];
    if (now?.valChanges == null || now.valInformation == null) return null;
    if (now.valEntropy === null || now.trainEntropy === null) return null;
    const valEntropy = ((before?.valEntropy ?? now.valEntropy) + now.valEntropy) / 2;
    const merit = 1 - now.valChanges - ENTROPY_WEIGHT * (valEntropy - now.trainEntropy);
    return merit * Math.min(1, Math.max(0, now.valInformation) / ENOUGH_INFORMATION);
  },
};
