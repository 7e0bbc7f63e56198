/** What is known of one epoch. */
export interface EpochRecord {
  /** Counted from 0, as tfjs does. */
  readonly epoch: number;
  /** Which `fit` call of this instance it belongs to, counted from 0. */
  readonly fit: number;
  /** Mean top-k entropy over all rows of training and validation, in nats; null without any row. */
  readonly entropy: number | null;
  /** The same over the rows of training. */
  readonly trainEntropy: number | null;
  /** The same over the rows of validation. */
  readonly valEntropy: number | null;
  /** What the monitor compared; null where there was nothing to compare. */
  readonly value: number | null;
  /** Whether the epoch became the best when it ended. */
  readonly isBest: boolean;
}
