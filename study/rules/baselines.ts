import type { Series } from '../signals.js';
import type { Rule, VisibleSignals } from './rule.js';
import { argmax, argmin } from './series.js';

/** Share of training rows among training and validation rows. */
const TRAIN_SHARE = 0.8;

/** The mean over all training and validation rows, as in the original. */
function combinedEntropy(signals: VisibleSignals): Series {
  return signals['running-entropy'].map(
    (train, epoch) => TRAIN_SHARE * train! + (1 - TRAIN_SHARE) * signals['val-entropy'][epoch]!,
  );
}

export const lastEpoch: Rule = {
  name: 'last epoch',
  needs: 'predictions',
  select: (signals) => signals['val-entropy'].length - 1,
};

/** @see Preventing Overfitting on Noisy Labels Through Adaptive Checkpointing, OpenReview uv35Ndww94 (2025) */
export const maximumEntropy: Rule = {
  name: 'maximum entropy (the original)',
  needs: 'predictions',
  select: (signals) => argmax(combinedEntropy(signals)),
};

const FIRST_EPOCH = 5;

export const maximumEntropyLater: Rule = {
  name: `maximum entropy from epoch ${FIRST_EPOCH} on`,
  needs: 'predictions',
  select: (signals) =>
    argmax(combinedEntropy(signals).map((value, epoch) => (epoch < FIRST_EPOCH ? null : value))),
};

export const validationLoss: Rule = {
  name: 'noisy validation loss',
  needs: 'predictions and noisy labels',
  select: (signals) => argmin(signals['val-loss']),
};

/** @see Chen et al., Robustness of Accuracy Metric and its Inspirations, AAAI 2021 (arXiv 2012.04193) */
export const validationAccuracy: Rule = {
  name: 'noisy validation accuracy',
  needs: 'predictions and noisy labels',
  select: (signals) => argmax(signals['val-accuracy']),
};

/** Weight of the loss, as a share of the loss of a network that predicts all classes alike. */
const LOSS_WEIGHT = 0.1;

/** Of epochs with the same accuracy, or nearly, the one with the smaller loss. */
export const validationAccuracyAndLoss: Rule = {
  name: `noisy validation accuracy − ${LOSS_WEIGHT} × loss / ln C`,
  needs: 'predictions and noisy labels',
  select: (signals) => {
    const scale = LOSS_WEIGHT / Math.log(signals.numClasses);
    return argmax(
      signals['val-accuracy'].map((accuracy, epoch) => accuracy! - scale * signals['val-loss'][epoch]!),
    );
  },
};
