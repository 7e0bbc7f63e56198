import * as tf from '@tensorflow/tfjs';
import { criterionOf } from './criteria/criterion.js';
import './entropy/all-kernels.js';
import type { Phase } from './entropy/entropy-score.js';
import { EpochKeeper } from './epoch-keeper.js';
import { EpochLogs, type LogValue } from './epoch-logs.js';
import type { EpochRecord } from './epoch-record.js';
import { EntropyCheckpointError } from './errors.js';
import {
  epochOf,
  isOwnValue,
  resolveOptions,
  type EntropyCheckpointOptions,
  type ResolvedOptions,
} from './options.js';
import { findClassOutputs } from './predictions/class-outputs.js';
import type { ReportOptions } from './report/report.js';
import { compiledOptimizer, functionalModel } from './tfjs-internals.js';
import type { Trained } from './trained.js';

/**
 * The checkpoint for a training loop of one's own: the four calls of the original.
 *
 * ```ts
 * const checkpoint = new EntropyCheckpoint(model, optimizer);
 * for (let epoch = 0; epoch < 30; epoch++) {
 *   // for each batch of training and of validation:
 *   checkpoint.appendOutput(output);
 *   // at the end of the epoch:
 *   await checkpoint.saveCheckpoint(epoch);
 * }
 * await checkpoint.loadCheckpoint();
 * ```
 */
export class EntropyCheckpoint {
  readonly #keeper: EpochKeeper;
  readonly #trained: Trained;
  /** null: nothing tells, which a metric as monitor allows until something is appended. */
  readonly #fromLogits: boolean | null;

  /**
   * @param model its weights are kept; it stays the caller's.
   * @param optimizer its state is kept; it stays the caller's. @default the one that the model is compiled with
   * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION`; `ENTROPY_NO_CLASS_OUTPUT`,
   *   `ENTROPY_AMBIGUOUS_OUTPUT` where the model does not tell how its outputs are meant.
   */
  constructor(model: tf.LayersModel, optimizer?: tf.Optimizer, options?: EntropyCheckpointOptions) {
    const resolved = resolveOptions(options);
    this.#trained = { model, optimizer: optimizer ?? compiledOptimizer(model) };
    this.#fromLogits = commonFromLogits(model, resolved);
    this.#keeper = new EpochKeeper(resolved);
  }

  /** Every epoch that was closed, in order. */
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
   * Scores one batch of predictions, on the device; nothing is read back.
   *
   * @param output `[..., numClasses]`, or `[..., 1]` for the positive one of two classes; the caller keeps it.
   * @param phase whether it is of training or of validation. @default 'train'
   * @throws EntropyCheckpointError `ENTROPY_INVALID_PREDICTIONS`, `ENTROPY_INVALID_OPTION`;
   *   `ENTROPY_AMBIGUOUS_OUTPUT` where the monitor is a metric and the model has no class output.
   */
  appendOutput(output: tf.Tensor, phase: Phase = 'train'): void {
    // Callers in JavaScript have no types to hold them.
    if (!['train', 'val'].includes(phase)) {
      throw new EntropyCheckpointError(
        'ENTROPY_INVALID_OPTION',
        `Expected \`phase\` to be 'train' or 'val', got '${phase as string}'.`,
      );
    }
    if (!(output instanceof tf.Tensor) || output.rank < 1) {
      throw new EntropyCheckpointError(
        'ENTROPY_INVALID_PREDICTIONS',
        'Expected `output` to be a tensor of predictions [..., numClasses].',
      );
    }
    if (this.#fromLogits === null) {
      throw new EntropyCheckpointError(
        'ENTROPY_AMBIGUOUS_OUTPUT',
        'Cannot tell from the model whether `output` holds probabilities or logits. ' +
          'Set `fromLogits: true` for logits or `fromLogits: false` for probabilities.',
      );
    }
    this.#keeper.score.append(output, this.#fromLogits, phase);
  }

  /**
   * Closes the epoch: compares it with those before, and if it is the best takes its state, which is written
   * while training goes on. The next `appendOutput` begins a new one. To be awaited before training goes on,
   * so that what is taken is the state at the end of this epoch; it is durable after `flush`.
   *
   * @param epoch counted from 0.
   * @param logs losses and metrics of the epoch, numbers or scalars, which the caller keeps: for `history` and
   *   the report. Needed of them is what is monitored, where that is a metric.
   * @returns whether this epoch became the best.
   * @throws EntropyCheckpointError `ENTROPY_NO_PREDICTIONS`, `ENTROPY_UNKNOWN_MONITOR`,
   *   `ENTROPY_STORE_IN_USE`; `ENTROPY_STORE_FAILED` where nothing can be written there.
   */
  async saveCheckpoint(epoch: number, logs: Readonly<Record<string, LogValue>> = {}): Promise<boolean> {
    if (!Number.isInteger(epoch) || epoch < 0) {
      throw new EntropyCheckpointError(
        'ENTROPY_INVALID_OPTION',
        `Expected \`epoch\` to be an integer from 0 up, got ${String(epoch)}.`,
      );
    }
    this.#checkMonitored(logs);
    const record = await this.#keeper.closeEpoch(this.#trained, {
      epoch,
      fit: 0,
      complete: true,
      hasFinish: false,
      logs: new EpochLogs(logs),
    });
    return record.isBest;
  }

  /** Discards what was appended since the last epoch was closed. */
  resetOutput(): void {
    this.#keeper.score.reset();
  }

  /**
   * Puts the best state back into model and optimizer, and gives the store back: training is over, though
   * it may go on. If what is stored is damaged, the next best that is kept is used instead, with a warning.
   *
   * @param options `epoch`: one of those that are `kept` instead, counted from 0.
   * @returns the record of the epoch that was loaded.
   * @throws EntropyCheckpointError `ENTROPY_NO_BEST`, `ENTROPY_NO_CHECKPOINT`, `ENTROPY_CHECKPOINT_REPLACED`,
   *   `ENTROPY_CORRUPT_CHECKPOINT`; nothing in memory is changed then.
   */
  async loadCheckpoint(options: { epoch?: number } = {}): Promise<EpochRecord> {
    const loaded = await this.#keeper.load(this.#trained, epochOf(options));
    this.#keeper.close();
    return loaded;
  }

  /**
   * Goes on from what is stored: weights, optimizer, best and history.
   *
   * @param model the model that this was made with.
   * @returns the epoch to begin with; 0 where nothing is stored.
   * @throws EntropyCheckpointError `ENTROPY_MODEL_CHANGED`, `ENTROPY_MODEL_MISMATCH`,
   *   `ENTROPY_OPTIMIZER_MISMATCH`, `ENTROPY_CORRUPT_CHECKPOINT`; nothing is changed then.
   */
  async resume(model: tf.LayersModel = this.#trained.model): Promise<{ initialEpoch: number }> {
    if (model !== this.#trained.model) {
      throw new EntropyCheckpointError(
        'ENTROPY_MODEL_CHANGED',
        'Expected `resume` to be given the model that this checkpoint was made with, got another.',
      );
    }
    return { initialEpoch: await this.#keeper.resume(this.#trained) };
  }

  /**
   * Resolves when all writing has reached the store.
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
    this.#keeper.dispose();
  }

  #checkMonitored(logs: Readonly<Record<string, unknown>>): void {
    const { options } = this.#keeper;
    const { monitor } = options;
    if (!isOwnValue(options)) {
      const value = logs[monitor];
      if (typeof value === 'number' || value instanceof tf.Tensor) return;
      throw new EntropyCheckpointError(
        'ENTROPY_UNKNOWN_MONITOR',
        `Expected \`logs\` to hold the monitored "${monitor}" as a number or a scalar, got ${Object.keys(logs).join(', ') || 'nothing'}.`,
      );
    }
    const isSeen = (phase: Phase): boolean => this.#keeper.score.rows(phase) > 0;
    const criterion = criterionOf(options.criterion);
    const phases: readonly Phase[] =
      criterion?.phases ??
      (monitor === 'entropy' ? ['train', 'val'] : [monitor === 'val_entropy' ? 'val' : 'train']);
    if (criterion === null ? phases.some(isSeen) : phases.every(isSeen)) return;
    throw new EntropyCheckpointError(
      'ENTROPY_NO_PREDICTIONS',
      `Expected \`appendOutput\` to be called before the epoch is saved, as what is compared is "${monitor}"; ` +
        `got no row of ${phases.filter((phase) => !isSeen(phase)).join(' or ')}.`,
    );
  }
}

/**
 * Whether the class outputs of `model` hold logits, which they must agree on: appended tensors have no
 * name. null where it has none.
 */
function commonFromLogits(model: tf.LayersModel, options: ResolvedOptions): boolean | null {
  const { fromLogits, outputs, topK } = options;
  if (fromLogits !== 'auto' && outputs === null) return fromLogits;
  const required = isOwnValue(options);
  const found = new Set(
    findClassOutputs(functionalModel(model), { fromLogits, outputs, topK, required }).values(),
  );
  const [common = null] = found;
  if (found.size <= 1) return common;
  throw new EntropyCheckpointError(
    'ENTROPY_AMBIGUOUS_OUTPUT',
    'Some outputs of the model hold logits and some probabilities, so an appended one could be either. ' +
      'Append those of one kind, and name them with `outputs`.',
  );
}
