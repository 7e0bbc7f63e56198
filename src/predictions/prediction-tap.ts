import type * as tf from '@tensorflow/tfjs';
import type { Phase } from '../epoch-record.js';
import {
  checkInternals,
  internalsOf,
  isUnderTape,
  type BatchFunction,
  type LossFunction,
  type ModelInternals,
} from '../tfjs-internals.js';
import { override } from './override.js';

/** Receives what happens in the `fit` that a tap watches. It owns nothing that it's passed. */
export interface PredictionSink {
  /** One batch of predictions of one output, valid during the call only. */
  onPredictions(output: number, predictions: tf.Tensor, phase: Phase): void;
  /** What was taken for validation wasn't: discard it. */
  onValidationDiscarded(): void;
  /** The `fit` has ended, or failed, and the tap is gone. */
  onFitOver(): void;
}

/** What `fit` passes to `setParams` of its callbacks, as far as it matters here. */
export interface FitParams {
  readonly samples?: number | null;
  readonly batchSize?: number | null;
  readonly initialEpoch?: number | null;
  /** Batches in an epoch; null in `fit`, and in `fitDataset` where the size of the dataset is unknown. */
  readonly steps?: number | null;
  readonly doValidation?: boolean;
  readonly metrics?: readonly string[];
}

/** Who runs the model: `fit` itself, the validation of `fitDataset`, or other code. */
type Runner = 'fit' | 'validation' | 'other';

const taps = new WeakMap<tf.LayersModel, PredictionTap>();

/**
 * Sees every prediction that `fit` or `fitDataset` makes, and no other, without another forward pass.
 *
 * The losses of a model are given each batch of predictions. While the tap is on, it replaces them by wrappers. How
 * it distinguishes the calls:
 *
 * - `fit` makes its train and test functions before it calls the first callback. So every function that is made while
 *   the tap is on belongs to an `evaluate` or `trainOnBatch` of other code.
 * - Except in `fitDataset`, which validates by `evaluate`: the one that begins between the hooks of the last batch and
 *   those of the epoch's end. Callbacks of TensorFlow.js mark both: `History` is the last of every list, and
 *   `BaseLogger`, the first, reads `params.metrics` when the epoch ends.
 *
 * One tap serves all checkpoints of a model. It's gone as soon as `isTraining` becomes false, which TensorFlow.js also
 * sets when `fit` throws; if that is missed, with the next loss call.
 */
export class PredictionTap {
  readonly #model: tf.LayersModel;
  readonly #internals: ModelInternals;
  readonly #history: tf.History;
  readonly #params: FitParams;
  /** `fit` validates in its own loop, `fitDataset` by `evaluate`; null: no validation. */
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
   * Shows `sink` the predictions of the `fit` that is beginning. Call it in `onTrainBegin`.
   *
   * @param model a functional model, as callbacks get it.
   * @param params the object that was passed to `setParams`, not a copy.
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
    // `fit` knows the batch size, `fitDataset` doesn't.
    const isDataset = params.batchSize == null;
    this.#validatesBy = params.doValidation === true ? (isDataset ? 'evaluate' : 'loop') : null;
    this.#history = this.#internals.history!;
    this.#wrapLosses();
    this.#watchFunctions();
    this.#watchHooks();
    this.#watchEnd();
  }

  /** Ends what `attach` began. The last sink removes the tap. */
  detach(sink: PredictionSink): void {
    this.#sinks.delete(sink);
    if (this.#sinks.size === 0) this.#remove();
  }

  /**
   * Whether the epoch that ends ran as a whole, so that its rows are those of the other epochs. Call it in
   * `onEpochEnd`.
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
    if (isUnderTape()) return 'train';
    // It may be an evaluation that other code began before this `fit` and didn't wait for.
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

  /** Whether the evaluation that begins is the validation of `fitDataset`; there's one in each epoch. */
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
      // There's another batch: what was evaluated since the last one was an evaluation in its hooks.
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

  /** TensorFlow.js sets `isTraining` to false at the end of every `fit`: the only thing that it does when `fit` throws. */
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
