import * as tf from '@tensorflow/tfjs';
import type { Phase } from '../entropy/entropy-score.js';
import {
  checkInternals,
  internalsOf,
  type BatchFunction,
  type LossFunction,
  type ModelInternals,
} from '../tfjs-internals.js';
import { override } from './override.js';

/** What a tap tells of the `fit` it listens to. Nothing that is passed is owned by the sink. */
export interface PredictionSink {
  /** One batch of predictions of one output, valid during the call only. */
  onPredictions(output: number, predictions: tf.Tensor, phase: Phase): void;
  /** What was taken for validation was not: forget it. */
  onValidationDiscarded(): void;
  /** The `fit` is over, by its end or by an error, and the tap is gone. */
  onFitOver(): void;
}

/** What `fit` tells its callbacks by `setParams`, as far as it matters here. */
export interface FitParams {
  readonly samples?: number | null;
  readonly batchSize?: number | null;
  readonly initialEpoch?: number | null;
  /** Batches an epoch; null in `fit`, and in `fitDataset` where the size of the dataset is unknown. */
  readonly steps?: number | null;
  readonly doValidation?: boolean;
  readonly metrics?: readonly string[];
}

/** Who runs the model: `fit` itself, `fitDataset`'s validation, or code of somebody else. */
type Runner = 'fit' | 'validation' | 'other';

const taps = new WeakMap<tf.LayersModel, PredictionTap>();

/**
 * Sees every prediction that `fit` or `fitDataset` makes, and no other, without a further forward pass.
 *
 * The losses of a model are given each batch of predictions; while the tap is on, wrappers stand in
 * their place. What tells the calls apart:
 *
 * - `fit` makes its train and test function before the first callback hears of it. So while the tap is
 *   on, every function that is made belongs to an `evaluate` or `trainOnBatch` of somebody else's.
 * - Except in `fitDataset`, which validates by `evaluate`: the one that begins between the hooks of the
 *   last batch and those of the epoch's end. tfjs's own callbacks mark both: `History` is the last of
 *   every list, and `BaseLogger`, the first, reads `params.metrics` when the epoch ends.
 *
 * One tap serves all checkpoints of a model. It is gone as soon as `isTraining` becomes false, which
 * tfjs sees to also when `fit` throws; should that be missed, with the next loss call.
 */
export class PredictionTap {
  readonly #model: tf.LayersModel;
  readonly #internals: ModelInternals;
  readonly #history: tf.History;
  readonly #params: FitParams;
  /** `fit` validates in its own loop, `fitDataset` by `evaluate`. */
  readonly #validatesBy: 'loop' | 'evaluate' | null;
  readonly #sinks = new Set<PredictionSink>();
  readonly #undo: (() => void)[] = [];
  #losses: LossFunction[] = [];
  #wrappedLosses: LossFunction[] = [];
  #runner: Runner = 'fit';
  /** In `fitDataset`: no hook is running, so an evaluation that begins now is the validation. */
  #awaitsValidation = false;
  #validationSeen = false;
  #stoppedAfterBatch = false;
  #batches = 0;
  #gone = false;

  /**
   * Shows `sink` the predictions of the `fit` that is beginning. To be called in `onTrainBegin`.
   *
   * @param model a functional model, as callbacks are given it.
   * @param params the object that `setParams` was given, not a copy.
   */
  static attach(model: tf.LayersModel, params: FitParams, sink: PredictionSink): PredictionTap {
    checkInternals(model);
    const former = taps.get(model);
    if (former !== undefined && !former.#isStale()) {
      former.#sinks.add(sink);
      return former;
    }
    if (former !== undefined) former.#remove();
    const tap = new PredictionTap(model, params);
    taps.set(model, tap);
    tap.#sinks.add(sink);
    return tap;
  }

  private constructor(model: tf.LayersModel, params: FitParams) {
    this.#model = model;
    this.#internals = internalsOf(model);
    this.#params = params;
    // `fit` tells the batch size, `fitDataset` cannot.
    const isDataset = params.batchSize == null;
    this.#validatesBy = params.doValidation === true ? (isDataset ? 'evaluate' : 'loop') : null;
    this.#history = this.#internals.history!;
    this.#wrapLosses();
    this.#watchFunctions();
    this.#watchHooks();
    this.#watchEnd();
  }

  /** Ends what `attach` began; the last one takes the tap away. */
  detach(sink: PredictionSink): void {
    this.#sinks.delete(sink);
    if (this.#sinks.size === 0) this.#remove();
  }

  /**
   * Whether the epoch that ends was run as a whole, so that its rows are those of the others. To be
   * called in `onEpochEnd`.
   */
  get epochComplete(): boolean {
    const { steps, samples, batchSize } = this.#params;
    if (this.#validatesBy !== null && !this.#validationSeen) return false;
    if (samples != null && batchSize != null) return this.#batches >= Math.ceil(samples / batchSize);
    if (steps != null) return this.#batches >= steps;
    return !this.#stoppedAfterBatch;
  }

  #isStale(): boolean {
    const { isTraining, history } = this.#internals;
    return this.#gone || !isTraining || history !== this.#history;
  }

  #wrapLosses(): void {
    this.#losses = this.#internals.lossFunctions;
    this.#wrappedLosses = this.#losses.map((loss, output) => (yTrue, yPred) => {
      const value = loss(yTrue, yPred);
      this.#see(output, yPred);
      return value;
    });
    this.#internals.lossFunctions = this.#wrappedLosses;
  }

  #see(output: number, predictions: tf.Tensor): void {
    if (this.#isStale()) {
      this.#remove();
      return;
    }
    const phase = this.#phase();
    if (phase === null) return;
    if (phase === 'val') this.#validationSeen = true;
    for (const sink of this.#sinks) sink.onPredictions(output, predictions, phase);
  }

  #phase(): Phase | null {
    if (this.#runner === 'other') return null;
    if (this.#runner === 'validation') return 'val';
    if (tf.engine().state.gradientDepth > 0) return 'train';
    // What else comes may be an evaluation that somebody began before this `fit`, and did not wait for.
    return this.#validatesBy === 'loop' ? 'val' : null;
  }

  #watchFunctions(): void {
    const internals = this.#internals;
    const { makeTestFunction, makeTrainFunction } = internals;
    const ownTestFunctions = new WeakMap<BatchFunction, BatchFunction>();
    const makeWatchedTestFunction = (): void => {
      makeTestFunction.call(this.#model);
      const own = internals.testFunction;
      const runner = this.#beginsValidation() ? 'validation' : 'other';
      internals.testFunction = (data) => this.#runAs(runner, own, data);
      ownTestFunctions.set(internals.testFunction, own);
    };
    const makeWatchedTrainFunction = (): BatchFunction => {
      const own = makeTrainFunction.call(this.#model);
      return (data) => this.#runAs('other', own, data);
    };
    this.#undo.push(
      override(internals, 'makeTestFunction', { writable: true, value: makeWatchedTestFunction }),
      override(internals, 'makeTrainFunction', { writable: true, value: makeWatchedTrainFunction }),
      () => {
        internals.testFunction = ownTestFunctions.get(internals.testFunction) ?? internals.testFunction;
      },
    );
  }

  #runAs(runner: Runner, run: BatchFunction, data: tf.Tensor[]): tf.Scalar[] {
    const outer = this.#runner;
    this.#runner = runner;
    try {
      return run(data);
    } finally {
      this.#runner = outer;
    }
  }

  /** Whether the evaluation that begins is the validation of `fitDataset`; there is one an epoch. */
  #beginsValidation(): boolean {
    const begins = this.#awaitsValidation;
    this.#awaitsValidation = false;
    return begins;
  }

  #watchHooks(): void {
    const onEpochBegin = async (): Promise<void> => {
      this.#batches = 0;
      this.#validationSeen = this.#stoppedAfterBatch = false;
      return Promise.resolve();
    };
    const onBatchBegin = async (): Promise<void> => {
      this.#awaitsValidation = false;
      // There is a further batch: what was evaluated since the last one was an evaluation in its hooks.
      if (this.#validationSeen) this.#discardValidation();
      // `compile` in a callback sets new losses.
      if (this.#internals.lossFunctions !== this.#wrappedLosses) this.#wrapLosses();
      return Promise.resolve();
    };
    const onBatchEnd = async (): Promise<void> => {
      this.#batches += 1;
      this.#awaitsValidation = this.#validatesBy === 'evaluate';
      this.#stoppedAfterBatch = this.#internals.stopTraining_;
      return Promise.resolve();
    };
    const { metrics } = this.#params;
    const readAtEpochEnd = (): typeof metrics => {
      this.#awaitsValidation = false;
      return metrics;
    };
    this.#undo.push(
      override(this.#history, 'onEpochBegin', { writable: true, value: onEpochBegin }),
      override(this.#history, 'onBatchBegin', { writable: true, value: onBatchBegin }),
      override(this.#history, 'onBatchEnd', { writable: true, value: onBatchEnd }),
      override(this.#params, 'metrics', { get: readAtEpochEnd }),
    );
  }

  #discardValidation(): void {
    this.#validationSeen = false;
    for (const sink of this.#sinks) sink.onValidationDiscarded();
  }

  /** tfjs sets `isTraining` to false at the end of every `fit`: the one thing it does when `fit` throws. */
  #watchEnd(): void {
    const end = (isTraining: boolean): void => {
      if (isTraining) return;
      this.#remove();
      this.#internals.isTraining = false;
    };
    this.#undo.push(override(this.#internals, 'isTraining', { get: () => true, set: end }));
  }

  #remove(): void {
    if (this.#gone) return;
    this.#gone = true;
    for (const undo of this.#undo) undo();
    if (this.#internals.lossFunctions === this.#wrappedLosses) this.#internals.lossFunctions = this.#losses;
    if (taps.get(this.#model) === this) taps.delete(this.#model);
    for (const sink of this.#sinks) sink.onFitOver();
    this.#sinks.clear();
  }
}
