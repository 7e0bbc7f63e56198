import type { MonitoredEpoch, Phase } from '../../epoch-record.js';
import type { Comparison } from '../improvement.js';

/** What a comparing monitor looks at in an epoch. */
export type ComparedValues = Pick<
  MonitoredEpoch,
  'trainEntropy' | 'valEntropy' | 'valChanges' | 'valInformation'
>;

/** How many epochs a monitor looks at, the one that ends included. */
export const WINDOW_EPOCHS = 3;

/**
 * A monitor that compares the validation predictions of an epoch with those of earlier epochs. It needs no
 * labels. Pure numbers: the predictions themselves are counted in `scoring/prediction-changes.ts`.
 */
export interface ComparingMonitor extends Comparison {
  /** In epochs: after that many without a better one the choice is made. */
  readonly patience: number;
  /**
   * What `EpochRecord.valChanges` compares with: the previous epoch, or the average of all earlier epochs. That of the
   * average has `EpochRecord.valInformation` as well.
   */
  readonly comparesWith: 'previous' | 'consensus';
  /** The phases whose predictions it needs. */
  readonly phases: readonly Phase[];
  /**
   * The value of the last of `epochs`.
   *
   * @param epochs the latest `WINDOW_EPOCHS` or fewer, in the order in which they ran.
   * @returns null if there's none yet.
   */
  readonly valueOf: (epochs: readonly ComparedValues[]) => number | null;
}
