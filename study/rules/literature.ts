import type { Series } from '../signals.js';
import type { Rule } from './rule.js';
import { argmax, argmin, firstMinimum } from './series.js';

/** @see Deng et al., Confidence and Dispersity Speak, ICML 2023 (arXiv 2302.01094) */
export const nuclearNorm: Rule = {
  name: 'largest validation nuclear norm',
  needs: 'predictions',
  select: (signals) => argmax(signals['val-nuclear-norm']),
};

/** @see Xie et al., MaNo: Exploiting Matrix Norm for Unsupervised Accuracy Estimation, NeurIPS 2024 (arXiv 2405.18979) */
export const matrixNorm: Rule = {
  name: 'largest validation matrix norm',
  needs: 'predictions',
  select: (signals) => argmax(signals['val-norm']),
};

/** The entropy of the mean prediction minus the mean entropy: large if predictions are certain and of many classes. */
export const mutualInformation: Rule = {
  name: 'largest validation mutual information',
  needs: 'predictions',
  select: (signals) => {
    const entropies = signals['val-full-entropy'];
    const information: Series = signals['val-marginal-entropy'].map(
      (value, epoch) => value! - entropies[epoch]!,
    );
    return argmax(information);
  },
};

/**
 * The epoch with the smallest disparity before the fifth rise.
 *
 * @see Forouzesh and Thiran, ECML 2021 (arXiv 2107.06665)
 */
export const gradientDisparity: Rule = {
  name: 'gradient disparity',
  needs: 'extra passes and noisy labels',
  select: (signals) => {
    const disparity = signals['gradient-disparity'];
    let rises = 0;
    const stop = disparity.findIndex((value, epoch) => {
      if (epoch > 0 && value! > disparity[epoch - 1]!) rises++;
      return rises === 5;
    });
    return argmin(disparity.slice(0, stop < 0 ? disparity.length : stop + 1));
  },
};

/** The first minimum of the mean total variation distance to the previous epoch. */
export const firstShiftMinimum: Rule = {
  name: 'first minimum of the validation shift',
  needs: 'predictions',
  select: (signals) => firstMinimum(signals['val-shift']),
};
