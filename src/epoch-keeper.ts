import { loadKernels } from './entropy/load-kernels.js';
import { EpochComparison } from './epoch-comparison.js';
import type { EpochLogs } from './epoch-logs.js';
import type { EpochRecord } from './epoch-record.js';
import { EpochScore, readScore, type DetachedScore } from './epoch-score.js';
import { explain, type Outcome } from './explain.js';
import { checkCapacity, hasTrained } from './keeper-errors.js';
import { loadCode } from './load-code.js';
import type { Monitor } from './monitor.js';
import type { ResolvedOptions } from './options.js';
import type { ReportOptions } from './report/report.js';
import type { KeptEpoch, StateKeeper } from './state-keeper.js';
import { resolvePlace } from './stores/resolve-place.js';
import type { StorePlace } from './stores/store-place.js';
import type { Trained } from './trained.js';

/** An epoch that ends. If it is not complete, it is recorded, never best. */
export interface EndedEpoch extends KeptEpoch {
  readonly epoch: number;
  readonly fit: number;
  /** Losses and metrics of the epoch. */
  readonly logs: EpochLogs;
}

/**
 * Keeps the best epochs: scores what it is shown, compares the epochs, and has the states of the best kept. Both
 * public classes are this, fed by `fit` or by a loop of the user's own.
 */
export class EpochKeeper {
  readonly options: ResolvedOptions;
  readonly comparison: EpochComparison;
  readonly score: EpochScore;
  /** null: in memory only. */
  readonly #place: StorePlace | null;
  /** null until training begins, or is gone on with. */
  #states: StateKeeper | null = null;
  #closing: Promise<EpochRecord | null> = Promise.resolve(null);

  /** @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION`. */
  constructor(options: ResolvedOptions) {
    this.options = options;
    this.comparison = new EpochComparison(options);
    this.score = new EpochScore({ ...options, criterion: this.comparison.criterion });
    this.#place = options.filepath === null ? null : resolvePlace(options.filepath);
    checkCapacity(this.#place, options);
  }

  get history(): readonly EpochRecord[] {
    return this.comparison.history;
  }

  get best(): EpochRecord | null {
    return this.comparison.best;
  }

  /** The best epochs, the best first. */
  get kept(): readonly EpochRecord[] {
    return this.comparison.kept;
  }

  get monitor(): Pick<Monitor, 'eligibleEpochs' | 'firstIsBest' | 'hasDecided'> {
    return this.comparison.monitor;
  }

  /** Why the best epoch is the best. */
  explain(): string {
    return explain(this.#outcome);
  }

  /**
   * A page on the training.
   *
   * @throws EntropyCheckpointError `ENTROPY_CODE_NOT_LOADED`.
   */
  async report(options?: ReportOptions): Promise<string> {
    await this.#closing.catch(() => null);
    const { report } = await loadCode(import('./report/report.js'));
    return report({ ...this.#outcome, kept: this.kept }, options);
  }

  /**
   * Loads what is needed in training, claims the store and makes sure that the state of what is trained can be
   * kept, before it is needed. Idempotent.
   *
   * @throws EntropyCheckpointError `ENTROPY_CODE_NOT_LOADED`, and as `StateKeeper.open`.
   */
  async open(trained: Trained): Promise<void> {
    if (this.#states?.isOpen === true) return;
    const [states] = await Promise.all([this.#loadStates(), loadKernels()]);
    await states.open(trained);
  }

  /**
   * Ends a training: gives the store back, when what is yet to be written is there. What is held in memory
   * alone stays.
   */
  close(): void {
    this.#states?.close();
    this.score.reset();
  }

  /**
   * Closes an epoch, by one device read: what is appended from now on belongs to the next. What is to be
   * stored of it is taken, and written while training goes on.
   */
  closeEpoch(trained: Trained, ended: EndedEpoch): Promise<EpochRecord> {
    // At once, as what is appended from now on belongs to the next epoch.
    const score = this.score.detach();
    // In turn, should the caller not wait for one epoch before it closes the next.
    const former = this.#closing.catch(() => null);
    const closing = former.then(() => this.#compare(trained, ended, score));
    this.#closing = closing;
    // Not waited for by `flush`, which the user's `onBest` may call.
    return closing.then(async (record) => {
      if (record.isBest) await this.options.onBest?.(record);
      return record;
    });
  }

  /**
   * Resolves when everything that was to be stored is.
   *
   * @throws EntropyCheckpointError as `StateKeeper.flush`.
   */
  async flush(): Promise<void> {
    await this.#closing;
    await this.#states?.flush();
  }

  /**
   * Ends a training that has come to its end: stores what is yet to be stored, and puts the best state back
   * if it is so configured.
   *
   * @throws EntropyCheckpointError as `flush` and `load`.
   */
  async finish(trained: Trained): Promise<void> {
    await this.#states?.finish(trained);
    if (this.options.restoreBestWeights && this.best !== null) await this.load(trained);
    await this.flush();
  }

  /**
   * Puts the state of a kept epoch back.
   *
   * @param epoch counted from 0. @default the best
   * @throws EntropyCheckpointError as `EpochComparison.find` and `StateKeeper.load`.
   */
  async load(trained: Trained, epoch?: number): Promise<EpochRecord> {
    await this.#closing.catch(() => null);
    const record = this.comparison.find(epoch);
    const states = await this.#loadStates();
    return states.load(trained, record, epoch === undefined);
  }

  /**
   * Goes on from the latest epoch that is stored and whole: state, best and history.
   *
   * @returns the epoch after it; 0 where nothing is stored.
   * @throws EntropyCheckpointError `ENTROPY_CODE_NOT_LOADED`, and as `StateKeeper.resume`.
   */
  async resume(trained: Trained): Promise<number> {
    if (this.history.length > 0) throw hasTrained();
    const states = await this.#loadStates();
    return states.resume(trained);
  }

  dispose(): void {
    this.close();
    this.score.dispose();
    this.#states?.dispose();
  }

  get #outcome(): Outcome {
    return {
      best: this.best,
      history: this.history,
      monitor: this.monitor,
      options: this.options,
      numClasses: this.score.numClasses,
    };
  }

  async #loadStates(): Promise<StateKeeper> {
    if (this.#states !== null) return this.#states;
    const [{ StateKeeper }, store] = await Promise.all([
      loadCode(import('./state-keeper.js')),
      this.#place?.loadStore() ?? null,
    ]);
    // Another call may have come before this one.
    return (this.#states ??= new StateKeeper(this, store));
  }

  async #compare(trained: Trained, ended: EndedEpoch, score: DetachedScore): Promise<EpochRecord> {
    await this.open(trained).catch((error: unknown) => {
      // The epoch stays open: the caller may close it again once the store is free.
      this.score.reattach(score);
      throw error;
    });
    const { others, ...numbers } = await readScore(score, ended.logs.scalars);
    const logs = Object.freeze(ended.logs.numbers(others));
    const record = this.comparison.add({ ...ended, ...numbers, logs });
    // It may have been disposed while the device was busy.
    if (this.#states?.isOpen === true) await this.#states.keep(trained, record, ended);
    return record;
  }
}
