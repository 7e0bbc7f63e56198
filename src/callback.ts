import * as tf from '@tensorflow/tfjs';
import { criterionOf } from './criteria/criterion.js';
import type { Phase } from './entropy/entropy-score.js';
import { EpochKeeper } from './epoch-keeper.js';
import { EpochLogs, ownLogs } from './epoch-logs.js';
import type { EpochRecord } from './epoch-record.js';
import { EntropyCheckpointError } from './errors.js';
import { ENTROPY_MONITORS } from './monitor.js';
import {
  epochOf,
  isOwnValue,
  resolveOptions,
  type EntropyCheckpointOptions,
  type ResolvedOptions,
} from './options.js';
import { findClassOutputs, type ClassOutputs } from './predictions/class-outputs.js';
import { PredictionTap, type FitParams, type PredictionSink } from './predictions/prediction-tap.js';
import type { ReportOptions } from './report/report.js';
import {
  compiledOptimizer,
  functionalModel,
  haveSameLayers,
  internalsOf,
  otherTfjs,
} from './tfjs-internals.js';
import type { Trained } from './trained.js';
import { endOfTrainingWarning, warn } from './warnings.js';

type Logs = Record<string, number | tf.Scalar>;

/**
 * Keeps model and optimizer of the epoch whose predictions, of training and of validation, had the
 * highest entropy of the two largest class probabilities: from before the network memorised the noise in
 * its labels.
 *
 * ```ts
 * const checkpoint = new EntropyCheckpointCallback();
 * await model.fit(x, y, {epochs: 30, validationSplit: 0.1, callbacks: checkpoint});
 * checkpoint.best; // {epoch, entropy, trainEntropy, valEntropy, value, isBest, fit, logs}
 * await checkpoint.loadCheckpoint();
 * ```
 *
 * Each epoch's values are written to `logs` as `entropy`, `train_entropy` and `val_entropy`, for
 * `History` and the callbacks after this one. In a list of callbacks all must be instances.
 */
export class EntropyCheckpointCallback extends tf.CustomCallback {
  readonly #keeper: EpochKeeper;
  /** Given by `setModel`, before it is known whether the `fit` can be begun. */
  #offered: tf.LayersModel | null = null;
  /** The model of the last `fit`; no other is taken from then on. */
  #model: tf.LayersModel | null = null;
  /** What that `fit` has told by `setParams`: the object itself, which tfjs's own callbacks read as well. */
  #params: FitParams = {};
  #tap: PredictionTap | null = null;
  #outputs: ClassOutputs = new Map();
  /** The scores of the running batch, by output; they count when it has ended. */
  readonly #batch = new Map<number, tf.Tensor1D | null>();
  readonly #warned = new Set<string>();
  #fit = -1;
  /** After `resume`: the epoch that the next `fit` must begin with. */
  #initialEpoch: number | null = null;

  readonly #sink: PredictionSink = {
    onPredictions: (output, predictions, phase) => {
      this.#score(output, predictions, phase);
    },
    onValidationDiscarded: () => {
      this.#keeper.score.reset('val');
    },
    onFitOver: () => {
      this.#end();
    },
  };

  /** @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION`. */
  constructor(options?: EntropyCheckpointOptions) {
    const resolved = resolveOptions(options);
    super({}, resolved.yieldEvery);
    this.#keeper = new EpochKeeper(resolved);
  }

  /** Every epoch that has ended, in order, over all `fit` calls. */
  get history(): readonly EpochRecord[] {
    return this.#keeper.history;
  }

  /** The best epoch so far, or null. */
  get best(): EpochRecord | null {
    return this.#keeper.best;
  }

  /** The best epochs, as many as `maxToKeep` says, the best first. */
  get kept(): readonly EpochRecord[] {
    return this.#keeper.kept;
  }

  /**
   * Why the best epoch is the best, in a few sentences from this training's own numbers, and what speaks against
   * it: too early, still rising, few classes, no validation. Epochs are counted from 0.
   */
  explain(): string {
    return this.#keeper.explain();
  }

  /**
   * A page on the training so far: the choice and its reason, the curves of entropy, loss and metrics with the
   * kept epoch marked, and a table of all values.
   *
   * @returns HTML that stands by itself: no script, no other file.
   * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION`, `ENTROPY_CODE_NOT_LOADED`.
   */
  report(options?: ReportOptions): Promise<string> {
    return this.#keeper.report(options);
  }

  /**
   * Puts the best state back into the model that was trained, and into its optimizer.
   *
   * If what is stored of it is damaged, the next best that is kept is used instead, with a warning.
   *
   * @param options `epoch`: one of those that are `kept` instead, counted from 0.
   * @returns the record of the epoch that was loaded.
   * @throws EntropyCheckpointError `ENTROPY_NO_BEST`, `ENTROPY_NO_CHECKPOINT`, `ENTROPY_CHECKPOINT_REPLACED`,
   *   `ENTROPY_CORRUPT_CHECKPOINT`, `ENTROPY_OPTIMIZER_MISMATCH`; nothing in memory is changed then.
   */
  async loadCheckpoint(options: { epoch?: number } = {}): Promise<EpochRecord> {
    return this.#keeper.load(this.#trained(), epochOf(options));
  }

  /**
   * Goes on from the latest epoch that is stored (with `saveLast` the last one that ended, else the best):
   * weights, optimizer, best and history. To be called before `fit`.
   *
   * @param model built by the same code as the one that was trained, and compiled alike.
   * @returns the `initialEpoch` that `fit` must be given; 0 where nothing is stored.
   * @throws EntropyCheckpointError `ENTROPY_MODEL_MISMATCH`, `ENTROPY_OPTIMIZER_MISMATCH`,
   *   `ENTROPY_CORRUPT_CHECKPOINT`; nothing is changed then.
   */
  async resume(model: tf.LayersModel): Promise<{ initialEpoch: number }> {
    const functional = functionalModel(model);
    const trained = trainedWith(functional);
    this.#checkModel(functional);
    const initialEpoch = await this.#keeper.resume(trained);
    this.#model = functional;
    this.#initialEpoch = initialEpoch;
    this.#fit = this.history.at(-1)?.fit ?? -1;
    return { initialEpoch };
  }

  /**
   * Resolves when all writing has reached the store. `fit` waits for it at its end.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_FAILED` where something has not; called again, it tries again.
   */
  flush(): Promise<void> {
    return this.#keeper.flush();
  }

  /**
   * Frees every tensor that is held, and gives the store back: both once what is being written is there. What
   * is stored stays.
   */
  dispose(): void {
    this.#tap?.detach(this.#sink);
    this.#end();
    this.#keeper.dispose();
  }

  /** Called by `fit`. @internal */
  override setModel(model: Parameters<tf.CustomCallback['setModel']>[0]): void {
    super.setModel(model);
    // `fit` calls this at once, and `onTrainBegin` only when its other callbacks are done: another `fit` may
    // have come in between.
    if (this.#offered !== null && this.#offered !== model && internalsOf(this.#offered).isTraining) {
      throw usedTwice();
    }
    this.#offered = model as tf.LayersModel;
    this.#params = this.params;
  }

  /** Called by `fit`. @internal */
  override async onTrainBegin(logs?: Logs): Promise<void> {
    // tfjs takes a list whose first element is no instance for one of configurations, and calls our methods
    // on a callback of its own; and so it takes all of another copy of itself.
    if (!(#keeper in this)) {
      throw (this as unknown) instanceof tf.CustomCallback ? listedAsConfiguration() : otherTfjs();
    }
    await super.onTrainBegin(logs);
    const model = this.#offered!;
    this.#checkModel(model);
    if (this.#tap !== null) throw usedTwice();
    const { fromLogits, outputs, topK } = this.#keeper.options;
    const required = isOwnValue(this.#keeper.options);
    this.#outputs = findClassOutputs(model, { fromLogits, outputs, topK, required });
    checkMonitor(this.#keeper.options, this.#params);
    try {
      await this.#keeper.open(trainedWith(model));
      this.#tap = PredictionTap.attach(model, this.#params, this.#sink);
    } catch (error) {
      this.#end();
      throw error;
    }
    this.#model = model;
    this.#fit += 1;
  }

  /** Called by `fit`. @internal */
  override async onEpochBegin(epoch: number, logs?: Logs): Promise<void> {
    await super.onEpochBegin(epoch, logs);
    const expected = this.#initialEpoch;
    if (expected === null || expected === epoch) {
      this.#initialEpoch = null;
      return;
    }
    throw new EntropyCheckpointError(
      'ENTROPY_RESUMED_ELSEWHERE',
      `Expected \`fit\` to begin with the epoch after the resumed one, \`initialEpoch: ${expected}\`, got ${epoch}. ` +
        'Pass what `resume` returns to `fit`.',
    );
  }

  /** Called by `fit`. @internal */
  override async onBatchEnd(batch: number, logs?: Logs): Promise<void> {
    for (const measured of this.#batch.values()) this.#keeper.score.add(measured, 'train');
    this.#batch.clear();
    // Yields to the event loop, as often as `yieldEvery` says.
    await super.onBatchEnd(batch, logs);
  }

  /** Called by `fit`. @internal */
  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    // Without a tap it has been disposed in the middle of training, and keeps out of it from then on.
    if (this.#tap !== null) {
      const record = await this.#keeper.closeEpoch(this.#trained(), {
        epoch,
        fit: this.#fit,
        complete: this.#tap.epochComplete,
        hasFinish: true,
        logs: new EpochLogs(logs),
      });
      this.#writeLogs(record, logs);
    }
    await super.onEpochEnd(epoch, logs);
  }

  /** Called by `fit`. @internal */
  override async onTrainEnd(logs?: Logs): Promise<void> {
    await super.onTrainEnd(logs);
    if (this.#tap === null) return;
    try {
      await this.#keeper.finish(this.#trained());
    } catch (error) {
      // `fit` is rejected before it comes to that: its scalars would stay on the device.
      await internalsOf(this.#model!).history?.syncData();
      throw error;
    } finally {
      this.#tap.detach(this.#sink);
      this.#end();
      this.#warnOnce(endOfTrainingWarning(this.#keeper));
    }
  }

  #score(output: number, predictions: tf.Tensor, phase: Phase): void {
    const fromLogits = this.#outputs.get(output);
    if (fromLogits === undefined) return;
    const { score } = this.#keeper;
    if (phase === 'val') {
      score.append(predictions, fromLogits, 'val');
      return;
    }
    const measured = score.measure(predictions, fromLogits);
    // An optimizer that computes the loss more than once a batch: its last predictions count.
    this.#batch.get(output)?.dispose();
    this.#batch.set(output, measured);
  }

  #writeLogs(record: EpochRecord, logs: Logs): void {
    const { metrics = [] } = this.#params;
    for (const [name, value] of ownLogs(record, this.#keeper.options.criterion)) {
      if (metrics.includes(name)) {
        this.#warnOnce(
          `The model has a metric of its own named "${name}", which \`logs\` keep; see \`history\`.`,
        );
      } else {
        logs[name] = value;
      }
    }
  }

  #warnOnce(warning: string | null): void {
    if (warning === null || this.#warned.has(warning)) return;
    this.#warned.add(warning);
    warn(warning);
  }

  #end(): void {
    this.#tap = null;
    this.#offered = null;
    for (const measured of this.#batch.values()) measured?.dispose();
    this.#batch.clear();
    this.#keeper.close();
  }

  #trained(): Trained {
    if (this.#model !== null) return trainedWith(this.#model);
    throw new EntropyCheckpointError(
      'ENTROPY_NO_BEST',
      'There is no best epoch yet: pass this callback to `fit`.',
    );
  }

  #checkModel(model: tf.LayersModel): void {
    if (this.#model === null || haveSameLayers(this.#model, model)) return;
    throw new EntropyCheckpointError(
      'ENTROPY_MODEL_CHANGED',
      `Expected the model "${this.#model.name}" that this callback has trained, got "${model.name}". ` +
        'Make a new EntropyCheckpointCallback for another model.',
    );
  }
}

function trainedWith(model: tf.LayersModel): Trained {
  return { model, optimizer: compiledOptimizer(model) };
}

function checkMonitor(
  { criterion, monitor }: ResolvedOptions,
  { metrics = [], doValidation = false }: FitParams,
): void {
  const rule = criterionOf(criterion);
  if (rule !== null) {
    if (doValidation || !rule.phases.includes('val')) return;
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_OPTION',
      `Expected validation data with \`criterion: '${criterion}'\`, which compares its predictions from epoch to ` +
        'epoch, got none. Give `fit` a `validationSplit` or `validationData`.',
    );
  }
  const entropies = ENTROPY_MONITORS.filter((name) => name !== 'val_entropy' || doValidation);
  const known = [...entropies, ...metrics];
  if (known.includes(monitor)) return;
  const reason =
    monitor === 'val_entropy'
      ? ' Give `fit` validation data.'
      : ' Compile the model with that metric, or monitor another.';
  throw new EntropyCheckpointError(
    'ENTROPY_UNKNOWN_MONITOR',
    `Expected \`monitor\` to be one of what this training logs (${known.join(', ')}), got '${monitor}'.${reason}`,
  );
}

function usedTwice(): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_INVALID_OPTION',
    'Expected one `fit` at a time and each callback once in its list, got an instance that is training already.',
  );
}

function listedAsConfiguration(): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_INVALID_OPTION',
    'Expected all callbacks of the list to be instances, got an object of functions first. Make it an instance ' +
      'too: `new tf.CustomCallback({onEpochEnd: …})`.',
  );
}
