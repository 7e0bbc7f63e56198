import { isSameEpoch, type EpochRecord, type MonitoredEpoch } from '../epoch-record.js';
import { BestValue, type BestValueOptions } from './best-value.js';
import type { Monitor } from './monitor.js';
import { WINDOW_EPOCHS } from './monitors/comparing-monitor.js';
import { Ranking } from './ranking.js';

/** Options that say which epochs are selected. */
export interface SelectionOptions extends Omit<BestValueOptions, 'mode' | 'termSize' | 'patience'> {
  /** How many of the best epochs are kept; an integer from 1 up. */
  readonly maxToKeep: number;
  /** Every n-th epoch is kept as well; Infinity: none. */
  readonly keepEvery: number;
}

/** Every epoch that has ended, and which of them are the best. Pure numbers. */
export class EpochSelector {
  readonly #monitor: Monitor;
  readonly #bestValueOptions: BestValueOptions;
  #bestValue: BestValue;
  readonly #ranking: Ranking;
  readonly #keepEvery: number;
  #periodic: readonly EpochRecord[] = [];
  readonly #history: EpochRecord[] = [];
  #best: EpochRecord | null = null;
  /** The latest epoch that ran to its end. */
  #ended: EpochRecord | null = null;
  /** The latest epoch whose state was captured within it, unless one has ended since. */
  #running: EpochRecord | null = null;

  constructor(monitor: Monitor, options: SelectionOptions) {
    this.#monitor = monitor;
    const { mode, patience, termSize } = monitor;
    this.#bestValueOptions = { ...options, mode, patience, termSize };
    this.#bestValue = new BestValue(this.#bestValueOptions);
    this.#ranking = new Ranking(options.maxToKeep, monitor);
    this.#keepEvery = options.keepEvery;
  }

  /** In the order in which they ran. Only ever grows. */
  get history(): readonly EpochRecord[] {
    return this.#history;
  }

  get best(): EpochRecord | null {
    return this.#best;
  }

  /** The best epochs, best first. */
  get ranked(): readonly EpochRecord[] {
    return this.#ranking.kept;
  }

  /** Every `keepEvery`-th epoch that ran to its end, in the order in which they ran. */
  get periodic(): readonly EpochRecord[] {
    return this.#periodic;
  }

  /** The best epochs, best first; then the other periodic ones. */
  get kept(): readonly EpochRecord[] {
    return [...new Set([...this.ranked, ...this.#periodic])];
  }

  /** The latest epoch from which training can be resumed: after its end, or within it if it has `batches`. */
  get last(): EpochRecord | null {
    return this.#running ?? this.#ended;
  }

  /** The number of the epoch after the latest that ran to its end. */
  get nextEpoch(): number {
    return (this.#ended?.epoch ?? -1) + 1;
  }

  /** Whether the choice is made: no later epoch can be the best. */
  get isDecided(): boolean {
    return this.#bestValue.isDecided;
  }

  /** Whether the best epoch is the first of several that could be the best. */
  get firstOfSeveralIsBest(): boolean {
    return this.#bestValue.firstIsBest && this.#bestValue.eligibleEpochs > 1;
  }

  /**
   * Adds an epoch that has ended.
   *
   * @param isComplete whether it ran to its end. One that was cut short is recorded, but never the best.
   * @param numClasses of the output with the fewest; null if unknown.
   */
  add(ended: MonitoredEpoch, isComplete: boolean, numClasses: number | null = null): EpochRecord {
    const { epoch } = ended;
    const before = this.#history.slice(1 - WINDOW_EPOCHS);
    const value = isComplete ? this.#monitor.valueOf([...before, ended], numClasses) : null;
    const isBest = this.#bestValue.isBetter(epoch, value);
    const record = Object.freeze({ ...ended, value, isBest });
    const isRanked = isBest || (this.#best !== null && this.#bestValue.isEligible(epoch, value));
    this.#bestValue.add(epoch, value);
    this.#history.push(record);
    if (isRanked) this.#ranking.add(record);
    if (isBest) this.#best = record;
    if (isComplete) {
      this.#ended = record;
      this.#running = null;
      if ((epoch + 1) % this.#keepEvery === 0) {
        // An epoch that ends a second time replaces its earlier record.
        this.#periodic = [...this.#periodic.filter((other) => !isSameEpoch(other, record)), record];
      }
    }
    return record;
  }

  /** Training can be resumed within this epoch. It's in no list, as it hasn't ended. */
  addRunning(record: EpochRecord): void {
    this.#running = record;
  }

  /**
   * Takes over the epochs of an earlier training, to resume it.
   *
   * @param history in the order in which they ran; the last one is resumed, or one after it by `addRunning`.
   * @param stored the epochs of `history` whose states are stored and that can be ranked: only they can be the best.
   * @param periodic the stored epochs that are kept because of their number, by whatever option.
   */
  adopt(
    history: readonly EpochRecord[],
    stored: ReadonlySet<EpochRecord>,
    periodic: ReadonlySet<EpochRecord>,
  ): void {
    this.#periodic = history.filter((record) => periodic.has(record));
    // One by one: a long history has more records than a call can take arguments.
    for (const record of history) this.#history.push(record);
    const rankable = history.filter((record) => stored.has(record));
    const best = history.findLast(({ isBest }) => isBest);
    this.#ended = history.at(-1) ?? null;
    if (best === undefined || stored.has(best)) {
      for (const record of rankable) this.#ranking.add(record);
      for (const { epoch, value, isBest } of history) this.#bestValue.adopt(epoch, value, isBest);
    } else {
      // The best is lost, so later epochs needn't beat it.
      this.#ranking.adopt(rankable);
      for (const { epoch, value } of this.ranked.slice(0, 1)) this.#bestValue.adopt(epoch, value, true);
    }
    this.#best = this.ranked[0] ?? null;
  }

  /** Leaves out epochs whose states are lost. If the best is one of them, later epochs needn't beat it. */
  forget(lost: ReadonlySet<EpochRecord>): void {
    if (lost.size === 0) return;
    this.#ranking.remove(lost);
    this.#periodic = this.#periodic.filter((record) => !lost.has(record));
    if (this.#ended !== null && lost.has(this.#ended)) this.#ended = null;
    if (this.#running !== null && lost.has(this.#running)) this.#running = null;
    if (this.#best === null || !lost.has(this.#best)) return;
    this.#best = this.ranked[0] ?? null;
    this.#bestValue = new BestValue(this.#bestValueOptions);
    if (this.#best !== null) this.#bestValue.adopt(this.#best.epoch, this.#best.value, true);
  }
}
