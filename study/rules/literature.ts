import type { Series } from '../signals.js';
import type { Rule } from './rule.js';
import { argmax, argmin, firstMinimum } from './series.js';

/** @see Deng et al., Confidence and Dispersity Speak, ICML 2023 (arXiv 2302.01094) */
export const nuclearNorm: Rule = {
  name: 'largest nuclear norm of validation',
  needs: 'tap',
  choose: (signals) => argmax(signals['val-nuclear-norm']),
};

/** @see Xie et al., MaNo: Exploiting Matrix Norm for Unsupervised Accuracy Estimation, NeurIPS 2024 (arXiv 2405.18979) */
export const matrixNorm: Rule = {
  name: 'largest matrix norm of validation',
  needs: 'tap',
  choose: (signals) => argmax(signals['val-norm']),
};

/** Certain predictions of many classes: the entropy of their mean less their mean entropy. */
export const mutualInformation: Rule = {
  name: 'largest mutual information of validation',
  needs: 'tap',
  choose: (signals) => {
    const own = signals['val-full-entropy'];
    const information: Series = signals['val-marginal-entropy'].map((value, epoch) => value! - own[epoch]!);
    return argmax(information);
  },
};

/** Stops when it has risen for the fifth time. @see Forouzesh and Thiran, ECML 2021 (arXiv 2107.06665) */
export const gradientDisparity: Rule = {
  name: 'gradient disparity',
  needs: 'further passes and noisy labels',
  choose: (signals) => {
    const disparity = signals['gradient-disparity'];
    let rises = 0;
    const stop = disparity.findIndex((value, epoch) => {
      if (epoch > 0 && value! > disparity[epoch - 1]!) rises++;
      return rises === 5;
    });
    return argmin(disparity.slice(0, stop < 0 ? disparity.length : stop + 1));
  },
};

/** The first minimum of the mean total variation distance to the epoch before. */
export const firstShift: Rule = {
  name: 'first minimum of the shift of validation',
  needs: 'tap',
  choose: (signals) => firstMinimum(signals['val-shift']),
};
