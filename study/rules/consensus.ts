import type { Series } from '../signals.js';
import type { Rule, VisibleSignals } from './rule.js';
import { argmin, firstMaximum, firstMinimum } from './series.js';

/**
 * How far an epoch is from what the network has predicted so far, and how much surer it is of the rows that it is
 * trained on than of others: as the share of validation rows whose prediction is not that of the averaged
 * probabilities of the epochs before, plus `weight` times the entropy of validation less that of training, in nats.
 *
 * Training is seen throughout an epoch, so its entropy is compared with that of validation at both ends of it.
 */
function dissent(signals: VisibleSignals, weight: number): Series {
  const validation = signals['val-entropy'];
  return signals['val-averaged-changes'].map((changes, epoch) => {
    if (changes === null) return null;
    const around = (validation[epoch - 1]! + validation[epoch]!) / 2;
    return changes + weight * (around - signals['running-entropy'][epoch]!);
  });
}

/**
 * The epoch that agrees best with the consensus of the epochs before it, and is least sure of its own training.
 *
 * @param patience stops after as many epochs without a better one; null: looks at all of them.
 */
export function consensus(weight: number, patience: number | null): Rule {
  return {
    name: `consensus${weight === 0 ? '' : `, ${weight} × entropy gap`}${patience === null ? '' : `, patience ${patience}`}`,
    needs: 'tap',
    choose: (signals) => {
      const series = dissent(signals, weight);
      return patience === null ? argmin(series) : firstMinimum(series, patience);
    },
  };
}

/**
 * The same with a weight of 1, where a network that has not begun to tell the classes apart does not count as one
 * that agrees with itself: as long as the mutual information of row and predicted class is below a share of its
 * maximum, what speaks for an epoch counts for as much less.
 *
 * @param enough that share, above 0 and up to 1.
 */
export function informedConsensus(patience: number, enough: number): Rule {
  return {
    name: `informed consensus, patience ${patience}, from ${enough}`,
    needs: 'tap',
    choose: (signals) => {
      const series = dissent(signals, 1).map((value, epoch) => {
        if (value === null) return null;
        const information = signals['val-marginal-entropy'][epoch]! - signals['val-full-entropy'][epoch]!;
        const share = Math.max(0, information) / Math.log(signals.numClasses);
        return (1 - value) * Math.min(1, share / enough);
      });
      return firstMaximum(series, patience);
    },
  };
}
