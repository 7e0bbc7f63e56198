/** Whether predictions were made in training or in validation. */
export type Phase = 'train' | 'val';

/** The scores and logs of one epoch. */
export interface EpochRecord {
  /**
   * Counted from 0, as TensorFlow.js does, over all `fit` calls of the instance. If a later call begins again at 0, its
   * numbers follow those of the calls before.
   */
  readonly epoch: number;
  /** Which `fit` call of this instance the epoch belongs to, counted from 0. */
  readonly fit: number;
  /** Mean top-k entropy over all training and validation rows, in nats; null without any row. */
  readonly entropy: number | null;
  /** Mean top-k entropy over the training rows, in nats; null without any. */
  readonly trainEntropy: number | null;
  /** Mean top-k entropy over the validation rows, in nats; null without any. */
  readonly valEntropy: number | null;
  /**
   * Share of validation rows whose predicted class changed, 0…1: since the epoch before (`'label_wave'`), or
   * from the class of the averaged probabilities of all epochs before (`'consensus'`). null where there was
   * nothing to compare with; absent with other monitors.
   */
  readonly valChanges?: number | null;
  /**
   * How much the validation predictions depend on the row, 0…1: the mutual information of row and predicted
   * class, divided by ln numClasses, its maximum. null without validation; absent unless the monitor is
   * `'consensus'`.
   */
  readonly valInformation?: number | null;
  /** The monitored value, in the monitor's unit; null where the epoch has none, or was cut short. */
  readonly value: number | null;
  /** Whether the epoch was the best so far when it ended. */
  readonly isBest: boolean;
  /** Whether validation is of the averaged weights, which a checkpoint holds then (`averageWeights`); absent otherwise. */
  readonly isAveraged?: true;
  /**
   * How many of its batches were trained when its state was captured, in an epoch that hadn't ended (`saveLast: { … }`). Such
   * a record has no scores yet. Absent in an epoch that has ended.
   */
  readonly batches?: number;
  /** Losses and metrics of the epoch, by the names that `fit` logs; or those passed to `saveCheckpoint`. */
  readonly logs: Readonly<Record<string, number>>;
}

/** The record of an epoch before it's compared with the others. */
export type MonitoredEpoch = Omit<EpochRecord, 'value' | 'isBest'>;

/** Sorts records by the monitored value, the best first. Those without a value keep their order. */
export function byValue(mode: 'max' | 'min'): (a: EpochRecord, b: EpochRecord) => number {
  const gain = (a: EpochRecord, b: EpochRecord): number => (b.value ?? NaN) - (a.value ?? NaN);
  return mode === 'max' ? gain : (a, b) => gain(b, a);
}

/** Whether two records are of the same epoch. */
export function isSameEpoch(a: EpochRecord, b: EpochRecord): boolean {
  return a.fit === b.fit && a.epoch === b.epoch;
}
