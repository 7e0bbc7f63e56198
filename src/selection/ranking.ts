import { byValue, isSameEpoch, type EpochRecord } from '../epoch-record.js';
import { isImprovement, type Comparison } from './improvement.js';

/** The best epochs so far, best first. Pure numbers. */
export class Ranking {
  readonly #maxToKeep: number;
  readonly #comparison: Comparison;
  #kept: readonly EpochRecord[] = [];

  /** @param maxToKeep an integer from 1 up, or Infinity. */
  constructor(maxToKeep: number, comparison: Comparison) {
    this.#maxToKeep = maxToKeep;
    this.#comparison = comparison;
  }

  /** At most `maxToKeep`. */
  get kept(): readonly EpochRecord[] {
    return this.#kept;
  }

  /**
   * Adds an epoch if it's among the best. The earlier of two equal epochs ranks higher.
   *
   * @param record an epoch that could have become the best.
   */
  add(record: EpochRecord): void {
    const [best] = this.#kept;
    if (record.isBest || best === undefined) {
      this.#keep([record, ...this.#without(record)]);
    } else if (!isSameEpoch(best, record)) {
      // The best stays in front, though another may exceed it by less than `minDelta`.
      const rest = this.#without(record).slice(1);
      const index = rest.findIndex((other) => this.#isBetter(record, other));
      rest.splice(index === -1 ? rest.length : index, 0, record);
      this.#keep([best, ...rest]);
    }
  }

  /** Takes over stored epochs of which it isn't known which is the best, as that one is lost. */
  adopt(records: readonly EpochRecord[]): void {
    this.#keep([...records].sort(byValue(this.#comparison.mode)));
  }

  /** Leaves out these epochs. */
  remove(records: ReadonlySet<EpochRecord>): void {
    this.#keep(this.#kept.filter((record) => !records.has(record)));
  }

  /** An epoch that ends a second time replaces its earlier record. */
  #without(record: EpochRecord): EpochRecord[] {
    return this.#kept.filter((other) => !isSameEpoch(other, record));
  }

  #keep(records: readonly EpochRecord[]): void {
    this.#kept = records.slice(0, this.#maxToKeep);
  }

  #isBetter(a: EpochRecord, b: EpochRecord): boolean {
    return isImprovement(a.value ?? NaN, b.value ?? NaN, this.#comparison);
  }
}
