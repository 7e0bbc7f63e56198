import type { Signals } from '../signals.js';

/** What a rule may see. */
export type VisibleSignals = Omit<Signals, 'test-accuracy'> & { readonly numClasses: number };

/** Where the signals of a rule come from: what it costs a user. */
export type Needs =
  /** What a callback sees in passing: running predictions of training, and those of validation. */
  | 'tap'
  /** The same, and which row is which in training, whose order `fit` keeps to itself. */
  | 'tap and row identity'
  /** The same, and the noisy labels. */
  | 'tap and noisy labels'
  /** Predicting the training rows again at the end of each epoch, or more. */
  | 'further passes'
  | 'further passes and noisy labels';

/** A way to choose the epoch that is kept. */
export interface Rule {
  /** Unique. */
  readonly name: string;
  readonly needs: Needs;
  /** An index of an epoch. It has all epochs before it; what stops earlier must not look further itself. */
  readonly choose: (signals: VisibleSignals) => number;
}
