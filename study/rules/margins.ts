import type { Rule } from './rule.js';
import { firstMaximum, movingAverage } from './series.js';

/** The first maximum of the mean validation margin p₁ − p₂. */
export const firstMarginMaximum: Rule = {
  name: 'first maximum of the validation margin',
  needs: 'predictions',
  select: (signals) => firstMaximum(signals['val-margin']),
};

/**
 * The epoch before the training margin first exceeds the validation margin by the share `threshold`. If it never does,
 * the last epoch.
 */
export function marginGap(source: 'running' | 'train', threshold: number): Rule {
  return {
    name: `${source === 'train' ? 'training margin at epoch end' : 'running margin'} exceeds validation by ${100 * threshold} %`,
    needs: source === 'train' ? 'extra passes' : 'predictions',
    select: (signals) => {
      const training = signals[source === 'train' ? 'train-margin' : 'running-margin'];
      const validation = signals['val-margin'];
      const exceeds = training.findIndex((value, epoch) => value! > (1 + threshold) * validation[epoch]!);
      return exceeds < 0 ? training.length - 1 : Math.max(0, exceeds - 1);
    },
  };
}

export function firstAveragedMarginMaximum(window: number): Rule {
  return {
    name: `first maximum of the validation margin, mean of ${window}`,
    needs: 'predictions',
    select: (signals) => firstMaximum(movingAverage(signals['val-margin'], window)),
  };
}
