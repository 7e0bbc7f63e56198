import type { Rule } from './rule.js';
import { firstMaximum, movingAverage } from './series.js';

/** The first maximum of the mean margin p₁ − p₂ on validation. */
export const firstMargin: Rule = {
  name: 'first maximum of the validation margin',
  needs: 'tap',
  choose: (signals) => firstMaximum(signals['val-margin']),
};

/** The epoch before the margin of training exceeds that of validation by so much; the last where it never does. */
export function marginGap(of: 'running' | 'train', threshold: number): Rule {
  return {
    name: `${of === 'train' ? 'training margin, predicted again,' : 'running margin'} exceeds validation by ${100 * threshold} %`,
    needs: of === 'train' ? 'further passes' : 'tap',
    choose: (signals) => {
      const training = signals[of === 'train' ? 'train-margin' : 'running-margin'];
      const validation = signals['val-margin'];
      const exceeds = training.findIndex((value, epoch) => value! > (1 + threshold) * validation[epoch]!);
      return exceeds < 0 ? training.length - 1 : Math.max(0, exceeds - 1);
    },
  };
}

export function firstAveragedMargin(window: number): Rule {
  return {
    name: `the same of its mean of ${window}`,
    needs: 'tap',
    choose: (signals) => firstMaximum(movingAverage(signals['val-margin'], window)),
  };
}
