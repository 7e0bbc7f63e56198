import { criterionOf, type Criterion } from './criteria/criterion.js';
import type { EpochRecord } from './epoch-record.js';
import type { EpochNumbers } from './epoch-score.js';
import { noBest, notKept } from './keeper-errors.js';
import { Monitor } from './monitor.js';
import type { ResolvedOptions } from './options.js';
import { Ranking } from './ranking.js';

/** What an epoch has come to. */
export interface ComparedEpoch extends Omit<EpochNumbers, 'others'> {
  readonly epoch: number;
  readonly fit: number;
  /** Whether it ran as a whole; else it is recorded, never best. */
  readonly complete: boolean;
  readonly logs: EpochRecord['logs'];
}

/** Every epoch that has ended, and which of them are the best. Pure numbers. */
export class EpochComparison {
  readonly criterion: Criterion | null;
  readonly monitor: Monitor;
  readonly #monitored: string;
  readonly #ranking: Ranking;
  readonly #history: EpochRecord[] = [];
  #best: EpochRecord | null = null;

  constructor(options: ResolvedOptions) {
    this.criterion = criterionOf(options.criterion);
    this.monitor = new Monitor({ ...options, patience: this.criterion?.patience ?? null });
    this.#monitored = options.monitor;
    this.#ranking = new Ranking(options.maxToKeep, options.mode);
  }

  get history(): readonly EpochRecord[] {
    return this.#history;
  }

  get best(): EpochRecord | null {
    return this.#best;
  }

  /** The best epochs, the best first. */
  get kept(): readonly EpochRecord[] {
    return this.#ranking.kept;
  }

  /** Takes an epoch in, and says whether it is the best. */
  add(ended: ComparedEpoch): EpochRecord {
    const { epoch, fit, logs, entropies, valChanges, valInformation } = ended;
    const value = ended.complete ? this.#valueOf(ended) : null;
    const isBest = this.monitor.isBetter(epoch, value);
    const counted = {
      ...(valChanges === undefined ? {} : { valChanges }),
      ...(valInformation === undefined ? {} : { valInformation }),
    };
    const record = Object.freeze({ epoch, fit, ...entropies, ...counted, value, isBest, logs });
    const isRanked = isBest || (this.#best !== null && this.monitor.isEligible(epoch, value));
    this.monitor.accept(epoch, value);
    this.#history.push(record);
    if (isRanked) this.#ranking.add(record);
    if (isBest) this.#best = record;
    return record;
  }

  /**
   * Takes over the epochs of an earlier training.
   *
   * @param stored those of them that may be kept, as their states are there.
   */
  adopt(history: readonly EpochRecord[], stored: ReadonlySet<EpochRecord>): void {
    // One by one: there may be more than a call takes arguments.
    for (const record of history) this.#history.push(record);
    // In the order in which they were run, so that each takes its place.
    for (const record of history) if (stored.has(record)) this.#ranking.add(record);
    this.#best = this.kept[0] ?? null;
    const isWhole = this.#best === (history.findLast(({ isBest }) => isBest) ?? null);
    // If the best is lost, what comes next need not beat it.
    const compared = isWhole ? history : this.kept.slice(0, 1);
    for (const record of compared) this.monitor.accept(record.epoch, record.value);
  }

  /**
   * One of the epochs that are kept.
   *
   * @param epoch counted from 0; undefined: the best.
   * @throws EntropyCheckpointError `ENTROPY_NO_BEST`, `ENTROPY_NO_CHECKPOINT`.
   */
  find(epoch: number | undefined): EpochRecord {
    if (this.#best === null) throw noBest(this.#history.length);
    if (epoch === undefined) return this.#best;
    const [found] = this.kept.filter((record) => record.epoch === epoch).sort((a, b) => b.fit - a.fit);
    if (found !== undefined) return found;
    throw notKept(epoch, this.kept);
  }

  /** What is compared of the epoch that ends. */
  #valueOf({ entropies, valChanges = null, valInformation = null, logs }: ComparedEpoch): number | null {
    if (this.criterion !== null) {
      return this.criterion.valueOf([...this.#history, { ...entropies, valChanges, valInformation }]);
    }
    switch (this.#monitored) {
      case 'entropy':
        return entropies.entropy;
      case 'train_entropy':
        return entropies.trainEntropy;
      case 'val_entropy':
        return entropies.valEntropy;
      default:
        return logs[this.#monitored] ?? null;
    }
  }
}
