import type { Series } from '../signals.js';
import type { Rule, VisibleSignals } from './rule.js';
import { argmin, firstMaximum, firstMinimum } from './series.js';

/**
 * How far an epoch departs from the earlier predictions of the network, and how overconfident it is about its training
 * rows. The value is the share of validation rows whose prediction differs from that of the averaged probabilities of
 * the earlier epochs, plus `weight` times the validation entropy minus the training entropy, in nats.
 *
 * Training rows are scored throughout an epoch. So their entropy is compared with the mean of the validation entropies
 * at both ends of the epoch.
 */
function dissent(signals: VisibleSignals, weight: number): Series {
  const validation = signals['val-entropy'];
  return signals['val-averaged-changes'].map((changes, epoch) => {
    if (changes === null) return null;
    const validationEntropy = (validation[epoch - 1]! + validation[epoch]!) / 2;
    return changes + weight * (validationEntropy - signals['running-entropy'][epoch]!);
  });
}

/**
 * The epoch that agrees best with the consensus of the earlier epochs, and is least overconfident about its training
 * rows.
 *
 * @param patience stops after this many epochs without a better one. Null: compares all epochs.
 */
export function consensus(weight: number, patience: number | null): Rule {
  return {
    name: `consensus${weight === 0 ? '' : `, ${weight} × entropy gap`}${patience === null ? '' : `, patience ${patience}`}`,
    needs: 'predictions',
    select: (signals) => {
      const series = dissent(signals, weight);
      return patience === null ? argmin(series) : firstMinimum(series, patience);
    },
  };
}

/**
 * Consensus with weight 1 that discounts a network which has not begun to learn. Such a network predicts one class for
 * every row, and so agrees with itself. The value is scaled down in proportion while the mutual information of row and
 * predicted class is below the threshold.
 *
 * @param threshold as a share of the largest possible mutual information, above 0 and up to 1.
 */
export function informedConsensus(patience: number, threshold: number): Rule {
  return {
    name: `informed consensus, patience ${patience}, threshold ${threshold}`,
    needs: 'predictions',
    select: (signals) => {
      const series = dissent(signals, 1).map((value, epoch) => {
        if (value === null) return null;
        const information = signals['val-marginal-entropy'][epoch]! - signals['val-full-entropy'][epoch]!;
        const share = Math.max(0, information) / Math.log(signals.numClasses);
        return (1 - value) * Math.min(1, share / threshold);
      });
      return firstMaximum(series, patience);
    },
  };
}
