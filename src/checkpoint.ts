import * as tf from '@tensorflow/tfjs';
import { defineInspection } from '#platform';
import { WeightAverage } from './averaging/weight-average.js';
import { checkArgument, invalidOption, isFunction, isIntegerFrom, isOneOf } from './check-options.js';
import './entropy/all-kernels.js';
import type { EpochRecord, Phase } from './epoch-record.js';
import { EntropyCheckpointError } from './errors.js';
import { epochOf, resolveOptions, type EntropyCheckpointOptions, type ResolvedOptions } from './options.js';
import { bindMembers } from './platform/bind-members.js';
import { Pacer } from './platform/event-loop.js';
import { findClassOutputs } from './predictions/class-outputs.js';
import type { CheckpointJson } from './report/checkpoint-json.js';
import type { ReportJson } from './report/report-json.js';
import type { ReportJsonOptions, ReportOptions } from './report/report.js';
import type { EpochSummary } from './report/summary.js';
import { EpochLogs, type LogValue } from './scoring/epoch-logs.js';
import { EpochScore } from './scoring/epoch-score.js';
import { PredictionChanges } from './scoring/prediction-changes.js';
import { requireLogged, requirePredictions } from './selection/monitor.js';
import {
  compiledOptimizer,
  functionalModel,
  isModel,
  isOptimizer,
  type TrainedModel,
} from './tfjs-internals.js';
import { TrainingSession, type CheckpointAccess, type InitialPosition } from './training-session.js';

/**
 * The checkpoint for a custom training loop: the four calls of the original class.
 *
 * @example
 * const checkpoint = new EntropyCheckpoint(model, optimizer);
 * for (let epoch = 0; epoch < 30; epoch++) {
 *   // For each training and validation batch:
 *   checkpoint.appendOutput(output);
 *   // At the end of the epoch:
 *   await checkpoint.saveCheckpoint(epoch);
 * }
 * await checkpoint.loadCheckpoint();
 */
export class EntropyCheckpoint implements CheckpointAccess {
  static {
    defineInspection(this);
  }

  readonly #session: TrainingSession;
  readonly #trained: TrainedModel;
  readonly #pacer = new Pacer();
  /** null: unknown. With a metric as the monitor, that's allowed until something is appended. */
  readonly #fromLogits: boolean | null;

  /**
   * @param model its weights are saved; the caller keeps it.
   * @param optimizer its state is saved; the caller keeps it. @default the one that the model is compiled with
   * @param options the same as for `EntropyCheckpointCallback`, except `stopTraining`, which ends a `fit`. In a
   *   custom training loop, use `if (checkpoint.isDecided) break`.
   * @throws EntropyCheckpointError `ENTROPY_INVALID_ARGUMENT`, `ENTROPY_INVALID_OPTION`; `ENTROPY_NO_CLASS_OUTPUT`
   *   or `ENTROPY_AMBIGUOUS_OUTPUT` where the model doesn't say what its outputs hold.
   * @example
   * new EntropyCheckpoint(model, optimizer, { monitor: 'val_acc', filepath: 'checkpoints/run-7' });
   */
  constructor(model: tf.LayersModel, optimizer?: tf.Optimizer, options?: EntropyCheckpointOptions) {
    checkArguments(model, optimizer);
    const resolved = resolveOptions(options);
    if (resolved.stopTraining) {
      throw invalidOption(
        'Leave out `stopTraining`, and end your loop with `if (checkpoint.isDecided) break`.',
      );
    }
    this.#trained = { model, optimizer: optimizer ?? compiledOptimizer(model) };
    this.#fromLogits = commonFromLogits(model, resolved);
    // Outputs may be appended before any code could be loaded.
    const score = new EpochScore(resolved);
    this.#session = new TrainingSession(resolved, score);
    const { monitor, rememberedRows } = resolved;
    if (monitor.comparing !== null) {
      score.compareBy(new PredictionChanges(monitor.comparing, rememberedRows));
    }
    if (resolved.averageWeights !== null) {
      this.#session.averageBy(new WeightAverage(resolved.averageWeights));
    }
    bindMembers(this);
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
    return this.#session.explain();
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

  /**
   * Scores one batch of predictions on the device. Nothing is read back.
   *
   * The rows of all calls are pooled. `'consensus'` and `'label_wave'` identify validation rows by their order: with
   * several class outputs, append those of a single one for them.
   *
   * @param output `[..., numClasses]`, or `[..., 1]` for the positive one of two classes; the caller keeps it.
   * @param phase whether the predictions are of training or validation. @default 'train'
   * @throws EntropyCheckpointError `ENTROPY_INVALID_PREDICTIONS`, `ENTROPY_INVALID_ARGUMENT`; `ENTROPY_INVALID_STATE` for
   *   validation outside `withAverage` (`averageWeights`);
   *   `ENTROPY_AMBIGUOUS_OUTPUT` where the monitor is a metric and the model has no class output;
   *   `ENTROPY_INVALID_STATE` while the first `saveCheckpoint` hasn't resolved.
   */
  appendOutput(output: tf.Tensor, phase: Phase = 'train'): void {
    if (!this.#session.takesPart()) return;
    checkArgument('phase', phase, [isOneOf('train', 'val'), "'train' or 'val'"]);
    if (!(output instanceof tf.Tensor) || output.rank < 1) {
      throw new EntropyCheckpointError(
        'ENTROPY_INVALID_PREDICTIONS',
        'Expected `output` to be a tensor of predictions [..., numClasses].',
      );
    }
    if (this.#fromLogits === null) {
      throw new EntropyCheckpointError(
        'ENTROPY_AMBIGUOUS_OUTPUT',
        'Set `fromLogits: true` for logits or `fromLogits: false` for probabilities: which one `output` holds cannot be ' +
          'inferred from the model.',
      );
    }
    if (this.#session.isOpening) {
      throw new EntropyCheckpointError(
        'ENTROPY_INVALID_STATE',
        'Await `saveCheckpoint` and `endBatch` before the next `appendOutput`: the store is being opened, and the output would be ' +
          'counted for the epoch that ends.',
      );
    }
    const { average } = this.#session;
    if (phase === 'val' && average?.isSwapped === false) {
      throw new EntropyCheckpointError(
        'ENTROPY_INVALID_STATE',
        'Validate inside `withAverage`: with `averageWeights`, it is the average of the weights that is kept.',
      );
    }
    this.#session.score.append(output, this.#fromLogits, phase);
  }

  /**
   * Takes a training step into the average of the weights (`averageWeights`). Call it after each step. Every few calls, it
   * updates the average, on the device. Nothing is read back.
   *
   * @throws EntropyCheckpointError `ENTROPY_INVALID_STATE` without `averageWeights`, or inside `withAverage`.
   */
  updateAverage(): void {
    if (this.#session.takesPart()) this.#average().endStep(this.#trained.model);
  }

  /**
   * Runs `validate` while the model holds the average of its weights (`averageWeights`), and restores the trained weights
   * whatever happens. Nothing is copied. Only read the model meanwhile: other code sees the average as well.
   *
   * @returns what `validate` returns.
   * @throws EntropyCheckpointError `ENTROPY_INVALID_STATE` without `averageWeights`, inside another `withAverage`, or if
   *   the weights were changed meanwhile.
   */
  async withAverage<T>(validate: () => T | Promise<T>): Promise<T> {
    checkArgument('validate', validate, [isFunction, 'a function']);
    if (!this.#session.takesPart()) return validate();
    return this.#average().runAsync(validate);
  }

  /**
   * Ends a training batch, after its step and `updateAverage`. It keeps the state if `saveLast: { … }` says that it's due, and
   * nothing is read back before. When a signal of `stopOn` has arrived, it stores everything that is to be kept;
   * `isStopped` is true then, and your loop ends. Signals are awaited until `loadCheckpoint` or `dispose`.
   *
   * Await this call before the next training step: it captures the state of the model as it is then. It lets other tasks
   * run. Without these two options, it does nothing.
   *
   * @param epoch counted from 0.
   * @param batch counted from 0 in its epoch.
   * @throws EntropyCheckpointError `ENTROPY_INVALID_ARGUMENT`; `ENTROPY_INVALID_STATE` after validation outputs of the same
   *   epoch; `ENTROPY_STORE_IN_USE`, `ENTROPY_STORE_FAILED`.
   * @example
   * for (let batch = initialBatch; batch < batches.length && !checkpoint.isStopped; batch++) {
   *   train(batches[batch]);
   *   await checkpoint.endBatch(epoch, batch);
   * }
   */
  async endBatch(epoch: number, batch: number): Promise<void> {
    checkArgument('epoch', epoch, [isIntegerFrom(0), 'an integer from 0 up']);
    checkArgument('batch', batch, [isIntegerFrom(0), 'an integer from 0 up']);
    if (!this.#session.takesPart()) return;
    const { options, score } = this.#session;
    if (options.saveWithin === null && options.stopOn.length === 0) return;
    if (score.rows('val') > 0) {
      throw new EntropyCheckpointError(
        'ENTROPY_INVALID_STATE',
        'Call `endBatch` after training batches, and append validation outputs after the last one: a state within an epoch ' +
          'has none of them.',
      );
    }
    this.#session.listen();
    this.#session.running?.begin();
    // Signals arrive meanwhile.
    await this.#pacer.yieldIfDue();
    await this.#session.endBatch(this.#trained, { epoch, fit: 0, batches: batch + 1 });
    if (this.#session.isStopRequested) await this.#session.stop();
  }

  /**
   * Ends the epoch: compares it with the earlier ones, and captures its state if it's the best. That state is written
   * while training continues, and is durable once `flush` has resolved. The next `appendOutput` begins a new epoch.
   *
   * Await this call before the next training step: it captures the state of the model as it is then.
   *
   * @param epoch counted from 0.
   * @param logs losses and metrics of the epoch for `history` and the report, numbers or scalars; the caller keeps
   *   them. Must hold the monitored value if that is a metric. One named like a monitor of this package, such
   *   as `entropy`, is recorded and never monitored.
   * @returns whether this epoch became the best.
   * @throws EntropyCheckpointError `ENTROPY_INVALID_ARGUMENT`, `ENTROPY_NO_PREDICTIONS`, `ENTROPY_UNKNOWN_MONITOR`,
   *   `ENTROPY_STORE_IN_USE`; `ENTROPY_STORE_FAILED` if nothing can be written at all.
   */
  async saveCheckpoint(epoch: number, logs: Readonly<Record<string, LogValue>> = {}): Promise<boolean> {
    checkArgument('epoch', epoch, [isIntegerFrom(0), 'an integer from 0 up']);
    if (!this.#session.takesPart()) return false;
    this.#requireSteps();
    const { score, options } = this.#session;
    const epochLogs = new EpochLogs(logs);
    requireLogged(options.monitor, epochLogs.names);
    requirePredictions(
      options.monitor,
      (['train', 'val'] as const).filter((phase) => score.rows(phase) > 0),
    );
    this.#session.running?.reset();
    const ended = { epoch, fit: 0, isComplete: true, logs: epochLogs };
    const record = await this.#session.closeEpoch(this.#trained, ended);
    if (this.#session.isStopRequested) await this.#session.stop();
    return record.isBest;
  }

  /** Discards what was appended since the last epoch ended. */
  resetOutput(): void {
    this.#session.score.reset();
  }

  /**
   * Restores the best epoch in model and optimizer, and releases the store. You can train on afterwards: the next
   * `saveCheckpoint` opens the store again. If the stored epoch is damaged, the next best of the kept epochs is
   * restored instead, with a warning. With `verbose`, this prints which epoch is kept.
   *
   * @param options `epoch`: the number of another kept epoch, counted from 0; or `'last'` for the latest (`saveLast`).
   * @returns the record of the epoch that was restored.
   * @throws EntropyCheckpointError `ENTROPY_NO_BEST`, `ENTROPY_NO_CHECKPOINT`, `ENTROPY_CHECKPOINT_REPLACED`,
   *   `ENTROPY_CORRUPT_CHECKPOINT`, `ENTROPY_INVALID_OPTION`. Nothing is changed then.
   */
  async loadCheckpoint(options: { epoch?: number | 'last' } = {}): Promise<EpochRecord> {
    const epoch = epochOf(options, this.#session.options);
    this.#session.average?.requireTrained();
    try {
      const record = await this.#session.load(this.#trained, epoch);
      this.#session.printKept();
      return record;
    } finally {
      this.#session.close();
    }
  }

  /**
   * Resumes the training that is stored: weights, optimizer, best and history. Call it before the loop.
   *
   * @returns the epoch to begin with, 0 where nothing is stored; and how many of its batches are trained (`saveLast: { … }`).
   * @throws EntropyCheckpointError `ENTROPY_MODEL_MISMATCH`, `ENTROPY_OPTIMIZER_MISMATCH`,
   *   `ENTROPY_MONITOR_MISMATCH`, `ENTROPY_CORRUPT_CHECKPOINT`, `ENTROPY_STORE_IN_USE`, `ENTROPY_INVALID_STATE`,
   *   `ENTROPY_UNSUPPORTED_MODEL`. Nothing is changed then.
   */
  resume(): Promise<InitialPosition> {
    return this.#session.resume(this.#trained);
  }

  flush(): Promise<void> {
    return this.#session.flush();
  }

  dispose(): void {
    this.#session.dispose();
  }

  /** The average, if the model holds the trained weights. */
  #average(): WeightAverage {
    const { average } = this.#session;
    if (average === null) {
      throw new EntropyCheckpointError(
        'ENTROPY_INVALID_STATE',
        'Set `averageWeights` to average the weights.',
      );
    }
    average.requireTrained();
    return average;
  }

  #requireSteps(): void {
    const { average } = this.#session;
    average?.requireTrained();
    if (average?.hasSteps !== false) return;
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_STATE',
      'Call `updateAverage` after each training step: with `averageWeights`, no step was averaged since the last epoch.',
    );
  }
}

/** Callers in JavaScript may leave out the model, or pass the options second. */
function checkArguments(model: unknown, optimizer: unknown): void {
  checkArgument('model', model, [isModel, 'a tf.LayersModel']);
  checkArgument('optimizer', optimizer, [
    (value) => value === undefined || isOptimizer(value),
    'a tf.Optimizer or undefined, as in `new EntropyCheckpoint(model, undefined, options)`',
  ]);
}

/**
 * Whether the class outputs of `model` hold logits. They must agree, because appended tensors have no name. null if
 * the model has no class output.
 */
function commonFromLogits(model: tf.LayersModel, options: ResolvedOptions): boolean | null {
  const { fromLogits, outputs, monitor } = options;
  if (fromLogits !== 'auto' && outputs === null) return fromLogits;
  const isRequired = monitor.phases.length > 0;
  const found = findClassOutputs(functionalModel(model), { ...options, isRequired });
  const [common = null, ...others] = new Set(found.values());
  if (others.length === 0) return common;
  throw new EntropyCheckpointError(
    'ENTROPY_AMBIGUOUS_OUTPUT',
    'Append outputs of one kind, and name them with `outputs`: some outputs of the model hold logits and some hold ' +
      'probabilities, so an appended one could be either.',
  );
}
