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
  /**
   * Share of the validation rows whose predicted class has changed, 0…1: since the epoch before (`'label-wave'`),
   * or from that of the averaged probabilities of the epochs before (`'consensus'`). null where there was nothing
   * to compare with; not there with a criterion that compares nothing.
   */
  readonly valChanges?: number | null;
  /**
   * How much the predictions of validation depend on the row, as a share of the largest possible, 0…1: the mutual
   * information of row and predicted class over ln numClasses. Counted for `'consensus'` alone; null without
   * validation.
   */
  readonly valInformation?: number | null;
  /** What the monitor compared; null where there was nothing to compare. */
  readonly value: number | null;
  /** Whether the epoch became the best when it ended. */
  readonly isBest: boolean;
  /** What `fit` has logged of the epoch: `loss`, `val_loss` and metrics; or what was given to `saveCheckpoint`. */
  readonly logs: Readonly<Record<string, number>>;
}
