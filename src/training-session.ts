import { onFirstSignal } from '#platform';
import type { WeightAverage } from './averaging/weight-average.js';
import { EntropyCheckpointError } from './errors.js';
import type { EpochRecord } from './epoch-record.js';
import type { Snapshot } from './format/snapshot.js';
import type { ResolvedOptions } from './options.js';
import { loadCode } from './platform/load-code.js';
import type { CheckpointJson } from './report/checkpoint-json.js';
import type { Outcome } from './report/explain.js';
import type { ReportJson } from './report/report-json.js';
import type { ReportJsonOptions, ReportOptions } from './report/report.js';
import type { EpochSummary } from './report/summary.js';
import type { BatchPosition, RunningEpoch } from './scoring/running-epoch.js';
import type { EpochSaver } from './saving/epoch-saver.js';
import type { ResumableTraining } from './saving/resume.js';
import type { EpochLogs } from './scoring/epoch-logs.js';
import type { EpochScore } from './scoring/epoch-score.js';
import { EpochSelector } from './selection/epoch-selector.js';
import { resolveLocation } from './stores/resolve-location.js';
import type { StoreLocation } from './stores/store-location.js';
import type { Json } from './stores/store.js';
import type { TrainedModel } from './tfjs-internals.js';
import { WarnOnce } from './warnings.js';

/** An epoch that has ended. */
export interface EndedEpoch {
  readonly epoch: number;
  readonly fit: number;
  /** Whether it ran to its end. An epoch that was cut short is recorded, but never the best and never resumed from. */
  readonly isComplete: boolean;
  /** Its losses and metrics. */
  readonly logs: EpochLogs;
}

/** Where a training begins, or is resumed. */
export interface InitialPosition {
  /** The epoch to begin with, counted from 0; 0 where nothing is stored. */
  initialEpoch: number;
  /** How many batches of that epoch are trained (`saveLast: { … }`); 0 where it begins anew. */
  initialBatch: number;
}

/** The state of a model and its optimizer. The caller disposes it. */
export interface CapturedState {
  restore(): Promise<void>;
  dispose(): void;
}

/** What `EntropyCheckpointCallback` and `EntropyCheckpoint` have in common. */
export interface CheckpointAccess {
  /** Every epoch that has ended, in the order in which they ran, over all `fit` calls of this instance. */
  readonly history: readonly EpochRecord[];
  /** The best epoch so far; null before the first. */
  readonly best: EpochRecord | null;
  /** The best epochs, best first, at most `maxToKeep`; then the other epochs that `keepEvery` keeps, in their order. */
  readonly kept: readonly EpochRecord[];
  /**
   * What another process passes to `loadCheckpoint` to load the best epoch: an absolute path in Node,
   * `indexeddb://…` in a browser, or another URL. null as long as that epoch isn't stored, which `flush` awaits, and where
   * no such text exists: in memory, in a handler, or in your own store.
   */
  readonly bestPath: string | null;
  /** Whether the choice is made: `patience` epochs ended without a better one, so no later epoch can be the best. */
  readonly isDecided: boolean;
  /** Whether a signal has ended the training (`stopOn`), and what is to be kept is stored. */
  readonly isStopped: boolean;
  /**
   * Why the best epoch was selected, in a few sentences from this training's own numbers, and what casts doubt on it:
   * too early, still rising, few classes, no validation.
   */
  explain(): string;
  /**
   * The epochs as a table for people: `console.table(checkpoint.summary())`. A row has the number of the epoch, the
   * monitored value, the entropies and what was logged, to 4 significant digits, and as `state` whether the epoch is kept:
   * `'best'`, `'kept'`, `'last'` or `''`. After several calls of `fit`, it has the number of the call as well.
   *
   * @returns plain objects, one an epoch; an empty list before the first.
   */
  summary(): EpochSummary[];
  /**
   * `history` as CSV by RFC 4180, for spreadsheets and data frames: a header line, and one line an epoch with every value
   * in full precision. A cell is empty where an epoch has no value.
   *
   * @returns an empty text before the first epoch, as the columns aren't known yet.
   */
  historyCsv(): string;
  /** Plain data for `JSON.stringify`, without tensors. JSON writes NaN and ±Infinity as null; `historyCsv` has them. */
  toJSON(): CheckpointJson;
  /**
   * What `report` shows as plain data, for a dashboard or a test: the result in one line, the explanation, the
   * curves and the table. It's bounded like the page; `toJSON` has every epoch. JSON writes NaN and ±Infinity as null.
   *
   * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION`, `ENTROPY_CODE_NOT_LOADED`.
   */
  report(options: ReportJsonOptions): Promise<ReportJson>;
  /**
   * A report on the training so far: the result in one line and why, the curves of entropy, loss and metrics, and a table
   * of all values. It stays below a few MB: beyond 2,000 epochs, the table has some of them, and the curves keep what
   * is visible.
   *
   * @returns a self-contained HTML page: it needs no script and no other file.
   * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION`, `ENTROPY_CODE_NOT_LOADED`.
   */
  report(options?: ReportOptions): Promise<string>;
  /**
   * Restores the best epoch in the model that was trained, and in its optimizer. If the stored epoch is damaged, the
   * next best of the kept epochs is restored instead, with a warning.
   *
   * @param options `epoch`: the number of another kept epoch, counted from 0; or `'last'` for the latest (`saveLast`).
   * @returns the record of the epoch that was restored.
   * @throws EntropyCheckpointError `ENTROPY_NO_BEST`, `ENTROPY_NO_CHECKPOINT`, `ENTROPY_CHECKPOINT_REPLACED`,
   *   `ENTROPY_CORRUPT_CHECKPOINT`, `ENTROPY_OPTIMIZER_MISMATCH`, `ENTROPY_INVALID_OPTION`. Nothing is changed then.
   */
  loadCheckpoint(options?: { epoch?: number | 'last' }): Promise<EpochRecord>;
  /**
   * Resolves when everything that is to be kept is stored. What failed before is attempted again.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_FAILED` where something couldn't be stored. It stays in memory.
   */
  flush(): Promise<void>;
  /**
   * Frees every tensor that this instance holds, and releases its store. A write that has begun ends first. What is
   * stored stays, and can be loaded.
   *
   * You can call it at any time, also while a training runs: the training then continues without this instance, and a
   * warning says so.
   */
  dispose(): void;
}

/** The code that is loaded when training begins or a checkpoint is restored: a page doesn't need it earlier. */
interface TrainingCode {
  readonly state: typeof import('./state/training-state.js');
  readonly snapshots: typeof import('./format/snapshot.js');
  readonly scoring: typeof import('./scoring/epoch-score.js');
  readonly texts: typeof import('./report/texts.js');
  readonly saver: EpochSaver;
}

/**
 * One training: scores predictions, selects epochs, and saves their states. Both public classes are built on it: `fit`
 * feeds one of them, a custom training loop the other.
 */
export class TrainingSession {
  readonly options: ResolvedOptions;
  readonly selector: EpochSelector;
  /** null before the code for it is loaded. */
  #score: EpochScore | null;
  /** The average of the weights; null before the code for it is loaded, and where weights aren't averaged. */
  #average: WeightAverage | null = null;
  /** null before the code for it is loaded, and where no training is resumed or kept within an epoch. */
  #running: RunningEpoch | null = null;
  #isStopRequested = false;
  #isStopped = false;
  /** Ends listening for signals; null while nobody listens. */
  #stopListening: (() => void) | null = null;
  /** null: in memory only. */
  readonly #location: StoreLocation | null;
  #code: Promise<TrainingCode> | null = null;
  /** Set once the code is loaded. */
  #texts: TrainingCode['texts'] | null = null;
  #saver: EpochSaver | null = null;
  /** The model's architecture when training began, where it's stored. */
  #topology: Json = null;
  #closing: Promise<EpochRecord | null> = Promise.resolve(null);
  #isOpening = false;
  #isDisposed = false;
  readonly #warnings = new WarnOnce();

  /**
   * @param score this object owns it; null: it's made when training begins.
   * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` for a location that can't be used or holds too little.
   */
  constructor(options: ResolvedOptions, score: EpochScore | null = null) {
    this.options = options;
    this.selector = new EpochSelector(options.monitor, options);
    this.#score = score;
    this.#location = options.filepath === null ? null : resolveLocation(options.filepath);
    checkCapacity(this.#location, options);
  }

  /** The score of the running epoch, once training has begun. */
  get score(): EpochScore {
    return this.#score!;
  }

  /** Whether the score of an ended epoch isn't detached yet, because the store is being opened: don't append now. */
  get isOpening(): boolean {
    return this.#isOpening;
  }

  /** Whether a training runs. It isn't if the session was closed while it was being opened. */
  get isOpen(): boolean {
    return this.#saver?.isOpen === true;
  }

  /** Whether the training is recorded. Not any more once it was disposed, and a warning says so. */
  takesPart(): boolean {
    if (this.#isDisposed) {
      this.#warnings.warn(
        'This instance was disposed, so the training continues without checkpoints. Make a new instance for it.',
      );
    }
    return !this.#isDisposed;
  }

  get average(): WeightAverage | null {
    return this.#average;
  }

  /** The running epoch, where a training can be interrupted within it. */
  get running(): RunningEpoch | null {
    return this.#running;
  }

  /** Whether a signal has arrived that ends the training: call `stop` at the end of the batch. */
  get isStopRequested(): boolean {
    return this.#isStopRequested;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /**
   * Stores what is to be kept, because the training ends.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_FAILED` where something wanted couldn't be stored.
   */
  async stop(): Promise<void> {
    try {
      await this.flush();
    } finally {
      this.#isStopped = true;
    }
  }

  /** Listens for the signals of `stopOn`, until this is closed. Idempotent. */
  listen(): void {
    const { stopOn } = this.options;
    if (this.#stopListening !== null || stopOn.length === 0) return;
    this.#stopListening = onFirstSignal(stopOn, () => {
      this.#isStopRequested = true;
    });
  }

  /** Sets the average of the weights. This object owns it from now on. */
  averageBy(average: WeightAverage): void {
    this.#average = average;
  }

  explain(): string {
    // Before the code for it is loaded, no epoch has ended.
    return this.#texts?.explain(this.#outcome) ?? 'No epoch has ended yet.';
  }

  /** Warns of what a user should know about the selection when training has ended. */
  warnOfSelection(): void {
    this.#texts?.warnOfSelection(this.#outcome, this.#warnings);
  }

  summary(): EpochSummary[] {
    return this.#texts?.summary(this.#outcome) ?? [];
  }

  historyCsv(): string {
    return this.#texts?.historyCsv(this.#outcome) ?? '';
  }

  get bestPath(): string | null {
    return this.#bestLocation?.source ?? null;
  }

  toJSON(): CheckpointJson {
    const { best, kept, history } = this.selector;
    const { name: monitor, mode } = this.options.monitor;
    const { source, name = null } = this.#location ?? {};
    return { monitor, mode, location: source ?? name, best, kept, history: [...history] };
  }

  /** @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION`, `ENTROPY_CODE_NOT_LOADED`. */
  async report(options?: ReportOptions | ReportJsonOptions): Promise<string | ReportJson> {
    await this.#closing.catch(() => null);
    const { report } = await loadCode(import('./report/report.js'));
    return report(this.#outcome, options);
  }

  /**
   * Locks the store, after making sure that the state of `trained` can be captured. Idempotent.
   *
   * @throws EntropyCheckpointError `ENTROPY_CODE_NOT_LOADED`, `ENTROPY_STORE_IN_USE`, `ENTROPY_STORE_FAILED`,
   *   `ENTROPY_NOT_A_CHECKPOINT`, `ENTROPY_UNSUPPORTED_MODEL`, `ENTROPY_UNSUPPORTED_OPTIMIZER`.
   */
  async open(trained: TrainedModel): Promise<void> {
    if (this.isOpen || !this.takesPart()) return;
    const { state, snapshots, saver } = await this.#loadCode();
    if (!this.takesPart()) return;
    if (this.#location !== null) this.#topology = state.modelTopology(trained.model);
    snapshots.disposeState(this.#capture(state, trained).state);
    await saver.open();
  }

  /** Ends a training: releases the store once everything wanted is written. States that are only in memory stay. */
  close(): void {
    this.#stopListening?.();
    this.#stopListening = null;
    this.#saver?.close();
    // Whoever couldn't continue a resumed epoch may try again.
    if (this.#running?.isWaiting !== true) this.#resetEpoch();
  }

  #resetEpoch(): void {
    this.#score?.reset();
    this.#running?.reset();
  }

  /**
   * Keeps the state within an epoch, if that's due after a batch. It's written while training continues.
   *
   * @param trained its state must not change before this has resolved.
   * @throws EntropyCheckpointError whatever opening the store throws.
   */
  async endBatch(trained: TrainedModel, position: BatchPosition): Promise<void> {
    if (this.options.saveWithin === null) return;
    const { state, saver } = await this.#loadCode();
    const running = this.#running!;
    if (!running.isDue(position.batches, this.#isStopRequested)) return;
    await this.#closing.catch(() => null);
    if (!this.isOpen) {
      this.#isOpening = true;
      await this.#openBeforeSelecting(trained);
    }
    if (!this.isOpen) return;
    const record = running.keep(position, this.#average !== null);
    this.selector.forget(saver.takeLost());
    this.selector.addRunning(record);
    await saver.keep(this.selector, record, () =>
      running.capture(this.#capture(state, trained), this.score, this.#average),
    );
  }

  /**
   * Ends an epoch, with one device read. Its state is held if it's selected, and written while training continues.
   *
   * What is appended from now on belongs to the next epoch, unless this call has to open the store first.
   */
  closeEpoch(trained: TrainedModel, ended: EndedEpoch): Promise<EpochRecord> {
    this.#average?.endEpoch(ended.isComplete);
    const detached = this.isOpen ? this.score.detach() : null;
    this.#isOpening = detached === null;
    // One after the other, even if the caller doesn't await the previous call.
    const previous = this.#closing.catch(() => null);
    const closing = previous.then(async () => {
      if (detached !== null) return this.#select(trained, ended, detached);
      await this.#openBeforeSelecting(trained);
      // Disposing has freed the score.
      const isComplete = ended.isComplete && !this.#isDisposed;
      return this.#select(trained, { ...ended, isComplete }, this.score.detach());
    });
    this.#closing = closing;
    // `flush` doesn't wait for `onBest`, which may call it.
    return closing.then(async (record) => {
      if (record.isBest) await this.options.onBest?.(record);
      return record;
    });
  }

  /** With `verbose`, prints which epoch is kept, once after the last one. */
  printKept(): void {
    this.#texts?.printKept(this.#outcome, this.#bestLocation);
  }

  /**
   * Completes a training that ran to its end: restores the best state if configured, and stores what is wanted.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_FAILED` where something wanted couldn't be stored.
   */
  async finish(trained: TrainedModel): Promise<void> {
    if (this.options.restoreBestWeights && this.selector.best !== null) await this.load(trained);
    await this.flush();
    this.printKept();
  }

  /** @throws EntropyCheckpointError `ENTROPY_STORE_FAILED` where something wanted couldn't be stored. */
  async flush(): Promise<void> {
    await this.#closing;
    await this.#saver?.flush();
  }

  /**
   * Restores the state of a selected epoch.
   *
   * @param epoch counted from 0, or `'last'`; undefined: the best.
   * @returns the epoch whose state it is: the next best if the best is damaged.
   * @throws EntropyCheckpointError `ENTROPY_NO_BEST`, `ENTROPY_NO_CHECKPOINT`, `ENTROPY_CHECKPOINT_REPLACED`,
   *   `ENTROPY_CORRUPT_CHECKPOINT`, `ENTROPY_MODEL_MISMATCH`, `ENTROPY_OPTIMIZER_MISMATCH`.
   */
  async load({ model, optimizer }: TrainedModel, epoch?: number | 'last'): Promise<EpochRecord> {
    await this.#closing.catch(() => null);
    const [{ state, saver }, { findEpoch, noBest }] = await Promise.all([
      this.#loadCode(),
      loadCode(import('./selection/find-epoch.js')),
    ]);
    const record = findEpoch(this.selector, epoch);
    this.#average?.requireTrained();
    const loaded = await saver.withState(record, epoch === undefined, (stored) =>
      state.restoreState(stored, model, optimizer),
    );
    if (loaded === null) throw noBest(this.selector.history.length);
    this.#average?.reset();
    if (this.#running?.isWaiting === true) this.#resetEpoch();
    return loaded;
  }

  /**
   * Resumes the training that is stored: state, best and history.
   *
   * @throws EntropyCheckpointError `ENTROPY_INVALID_STATE` after training, `ENTROPY_MONITOR_MISMATCH`,
   *   `ENTROPY_MODEL_MISMATCH`, `ENTROPY_OPTIMIZER_MISMATCH`, `ENTROPY_CORRUPT_CHECKPOINT`,
   *   `ENTROPY_STORE_IN_USE`, `ENTROPY_STORE_FAILED`, `ENTROPY_MODEL_DISPOSED`, `ENTROPY_UNSUPPORTED_MODEL`,
   *   `ENTROPY_CODE_NOT_LOADED`.
   */
  async resume(trained: TrainedModel): Promise<InitialPosition> {
    if (this.#isDisposed || this.selector.history.length > 0) {
      throw new EntropyCheckpointError(
        'ENTROPY_INVALID_STATE',
        `Call \`resume\` before training: this instance has ${this.#isDisposed ? 'been disposed' : 'trained already'}. Make a ` +
          'new one.',
      );
    }
    const code = await this.#loadCode();
    this.#average?.requireTrained();
    code.state.requireLiveModel(trained.model);
    const record = await code.saver.resume(async (training) => {
      await this.#adopt(code, trained, training);
      return this.selector;
    });
    if (record === null) return { initialEpoch: 0, initialBatch: 0 };
    const { epoch, batches } = record;
    return batches === undefined
      ? { initialEpoch: epoch + 1, initialBatch: 0 }
      : { initialEpoch: epoch, initialBatch: batches };
  }

  /** The state of `trained` as it is now. It shares its buffers. */
  async captureState({ model, optimizer }: TrainedModel): Promise<CapturedState> {
    const { state, snapshots } = await this.#loadCode();
    const captured = state.captureState(model, optimizer);
    return {
      restore: () => state.restoreState(captured, model, optimizer),
      dispose: () => {
        snapshots.disposeState(captured);
      },
    };
  }

  /** Frees every tensor, and releases the store. A write that has begun ends first. */
  dispose(): void {
    this.#isDisposed = true;
    this.#isOpening = false;
    this.close();
    this.#resetEpoch();
    this.#score?.dispose();
    this.#average?.dispose();
    this.#average = null;
    this.#saver?.dispose();
  }

  /** Where the best epoch is stored; null if it isn't. */
  get #bestLocation(): StoreLocation | null {
    return this.#saver?.isBestStored === true ? this.#location : null;
  }

  get #outcome(): Outcome {
    const { selector, options } = this;
    return { selector, options, monitor: options.monitor, score: this.#score };
  }

  #loadCode(): Promise<TrainingCode> {
    // After a failure, the next call fetches it again.
    this.#code ??= this.#fetchCode().catch((error: unknown) => {
      this.#code = null;
      throw error;
    });
    return this.#code;
  }

  async #fetchCode(): Promise<TrainingCode> {
    const [{ EpochSaver }, state, snapshots, scoring, texts, store] = await Promise.all([
      loadCode(import('./saving/epoch-saver.js')),
      loadCode(import('./state/training-state.js')),
      loadCode(import('./format/snapshot.js')),
      loadCode(import('./scoring/epoch-score.js')),
      loadCode(import('./report/texts.js')),
      this.#location?.loadStore(this.options.storeTimeoutMs) ?? null,
      // Registers the kernels. Without them, the slower composition would score the first batch.
      loadCode(import('./entropy/all-kernels.js')),
      this.#loadAverage(),
      this.loadRunning(),
    ]);
    this.#score ??= new scoring.EpochScore(this.options);
    await this.#loadComparison(this.#score);
    const { yieldEvery } = this.options;
    const options = { ...this.options, isDeferred: yieldEvery === 'never' };
    const saver = new EpochSaver(store, options, (record) => {
      texts.printSaved(record, this.options, store);
    });
    this.#texts = texts;
    this.#saver = saver;
    return { state, snapshots, scoring, texts, saver };
  }

  async #loadComparison(score: EpochScore): Promise<void> {
    const { monitor, rememberedRows } = this.options;
    if (monitor.comparing === null || score.isComparing) return;
    const { PredictionChanges } = await loadCode(import('./scoring/prediction-changes.js'));
    score.compareBy(new PredictionChanges(monitor.comparing, rememberedRows));
  }

  async #loadAverage(): Promise<void> {
    const { averageWeights } = this.options;
    if (averageWeights === null || this.#average !== null) return;
    const { WeightAverage } = await loadCode(import('./averaging/weight-average.js'));
    this.#average = new WeightAverage(averageWeights);
  }

  /** Loads the code for interruptions within an epoch, if a training is kept or resumed there. */
  async loadRunning(): Promise<RunningEpoch | null> {
    return this.options.saveWithin === null ? this.#running : this.#loadRunning();
  }

  async #loadRunning(): Promise<RunningEpoch> {
    const { RunningEpoch } = await loadCode(import('./scoring/running-epoch.js'));
    this.#running ??= new RunningEpoch(this.options.saveWithin);
    return this.#running;
  }

  async #openBeforeSelecting(trained: TrainedModel): Promise<void> {
    try {
      await this.open(trained);
    } finally {
      this.#isOpening = false;
    }
  }

  #capture(state: TrainingCode['state'], { model, optimizer }: TrainedModel): Snapshot {
    this.#average?.requireTrained();
    const included = this.options.includeOptimizer ? optimizer : null;
    return state.takeSnapshot(model, included, this.score.monitorState, this.#topology, this.#average);
  }

  async #select(
    trained: TrainedModel,
    { epoch, fit, isComplete, logs }: EndedEpoch,
    score: ReturnType<EpochScore['detach']>,
  ): Promise<EpochRecord> {
    const { state, scoring, texts, saver } = await this.#loadCode();
    const { numbers, scalars } = await scoring.readScore(score, logs.scalars);
    const monitored = {
      epoch,
      fit,
      ...numbers,
      ...(this.#average === null ? {} : { isAveraged: true as const }),
      logs: Object.freeze(logs.numbers(scalars)),
    };
    this.selector.forget(saver.takeLost());
    const { best } = this.selector;
    const record = this.selector.add(monitored, isComplete, this.score.numClasses);
    texts.printEpoch(record, this.options, best);
    await saver.keep(this.selector, record, () => this.#capture(state, trained));
    return record;
  }

  async #adopt(
    { state }: TrainingCode,
    { model, optimizer }: TrainedModel,
    training: ResumableTraining,
  ): Promise<void> {
    if (training.state.optimizer !== null && optimizer === null) {
      throw new EntropyCheckpointError(
        'ENTROPY_OPTIMIZER_MISMATCH',
        `Compile the model before \`resume\`: ${this.#location?.name ?? 'the store'} holds the state of an optimizer.`,
      );
    }
    const restore = (): Promise<void> =>
      state.restoreState(training.state, model, optimizer, {
        average: this.#average,
        takeMonitorState: (monitorState) => {
          this.score.restore(monitorState);
        },
      });
    const { progress } = training.state;
    if (progress === undefined) {
      await restore();
    } else {
      const running = await this.#loadRunning();
      await running.resume(training.record, progress, this.score, this.#average, restore);
    }
    this.selector.adopt(training.history, training.rankable, training.periodic);
    if (progress !== undefined) this.selector.addRunning(training.record);
  }
}

/** @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` if the store can't hold everything that is to be kept. */
function checkCapacity(
  location: StoreLocation | null,
  { maxToKeep, keepEvery, saveLast }: ResolvedOptions,
): void {
  if (location?.capacity !== 'one' || (maxToKeep === 1 && keepEvery === Infinity && !saveLast)) return;
  throw new EntropyCheckpointError(
    'ENTROPY_INVALID_OPTION',
    `Leave out \`maxToKeep\`, \`keepEvery\` and \`saveLast\`, or store in a folder, IndexedDB or a MemoryStore: ${location.name} holds ` +
      'one checkpoint.',
  );
}
