import { DEFAULT_AVERAGE, type AverageName } from '../averages.js';
import type { Signals } from '../signals.js';

/** The signals that a rule may see. */
export type VisibleSignals = Omit<Signals, 'test-accuracy'> & { readonly numClasses: number };

/** What the signals of a rule need: its cost for a user. */
export type Needs =
  /** The predictions that a callback sees anyway: running ones on training rows, and those on validation rows. */
  | 'predictions'
  /** The same, and which training row is which. `fit` shuffles the rows and does not say how. */
  | 'predictions and row identity'
  /** The same as `'predictions'`, and the noisy labels. */
  | 'predictions and noisy labels'
  /** One or more extra passes over the training rows at the end of each epoch. */
  | 'extra passes'
  | 'extra passes and noisy labels';

/** Selects the epoch that is kept. */
export interface Rule {
  /** Unique. */
  readonly name: string;
  readonly needs: Needs;
  /** The average of the weights that is validated and kept. Absent: the weights as they were trained. */
  readonly average?: AverageName;
  /** Gets the signals of all epochs and returns the index of one. A rule that stops early must ignore later epochs. */
  readonly select: (signals: VisibleSignals) => number;
}

/** The same rule on averaged weights: they are validated, and kept. */
export function averaged(rule: Rule, average: AverageName = DEFAULT_AVERAGE): Rule {
  const settings = average === DEFAULT_AVERAGE ? '' : ` ${average}`;
  return { ...rule, name: `averaged${settings}: ${rule.name}`, average };
}
