/**
 * The signals that are recorded for every epoch. Predictions are made after the epoch has ended, without dropout. Only
 * the `running` ones are of each batch before its step, as a callback sees them. Changes compare with the end of the
 * previous epoch, and are null in the first. Entropies are in nats.
 */
export const SIGNALS = {
  'running-loss': 'mean cross-entropy with the noisy labels',
  'running-accuracy': 'share of rows whose prediction is the noisy label',
  'running-entropy': 'mean entropy of the two largest probabilities, not renormalised',
  'running-full-entropy': 'mean entropy of all probabilities',
  'running-margin': 'mean of the largest probability minus the second largest',
  'running-sure': 'share of rows whose margin is above 0.9',
  'running-changes': 'share of rows whose prediction has changed',
  'train-loss': 'mean cross-entropy with the noisy labels',
  'train-accuracy': 'share of rows whose prediction is the noisy label',
  'train-entropy': 'mean entropy of the two largest probabilities',
  'train-margin': 'mean of the largest probability minus the second largest',
  'train-changes': 'share of rows whose prediction has changed',
  'train-shift': 'mean total variation distance to the probabilities of the previous epoch',
  'val-loss': 'mean cross-entropy with the noisy labels',
  'val-accuracy': 'share of rows whose prediction is the noisy label',
  'val-entropy': 'mean entropy of the two largest probabilities',
  'val-full-entropy': 'mean entropy of all probabilities',
  'val-margin': 'mean of the largest probability minus the second largest',
  'val-sure': 'share of rows whose margin is above 0.9',
  'val-changes': 'share of rows whose prediction has changed',
  'val-shift': 'mean total variation distance to the probabilities of the previous epoch',
  'val-confident-changes':
    'mean over all rows of the previous margin, counted as 0 where the prediction is the same',
  'val-averaged-changes': 'share of rows whose prediction differs from that of the averaged probabilities',
  'val-averaged-shift': 'mean total variation distance to the averaged probabilities',
  'val-marginal-entropy': 'entropy of the mean probabilities',
  'val-nuclear-norm': 'nuclear norm of the probability matrix, as a share of its largest possible value',
  'val-norm': 'fourth root of the mean fourth power of all probabilities',
  'val-energy': 'mean logarithm of the sum of exponentials of the logits',
  'gradient-disparity': 'mean distance between the gradients of pairs of training batches',
  'test-accuracy': 'share of clean test rows whose prediction is right; hidden from the rules',
} as const;

export type SignalName = keyof typeof SIGNALS;

/** One value for each epoch. */
export type Series = readonly (number | null)[];

export type Signals = Readonly<Record<SignalName, Series>> & {
  /** For each epoch and each earlier one: share of validation rows whose prediction is the same in both. */
  readonly 'val-agreement': readonly (readonly number[])[];
};

/** The signals that are recorded of validation with averaged weights as well. */
export const AVERAGED_SIGNALS = [
  'val-loss',
  'val-accuracy',
  'val-entropy',
  'val-full-entropy',
  'val-marginal-entropy',
  'val-changes',
  'val-averaged-changes',
  'test-accuracy',
] as const satisfies readonly SignalName[];

export type AveragedSignalName = (typeof AVERAGED_SIGNALS)[number];

export type AveragedSignals = Readonly<Record<AveragedSignalName, Series>>;
