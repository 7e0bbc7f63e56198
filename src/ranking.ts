import type { EpochRecord } from './epoch-record.js';
import type { Slot } from './stores/store.js';

/** Where an epoch is kept that is one of several. */
export function slotOf({ fit, epoch }: Pick<EpochRecord, 'fit' | 'epoch'>): Slot {
  return fit === 0 ? `epoch-${epoch}` : `fit-${fit}-epoch-${epoch}`;
}

/** Whether two records are of one epoch. */
export function isSameEpoch(a: EpochRecord, b: EpochRecord): boolean {
  return a.fit === b.fit && a.epoch === b.epoch;
}

/** The best epochs so far, the best first. Pure numbers. */
export class Ranking {
  readonly #maxToKeep: number;
  readonly #mode: 'max' | 'min';
  #kept: readonly EpochRecord[] = [];

  constructor(maxToKeep: number, mode: 'max' | 'min') {
    this.#maxToKeep = maxToKeep;
    this.#mode = mode;
  }

  get kept(): readonly EpochRecord[] {
    return this.#kept;
  }

  /**
   * Takes an epoch in, if it is one of the best. Of equals the earlier stays.
   *
   * @param record of an epoch whose value could have become the best.
   */
  add(record: EpochRecord): void {
    const [best] = this.#kept;
    if (record.isBest || best === undefined) {
      this.#keep([record, ...this.#without(record)]);
    } else if (!isSameEpoch(best, record)) {
      // The best stays in front, though by less than `minDelta` another may be above it.
      const rest = this.#without(record).slice(1);
      const index = rest.findIndex((other) => this.#isBetter(record, other));
      rest.splice(index === -1 ? rest.length : index, 0, record);
      this.#keep([best, ...rest]);
    }
  }

  /** A closed epoch that is closed again takes the place of what was kept of it. */
  #without(record: EpochRecord): EpochRecord[] {
    return this.#kept.filter((other) => !isSameEpoch(other, record));
  }

  #keep(records: readonly EpochRecord[]): void {
    this.#kept = records.slice(0, this.#maxToKeep);
  }

  #isBetter(a: EpochRecord, b: EpochRecord): boolean {
    const gain = (a.value ?? NaN) - (b.value ?? NaN);
    return this.#mode === 'max' ? gain > 0 : gain < 0;
  }
}
