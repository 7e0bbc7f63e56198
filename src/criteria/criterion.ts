import type { EpochRecord } from '../epoch-record.js';
import { consensus } from './consensus.js';
import { labelWave } from './label-wave.js';

/** What a rule may look at of an epoch. */
export type EpochFacts = Pick<EpochRecord, 'trainEntropy' | 'valEntropy' | 'valChanges' | 'valInformation'>;

/** A rule for the epoch to keep that compares the predictions of validation from epoch to epoch. Pure numbers. */
export interface Criterion {
  readonly mode: 'max' | 'min';
  /** After so many epochs without a better one it has decided, and no later epoch is chosen. */
  readonly patience: number;
  /** What the predictions of validation are compared with: `EpochRecord.valChanges` counts the differences. */
  readonly comparesWith: 'previous' | 'consensus';
  /** Whether it looks at `EpochRecord.valInformation`. */
  readonly needsInformation: boolean;
  /** What there must be predictions of. */
  readonly phases: readonly ('train' | 'val')[];
  /**
   * The value of the last of `epochs`.
   *
   * @param epochs in the order in which they were run, the one that ends included.
   * @returns null where there is none yet.
   */
  readonly valueOf: (epochs: readonly EpochFacts[]) => number | null;
}

/** The rules other than `'max-entropy'`, by name. */
export const CRITERIA = { consensus, 'label-wave': labelWave } satisfies Record<string, Criterion>;

/** How the epoch to keep is told; see the option `criterion`. */
export type CriterionName = 'max-entropy' | keyof typeof CRITERIA;

export const CRITERION_NAMES: readonly CriterionName[] = [
  'max-entropy',
  ...(Object.keys(CRITERIA) as (keyof typeof CRITERIA)[]),
];

/** null: what is monitored is compared as it is. */
export function criterionOf(name: CriterionName): Criterion | null {
  return name === 'max-entropy' ? null : CRITERIA[name];
}
