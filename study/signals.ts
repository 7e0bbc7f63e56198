/**
 * What is known of every epoch, from the first to the last. Predictions are made when the epoch has ended,
 * without dropout, but for those that are `running`: of each batch, before its step, as a callback sees them.
 * Changes are those to the end of the epoch before, and null in the first. Entropies are in nats.
 */
export const SIGNALS = {
  'running-loss': 'mean cross-entropy with the noisy labels',
  'running-accuracy': 'share of rows whose prediction is the noisy label',
  'running-entropy': 'mean entropy of the two largest probabilities, as they are',
  'running-full-entropy': 'mean entropy of all probabilities',
  'running-margin': 'mean of the largest probability less the second',
  'running-sure': 'share of rows whose margin is above 0.9',
  'running-changes': 'share of rows whose prediction has changed',
  'train-loss': 'mean cross-entropy with the noisy labels',
  'train-accuracy': 'share of rows whose prediction is the noisy label',
  'train-entropy': 'mean entropy of the two largest probabilities',
  'train-margin': 'mean of the largest probability less the second',
  'train-changes': 'share of rows whose prediction has changed',
  'train-shift': 'mean total variation distance to the probabilities of the epoch before',
  'val-loss': 'mean cross-entropy with the noisy labels',
  'val-accuracy': 'share of rows whose prediction is the noisy label',
  'val-entropy': 'mean entropy of the two largest probabilities',
  'val-full-entropy': 'mean entropy of all probabilities',
  'val-margin': 'mean of the largest probability less the second',
  'val-sure': 'share of rows whose margin is above 0.9',
  'val-changes': 'share of rows whose prediction has changed',
  'val-shift': 'mean total variation distance to the probabilities of the epoch before',
  'val-confident-changes': 'mean over all rows of the margin before, where the prediction has changed',
  'val-averaged-changes': 'share of rows whose prediction is not that of the averaged probabilities',
  'val-averaged-shift': 'mean total variation distance to the averaged probabilities',
  'val-marginal-entropy': 'entropy of the mean probabilities',
  'val-nuclear-norm': 'nuclear norm of the matrix of probabilities, over the largest that it can have',
  'val-norm': 'fourth root of the mean fourth power of all probabilities',
  'val-energy': 'mean logarithm of the sum of exponentials of the logits',
  'gradient-disparity': 'mean distance of the gradients of pairs of training batches',
  'test-accuracy': 'share of rows of clean test data whose prediction is right; no rule sees it',
} as const;

export type SignalName = keyof typeof SIGNALS;

/** A value for each epoch. */
export type Series = readonly (number | null)[];

export type Signals = Readonly<Record<SignalName, Series>> & {
  /** For each epoch and each one before it: share of validation rows whose prediction is the same in both. */
  readonly 'val-agreement': readonly (readonly number[])[];
};
