import * as tf from '@tensorflow/tfjs';
import { defineInspection } from '#platform';
import type { WeightAverage } from './averaging/weight-average.js';
import { checkArgument, describeValue, isFunction } from './check-options.js';
import type { EpochRecord, Phase } from './epoch-record.js';
import { EntropyCheckpointError } from './errors.js';
import { epochOf, resolveOptions, type EntropyCheckpointOptions } from './options.js';
import { bindMembers } from './platform/bind-members.js';
import { loadCode } from './platform/load-code.js';
import type { ClassOutputs } from './predictions/class-outputs.js';
import type {
  FitParams,
  PredictionSink,
  PredictionTap,
  ValidationWeights,
} from './predictions/prediction-tap.js';
import type { CheckpointJson } from './report/checkpoint-json.js';
import type { ReportJson } from './report/report-json.js';
import type { ReportJsonOptions, ReportOptions } from './report/report.js';
import type { EpochSummary } from './report/summary.js';
import type { Measured } from './scoring/running-mean.js';
import type { ValidationValues } from './scoring/validation-values.js';
import { requireLogged } from './selection/monitor.js';
import {
  callbackInstance,
  compiledOptimizer,
  functionalModel,
  haveSameLayers,
  internalsOf,
  otherTfjs,
  type TrainedModel,
  type CallbackInstance,
  type CallbackLike,
} from './tfjs-internals.js';
import {
  TrainingSession,
  type CapturedState,
  type CheckpointAccess,
  type InitialPosition,
} from './training-session.js';
import { WarnOnce } from './warnings.js';

type Logs = Record<string, number | tf.Scalar>;

const NEVER_TRAINED =
  'No `fit` has trained with this callback: pass `callbacks: checkpoint`, or `callbacks: checkpoint.with(others)`. ' +
  '`[[checkpoint]]` is ignored.';

/**
 * A callback for `model.fit` and `model.fitDataset` that keeps the model and optimizer state of the best epoch: by
 * default the one whose predictions had the highest entropy of the two largest class probabilities.
 *
 * @example
 * const checkpoint = new EntropyCheckpointCallback({ monitor: 'val_acc', filepath: 'checkpoints/run-7' });
 * await model.fit(x, y, { epochs: 30, validationSplit: 0.1, callbacks: checkpoint });
 * console.log(checkpoint.explain()); // which epoch was selected, and why
 * await checkpoint.loadCheckpoint(); // restores it, in the model and its optimizer
 *
 * @remarks
 * The values of each epoch are added to `logs` as `entropy`, `train_entropy` and `val_entropy`, for `History` and the
 * callbacks after this one. In a list of callbacks, all must be instances.
 */
export class EntropyCheckpointCallback extends tf.CustomCallback implements CheckpointAccess {
  static {
    defineInspection(this);
  }

  readonly #session: TrainingSession;
  /** Given by `setModel`, before it's known whether this `fit` can begin. */
  #offered: tf.LayersModel | null = null;
  /** The model of the last `fit`; no other model is accepted afterwards. */
  #model: tf.LayersModel | null = null;
  /** What `fit` passed to `setParams`: the object itself, which the callbacks of TensorFlow.js read as well. */
  #params: FitParams = {};
  #tap: PredictionTap | null = null;
  /** Set once `fit` has begun. */
  #logging: typeof import('./scoring/epoch-logs.js') | null = null;
  #outputs: ClassOutputs = new Map();
  /** The scores of the running batch, by output. They count once it has ended. */
  readonly #batch = new Map<number, Measured | null>();
  /** What the validation of the running epoch has computed, if `fit` logs it under wrong names. */
  #validation: ValidationValues | null = null;
  readonly #warnings = new WarnOnce();
  #fit = -1;
  /** The running epoch. */
  #epoch = 0;
  /** How many batches of it have ended in this `fit`. */
  #numBatches = 0;
  /** What is added to the epoch numbers of the running `fit`; null before its first epoch. */
  #offset: number | null = null;
  /** After `resume`: the epoch that the next `fit` must begin with. */
  #initialEpoch: number | null = null;
  /** Whether an earlier callback is expected to add the monitored value to `logs`. */
  #isMonitorUnseen = false;
  /** The state before an epoch that must not train, because the choice is made already; null while none runs. */
  #stateBefore: CapturedState | null = null;

  /** Ends the use of an average that other checkpoints of the running `fit` may share; null while none is used. */
  #leaveAverage: (() => void) | null = null;

  readonly #sink: PredictionSink & { validationWeights: ValidationWeights | null } = {
    validationWeights: null,
    onPredictions: (output, predictions, phase) => {
      this.#score(output, predictions, phase);
    },
    onValidated: (validated) => {
      this.#discardValidation();
      this.#validation = validated;
    },
    onValidationDiscarded: () => {
      this.#discardValidation();
      this.#session.score.reset('val');
    },
    onFitOver: () => {
      this.#end();
    },
  };

  /**
   * @param options all are optional:
   *
   * - `filepath` (string, `tf.io.IOHandler`, store or null; default `'entropy_checkpoint'`): where to store.
   * - `monitor` (string or function; default `'entropy'`): the value by which the epoch is selected. `'val_acc'` and
   *   `'consensus'` lose less accuracy on average.
   * - `mode` (`'auto'`, `'max'` or `'min'`; default `'auto'`): which values are better.
   * - `patience` (integer or Infinity; default by the monitor): after how many epochs without a better one the choice
   *   is made.
   * - `stopTraining` (boolean; default false): whether `fit` ends then.
   * - `averageWeights` (boolean, or `{ decay, updatesPerEpoch }`; default false): whether validation runs on an average
   *   of the weights over the last steps, and that average is kept.
   * - `topK` (integer; default 2): how many of the largest probabilities count.
   * - `fromLogits` (boolean or `'auto'`; default `'auto'`): whether outputs hold logits.
   * - `outputs` (list of names; default all class outputs): the outputs to score.
   * - `minDelta` (number; default 0): an improvement must be larger.
   * - `startFromEpoch` (integer; default 0): earlier epochs are never selected.
   * - `initialThreshold` (number; default none): the first best epoch must beat it.
   * - `includeOptimizer` (boolean; default true): whether the optimizer's state is stored.
   * - `restoreBestWeights` (boolean; default false): whether the model holds the best weights when training ends.
   * - `maxToKeep` (integer or Infinity; default 1): how many of the best epochs are kept.
   * - `keepEvery` (integer; default none): every n-th epoch is kept as well.
   * - `saveLast` (boolean, or `{ everySeconds, everyBatches }`; default false): whether the latest epoch is kept as well, for
   *   `resume`; an object keeps states within epochs, too.
   * - `stopOn` (list of signals; default none): what ends the training after the batch that runs, with everything stored.
   * - `metadata` (JSON data; default none): stored with every checkpoint.
   * - `rememberedRows` (integer; default 10000): how many validation rows `'consensus'` and `'label_wave'` compare.
   * - `onBest` (function; default none): called when an epoch has become the best.
   * - `yieldEvery` (string or milliseconds; default `'auto'`): how often `fit` yields to other tasks.
   * - `storeTimeoutMs` (milliseconds; default 120000): how long a handler or IndexedDB may take for one answer.
   * - `verbose` (0, 1 or 2; default 0): 1 prints a line for each save and one at the end, 2 one for each epoch as well.
   * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION`.
   * @example
   * new EntropyCheckpointCallback({ monitor: 'consensus', filepath: 'checkpoints/run-7', saveLast: true });
   */
  constructor(options?: EntropyCheckpointOptions) {
    const resolved = resolveOptions(options);
    super({}, resolved.yieldEvery);
    this.#session = new TrainingSession(resolved);
    bindMembers(this);
    const { onTrainBegin } = this as { onTrainBegin: (logs?: Logs) => Promise<void> };
    const checkCaller = (caller: unknown): void => {
      this.#checkCaller(caller);
    };
    Object.defineProperty(this, 'onTrainBegin', {
      // `fit` calls it on a copy as well, such as `{...checkpoint}`, and is refused there.
      enumerable: true,
      // Not bound: `this` says who calls it.
      async value(this: unknown, logs?: Logs): Promise<void> {
        checkCaller(this);
        await onTrainBegin(logs);
      },
    });
  }

  /** Called by `fit` where the class itself is passed. @internal */
  protected static onTrainBegin(): never {
    throw listedAsConfiguration();
  }

  get history(): readonly EpochRecord[] {
    return this.#session.selector.history;
  }

  get best(): EpochRecord | null {
    return this.#session.selector.best;
  }

  get kept(): readonly EpochRecord[] {
    return this.#session.selector.kept;
  }

  get bestPath(): string | null {
    return this.#session.bestPath;
  }

  get isDecided(): boolean {
    return this.#session.selector.isDecided;
  }

  get isStopped(): boolean {
    return this.#session.isStopped;
  }

  explain(): string {
    return this.#model === null ? NEVER_TRAINED : this.#session.explain();
  }

  summary(): EpochSummary[] {
    return this.#session.summary();
  }

  historyCsv(): string {
    return this.#session.historyCsv();
  }

  toJSON(): CheckpointJson {
    return this.#session.toJSON();
  }

  report(options: ReportJsonOptions): Promise<ReportJson>;
  report(options?: ReportOptions): Promise<string>;
  report(options?: ReportOptions | ReportJsonOptions): Promise<string | ReportJson> {
    return this.#session.report(options);
  }

  async loadCheckpoint(options: { epoch?: number | 'last' } = {}): Promise<EpochRecord> {
    const epoch = epochOf(options, this.#session.options);
    return this.#session.load(this.#trained(), epoch);
  }

  /**
   * Resumes the training that is stored: weights, optimizer, best and history. It continues after the latest stored
   * epoch: with `saveLast` the last one that ended, or within the one that was interrupted (`saveLast: { … }`); else the
   * best. Call it before `fit`.
   *
   * @param model built and compiled by the same code as the trained one; the caller keeps it.
   * @returns the `initialEpoch` to pass to `fit`; 0 where nothing is stored. If `initialBatch` isn't 0, train the rest of that
   *   epoch first: `fitDataset(dataset.skip(initialBatch), { initialEpoch, epochs: initialEpoch + 1, … })`.
   * @throws EntropyCheckpointError `ENTROPY_MODEL_MISMATCH`, `ENTROPY_OPTIMIZER_MISMATCH`,
   *   `ENTROPY_MONITOR_MISMATCH`, `ENTROPY_CORRUPT_CHECKPOINT`, `ENTROPY_STORE_IN_USE`, `ENTROPY_INVALID_STATE`,
   *   `ENTROPY_UNSUPPORTED_MODEL`. Nothing is changed then.
   */
  async resume(model: tf.LayersModel): Promise<InitialPosition> {
    const functional = functionalModel(model);
    this.#checkModel(functional);
    const position = await this.#session.resume(trainedModel(functional));
    this.#model = functional;
    this.#initialEpoch = position.initialEpoch;
    // An epoch belongs to the `fit` that began it.
    const { last } = this.#session.selector;
    this.#fit = position.initialBatch > 0 ? last!.fit - 1 : (this.history.at(-1)?.fit ?? -1);
    return position;
  }

  /**
   * Runs `use` while the model holds the average of its weights (`averageWeights`), and restores the trained weights
   * whatever happens: in another callback, to test the average. Nothing is copied.
   *
   * @param use must return at once, and only read the model. Await what it returns, such as the data of tensors, outside.
   * @returns what `use` returns.
   * @throws EntropyCheckpointError `ENTROPY_INVALID_ARGUMENT`; `ENTROPY_INVALID_STATE` without `averageWeights`, inside
   *   another `withAverage`, or if the weights were changed meanwhile.
   */
  async withAverage<T>(use: () => T): Promise<T> {
    checkArgument('use', use, [isFunction, 'a function']);
    const { average } = this.#session;
    if (average !== null) {
      const result = average.run(use);
      checkArgument('use', result, [isNoPromise, 'a function that is not async: await outside of it']);
      return Promise.resolve(result);
    }
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_STATE',
      'Set `averageWeights`, and call this while `fit` runs or after it: there is no average of the weights.',
    );
  }

  /**
   * The list for the `callbacks` of `fit`: this callback, and after it `others`, which see its values in `logs`.
   * TensorFlow.js takes no list with both instances and objects of functions, so those become instances.
   *
   * @param others instances, objects of functions such as those of tfjs-vis, or none.
   * @example
   * await model.fit(x, y, { callbacks: checkpoint.with(tfvis.show.fitCallbacks(surface, ['loss'])) });
   * @throws EntropyCheckpointError `ENTROPY_INVALID_ARGUMENT`.
   */
  with(others?: CallbackLike | readonly CallbackLike[] | null): CallbackInstance[] {
    const list = [others ?? []].flat() as unknown[];
    for (const one of list) checkArgument('others', one, [isCallback, 'callbacks, or objects of functions']);
    return [this, ...(list as CallbackLike[]).map(callbackInstance)];
  }

  flush(): Promise<void> {
    return this.#session.flush();
  }

  dispose(): void {
    this.#tap?.detach(this.#sink);
    this.#end();
    this.#session.dispose();
  }

  /** Called by `fit`. @internal */
  override setModel(model: Parameters<tf.CustomCallback['setModel']>[0]): void {
    super.setModel(model);
    // `fit` calls this at once, but `onTrainBegin` only after that of other callbacks: another `fit` may begin before it.
    if (this.#offered !== null && this.#offered !== model && internalsOf(this.#offered).isTraining) {
      throw usedTwice();
    }
    this.#offered = model as tf.LayersModel;
    this.#params = this.params;
  }

  /** Called by `fit`. @internal */
  override async onTrainBegin(logs?: Logs): Promise<void> {
    await super.onTrainBegin(logs);
    const model = this.#offered;
    // It may be disposed before `fit` calls this.
    if (!this.#session.takesPart() || model === null) return;
    this.#checkModel(model);
    if (this.#tap !== null) throw usedTwice();
    // A page doesn't need them earlier.
    const { averageWeights } = this.#session.options;
    const [
      { findClassOutputs, outputSizes },
      { PredictionTap },
      { isKnownToFit },
      sharing,
      logging,
      running,
    ] = await Promise.all([
      loadCode(import('./predictions/class-outputs.js')),
      loadCode(import('./predictions/prediction-tap.js')),
      loadCode(import('./selection/known-to-fit.js')),
      averageWeights === null ? null : loadCode(import('./averaging/shared-average.js')),
      loadCode(import('./scoring/epoch-logs.js')),
      this.#session.loadRunning(),
    ]);
    this.#logging = logging;
    running?.beginFit(this.#params, this.#initialEpoch ?? 0);
    const { monitor, hasMonitor, hasMode, ...options } = this.#session.options;
    this.#outputs = findClassOutputs(model, { ...options, isRequired: monitor.phases.length > 0 });
    const sizes = monitor.comparing === null ? null : outputSizes(model, this.#outputs, monitor.name);
    const { metrics = [], doValidation = false } = this.#params;
    const logged = { metrics, hasValidation: doValidation, mayBeAdded: hasMode, isNamed: hasMonitor };
    this.#isMonitorUnseen = !isKnownToFit(monitor, logged);
    try {
      await this.#session.open(trainedModel(model));
      // If it was disposed while the store was being opened, it keeps out of this `fit`.
      if (!this.#session.isOpen) return;
      if (sizes !== null) this.#session.score.expect(sizes);
      if (sharing !== null) this.#beginAveraging(model, sharing);
      this.#tap = PredictionTap.attach(model, this.#params, this.#sink);
    } catch (error) {
      this.#end();
      throw error;
    }
    this.#session.listen();
    this.#model = model;
    this.#fit += 1;
    this.#offset = null;
  }

  /** Called by `fit`. @internal */
  override async onEpochBegin(epoch: number, logs?: Logs): Promise<void> {
    await super.onEpochBegin(epoch, logs);
    await this.#checkInitialEpoch(epoch);
    // Where a later call begins again at 0, its numbers follow those of the calls before.
    const { selector, running, options } = this.#session;
    running?.begin();
    this.#offset ??= Math.max(0, selector.nextEpoch - epoch);
    this.#epoch = epoch + this.#offset;
    this.#numBatches = 0;
    const isOver = this.#session.isStopRequested || (this.isDecided && options.stopTraining);
    if (this.#tap === null || !isOver) return;
    // `fit` can't be ended before its first batch, so that one is undone.
    const before = await this.#session.captureState(this.#trained());
    // It may be disposed meanwhile.
    if (!this.#session.isOpen) {
      before.dispose();
      return;
    }
    this.#stateBefore = before;
    this.#average?.skipEpoch();
    this.#stopTraining();
  }

  /** Called by `fit`. @internal */
  override async onBatchBegin(batch: number, logs?: Logs): Promise<void> {
    this.#average?.beginBatch(batch + (this.#session.running?.numTrained ?? 0));
    await super.onBatchBegin(batch, logs);
  }

  /** Called by `fit`. @internal */
  override async onBatchEnd(batch: number, logs?: Logs): Promise<void> {
    for (const measured of this.#batch.values()) this.#session.score.add(measured, 'train');
    this.#batch.clear();
    this.#average?.endBatch();
    // Yields to the event loop, as often as `yieldEvery` says. Signals arrive meanwhile.
    await super.onBatchEnd(batch, logs);
    this.#numBatches = batch + 1;
    if (this.#tap !== null && this.#stateBefore === null) await this.#endBatch(logs);
  }

  /** Called by `fit`. @internal */
  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    // Without a tap, the callback was disposed during training and no longer takes part.
    try {
      if (this.#stateBefore !== null) await this.#undoEpoch(this.#stateBefore);
      else if (this.#tap !== null) await this.#closeEpoch(this.#tap.epochComplete, logs);
    } catch (error) {
      await this.#freeLogs(logs);
      throw error;
    }
    await super.onEpochEnd(epoch, logs);
  }

  /** Called by `fit`. @internal */
  override async onTrainEnd(logs?: Logs): Promise<void> {
    await super.onTrainEnd(logs);
    const tap = this.#tap;
    if (tap === null) return;
    try {
      await this.#session.finish(this.#trained());
    } catch (error) {
      await this.#freeLogs();
      throw error;
    } finally {
      // It may have been disposed meanwhile, and detaching twice does nothing.
      tap.detach(this.#sink);
      this.#end();
      this.#session.warnOfSelection();
    }
  }

  /**
   * `fit` calls `setModel` first. If the first item of the list isn't an instance, TensorFlow.js takes all items for
   * configurations and calls our methods on its own callback instead. It does the same with callbacks of another copy of
   * itself.
   *
   * @param caller the `this` of `onTrainBegin`: this callback, or a proxy of it.
   */
  #checkCaller(caller: unknown): void {
    if (this.#offered !== null || !this.#session.takesPart()) return;
    if (caller === undefined || caller instanceof EntropyCheckpointCallback) throw calledOutsideFit();
    throw caller instanceof tf.CustomCallback ? listedAsConfiguration() : otherTfjs();
  }

  #score(output: number, predictions: tf.Tensor, phase: Phase): void {
    const fromLogits = this.#outputs.get(output);
    if (fromLogits === undefined) return;
    const { score } = this.#session;
    if (phase === 'val') {
      score.append(predictions, fromLogits, 'val', output);
      return;
    }
    const measured = score.measure(predictions, fromLogits);
    // An optimizer may compute the loss more than once a batch: its last predictions count.
    this.#batch.get(output)?.dispose();
    this.#batch.set(output, measured);
  }

  /** Keeps the state within the epoch if that's due, and ends the training if a signal has arrived. */
  async #endBatch(logs: Logs = {}): Promise<void> {
    const { running } = this.#session;
    if (running !== null) {
      running.addLogs(logs);
      const batches = running.numTrained + this.#numBatches;
      await this.#session.endBatch(this.#trained(), { epoch: this.#epoch, fit: this.#fit, batches });
    }
    if (this.#session.isStopRequested) await this.#stop();
  }

  async #closeEpoch(ranToEnd: boolean, logs: Logs): Promise<void> {
    const { monitor, stopTraining } = this.#session.options;
    const { EpochLogs } = this.#logging!;
    const validation = this.#validation;
    this.#validation = null;
    try {
      const otherBatches = this.#session.running?.end(logs, this.#numBatches, ranToEnd) ?? null;
      this.#warnings.warn(otherBatches);
      const isComplete = ranToEnd && otherBatches === null;
      this.#warnings.warn(validation?.warning ?? null);
      const epochLogs = new EpochLogs(logs, validation);
      if (isComplete && (this.#isMonitorUnseen || validation?.isKnown === false)) {
        requireLogged(monitor, epochLogs.names);
        this.#isMonitorUnseen = false;
      }
      const ended = { epoch: this.#epoch, fit: this.#fit, isComplete, logs: epochLogs };
      const record = await this.#session.closeEpoch(this.#trained(), ended);
      this.#addLogs(record, logs);
    } finally {
      validation?.dispose();
    }
    if (stopTraining && this.isDecided) this.#stopTraining();
    if (this.#session.isStopRequested) await this.#stop();
  }

  /** Ends the training because a signal has arrived. Validation may follow, so what is to be kept is stored now. */
  async #stop(): Promise<void> {
    this.#stopTraining();
    // What can't be stored is reported when `fit` ends.
    await this.#session.stop().catch(() => undefined);
  }

  async #undoEpoch(before: CapturedState): Promise<void> {
    this.#discardValidation();
    this.#session.score.reset();
    this.#session.running?.reset();
    await before.restore();
    before.dispose();
    this.#stateBefore = null;
  }

  /** The average of the running `fit`. */
  get #average(): WeightAverage | null {
    return this.#tap === null ? null : this.#session.average;
  }

  #beginAveraging(
    model: tf.LayersModel,
    { joinAverage, leaveAverage }: typeof import('./averaging/shared-average.js'),
  ): void {
    const average = joinAverage(model, this.#session.average!);
    this.#leaveAverage = () => {
      leaveAverage(model);
    };
    this.#session.averageBy(average);
    const numTrained = this.#session.running?.numTrained ?? 0;
    const numBatches = batchesPerEpoch(this.#params);
    average.beginFit(model, numBatches === null ? null : numBatches + numTrained, numTrained);
    this.#sink.validationWeights = average;
  }

  #addLogs(record: EpochRecord, logs: Logs): void {
    const { metrics = [] } = this.#params;
    const { addOwnLogs, warningOfTaken } = this.#logging!;
    for (const name of addOwnLogs(logs, record, this.#session.options.monitor, metrics)) {
      this.#warnings.warn(warningOfTaken(name, metrics));
    }
  }

  /** Before `fit` rejects: it would leave the scalars that it has logged on the device. */
  async #freeLogs(current: Logs = {}): Promise<void> {
    const { metrics = [] } = this.#params;
    for (const name of metrics) if (current[name] instanceof tf.Tensor) current[name].dispose();
    await internalsOf(this.#model!).history?.syncData();
  }

  #stopTraining(): void {
    if (this.#model !== null) this.#model.stopTraining = true;
  }

  #end(): void {
    this.#tap = null;
    this.#offered = null;
    this.#stateBefore?.dispose();
    this.#stateBefore = null;
    this.#discardValidation();
    for (const measured of this.#batch.values()) measured?.dispose();
    this.#batch.clear();
    this.#leaveAverage?.();
    this.#leaveAverage = null;
    this.#sink.validationWeights = null;
    this.#session.close();
  }

  #discardValidation(): void {
    this.#validation?.dispose();
    this.#validation = null;
  }

  #trained(): TrainedModel {
    if (this.#model !== null) return trainedModel(this.#model);
    throw new EntropyCheckpointError('ENTROPY_NO_BEST', NEVER_TRAINED);
  }

  async #checkInitialEpoch(epoch: number): Promise<void> {
    const expected = this.#initialEpoch;
    // A training of several calls may have begun each of them at 0.
    const isWithin = this.#session.running?.isWaiting === true;
    const beginsAgain = epoch === 0 && !isWithin && (this.history.at(-1)?.fit ?? 0) > 0;
    if (expected !== null && expected !== epoch && !beginsAgain) {
      const { wrongInitialEpoch } = await loadCode(import('./selection/find-epoch.js'));
      throw wrongInitialEpoch(expected, epoch);
    }
    this.#initialEpoch = null;
  }

  #checkModel(model: tf.LayersModel): void {
    if (this.#model === null || haveSameLayers(this.#model, model)) return;
    throw new EntropyCheckpointError(
      'ENTROPY_MODEL_CHANGED',
      `Make a new EntropyCheckpointCallback for another model: this one has trained "${this.#model.name}", got ` +
        `${describeValue(model.name)}.`,
    );
  }
}

/** null in a `fitDataset` of unknown size. */
function batchesPerEpoch({ steps, samples, batchSize }: FitParams): number | null {
  return samples != null && batchSize != null ? Math.ceil(samples / batchSize) : (steps ?? null);
}

const isNoPromise = (value: unknown): boolean => !(value instanceof Promise);

function trainedModel(model: tf.LayersModel): TrainedModel {
  return { model, optimizer: compiledOptimizer(model) };
}

function usedTwice(): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_INVALID_STATE',
    'Make a callback for each `fit` that runs at the same time, and list it once: this instance is training already.',
  );
}

function calledOutsideFit(): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_INVALID_STATE',
    'Pass this callback to `fit` or `fitDataset`, which call its hooks: `onTrainBegin` was called without `setModel`.',
  );
}

const isCallback = (value: unknown): boolean => typeof value === 'object' && value !== null;

function listedAsConfiguration(): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_INVALID_CALLBACK_LIST',
    'To `fit`, pass `callbacks: checkpoint`, or `callbacks: checkpoint.with(others)`: got an object of functions first, a ' +
      'copy of this callback, or its class.',
  );
}
