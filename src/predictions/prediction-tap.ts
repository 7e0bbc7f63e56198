import * as tf from '@tensorflow/tfjs';
import type { Phase } from '../epoch-record.js';
import { ValidationValues } from '../scoring/validation-values.js';
import {
  checkInternals,
  internalsOf,
  isUnderTape,
  type BatchFunction,
  type LossFunction,
  type ModelInternals,
} from '../tfjs-internals.js';
import { override } from './override.js';

/** Weights on which validation runs in place of those that are trained. */
export interface ValidationWeights {
  /** Runs `use` while the model holds them. */
  run<T>(use: () => T): T;
}

/** Receives the events of the `fit` that a tap watches. */
export interface PredictionSink {
  /** The weights whose validation it receives; null: those that are trained. Fixed while it's attached. */
  readonly validationWeights: ValidationWeights | null;
  /** One batch of predictions of one output. The sink doesn't own them: they're valid only during the call. */
  onPredictions(output: number, predictions: tf.Tensor, phase: Phase): void;
  /** What the validation has computed, if `fit` logs it under wrong names; else null. The sink owns it. */
  onValidated(values: ValidationValues | null): void;
  /** What was passed as validation wasn't validation: discard it. */
  onValidationDiscarded(): void;
  /** The `fit` has ended or failed, and the tap is removed. */
  onFitOver(): void;
}

/** The used part of what `fit` passes to `setParams` of its callbacks. */
export interface FitParams {
  readonly samples?: number | null;
  readonly batchSize?: number | null;
  readonly initialEpoch?: number | null;
  /** The epoch before which `fit` ends, counted from 0. */
  readonly epochs?: number;
  /** Batches in an epoch; null in `fit`, and in `fitDataset` if the size of the dataset is unknown. */
  readonly steps?: number | null;
  readonly doValidation?: boolean;
  readonly metrics?: readonly string[];
}

/** One run of the model on the validation data. */
interface ValidationRun {
  readonly weights: ValidationWeights | null;
}

/** What runs the model: the training of `fit`, its validation, or other code. */
type Runner = 'fit' | 'other' | ValidationRun;

const taps = new WeakMap<tf.LayersModel, PredictionTap>();

/**
 * Reads every prediction that `fit` or `fitDataset` makes, and no other, without another forward pass.
 *
 * The losses of a model receive each batch of predictions. While the tap is attached, it replaces the losses by
 * wrappers. It distinguishes the calls as follows:
 *
 * - `fit` makes its train and test functions before it calls the first callback. So a function that is made while the
 *   tap is attached belongs to an `evaluate` or `trainOnBatch` of other code. `fit` validates inside `testLoop`.
 * - `fitDataset` is the exception: it validates with `evaluate`. That evaluation begins after the hooks of the last
 *   batch and before those of the epoch's end. Two callbacks of TensorFlow.js mark these times: `History` is the last
 *   of every list, and `BaseLogger`, the first, reads `params.metrics` when the epoch ends.
 *
 * Where checkpoints validate on other weights, each batch of validation runs on those. If there are checkpoints of both
 * kinds, validation runs twice, and `fit` logs the values of the other weights.
 *
 * One tap serves all checkpoints of a model. It's removed when `isTraining` becomes false, which TensorFlow.js also
 * sets when `fit` throws. If the tap misses that, the next loss call removes it.
 */
export class PredictionTap {
  readonly #model: tf.LayersModel;
  readonly #internals: ModelInternals;
  readonly #history: tf.History;
  readonly #params: FitParams;
  /** `fit` validates in its own loop, `fitDataset` with `evaluate`; null without validation. */
  readonly #validatesBy: 'loop' | 'evaluate' | null;
  /** The names under which `fit` logs validation values. */
  readonly #validationNames: readonly string[];
  readonly #sinks = new Set<PredictionSink>();
  readonly #undo: (() => void)[] = [];
  #losses: LossFunction[] = [];
  #wrappedLosses: LossFunction[] = [];
  #runner: Runner = 'fit';
  /** In `fitDataset`: whether an evaluation that begins now is the validation, as no hook is running. */
  #awaitsValidation = false;
  #validationSeen = false;
  #stoppedAfterBatch = false;
  #batches = 0;
  #isRemoved = false;

  /**
   * Passes the predictions of the `fit` that is beginning to `sink`. Call it in `onTrainBegin`.
   *
   * @param model a functional model, as `fit` passes it to callbacks.
   * @param params the object that was passed to `setParams`, not a copy.
   */
  static attach(model: tf.LayersModel, params: FitParams, sink: PredictionSink): PredictionTap {
    checkInternals(model);
    const existing = taps.get(model);
    if (existing !== undefined && !existing.#isStale()) {
      existing.#sinks.add(sink);
      return existing;
    }
    if (existing !== undefined) existing.#remove();
    const tap = new PredictionTap(model, params);
    taps.set(model, tap);
    tap.#sinks.add(sink);
    return tap;
  }

  private constructor(model: tf.LayersModel, params: FitParams) {
    this.#model = model;
    this.#internals = internalsOf(model);
    this.#params = params;
    // `fit` knows the batch size; `fitDataset` doesn't.
    const isDataset = params.batchSize == null;
    this.#validatesBy = params.doValidation === true ? (isDataset ? 'evaluate' : 'loop') : null;
    // `fit` announces the names of training, then those of validation.
    const { metrics = [] } = params;
    this.#validationNames = this.#validatesBy === null ? [] : metrics.slice(metrics.length / 2);
    this.#history = this.#internals.history!;
    this.#wrapLosses();
    this.#watchFunctions();
    this.#watchHooks();
    this.#watchEnd();
  }

  /** Stops passing predictions to `sink`. The tap is removed with its last sink. */
  detach(sink: PredictionSink): void {
    this.#sinks.delete(sink);
    if (this.#sinks.size === 0) this.#remove();
  }

  /** Whether the ending epoch ran to its end, and so has the same rows as other epochs. Call it in `onEpochEnd`. */
  get epochComplete(): boolean {
    const { steps, samples, batchSize } = this.#params;
    if (this.#validatesBy !== null && !this.#validationSeen) return false;
    if (samples != null && batchSize != null) return this.#batches >= Math.ceil(samples / batchSize);
    if (steps != null) return this.#batches >= steps;
    return !this.#stoppedAfterBatch;
  }

  #isStale(): boolean {
    const { isTraining, history } = this.#internals;
    return this.#isRemoved || !isTraining || history !== this.#history;
  }

  #wrapLosses(): void {
    this.#losses = this.#internals.lossFunctions;
    this.#wrappedLosses = this.#losses.map((loss, output) => (yTrue, yPred) => {
      const value = loss(yTrue, yPred);
      this.#observe(output, yPred);
      return value;
    });
    this.#internals.lossFunctions = this.#wrappedLosses;
  }

  #observe(output: number, predictions: tf.Tensor): void {
    if (this.#isStale()) {
      this.#remove();
      return;
    }
    const runner = this.#runner;
    if (runner === 'other') return;
    if (runner !== 'fit') {
      this.#validationSeen = true;
      for (const sink of this.#sinksOf(runner)) sink.onPredictions(output, predictions, 'val');
      return;
    }
    // Without a tape, it's an evaluation that other code began before `fit` and didn't await.
    if (!isUnderTape()) return;
    for (const sink of this.#sinks) sink.onPredictions(output, predictions, 'train');
  }

  /** The runs of a validation. `fit` logs the values of the last one. */
  get #validationRuns(): ValidationRun[] {
    const weights = new Set([...this.#sinks].map((sink) => sink.validationWeights));
    const others = [...weights].filter((one) => one !== null);
    return [...(weights.has(null) ? [null] : []), ...others].map((one) => ({ weights: one }));
  }

  #sinksOf({ weights }: ValidationRun): PredictionSink[] {
    return [...this.#sinks].filter((sink) => sink.validationWeights === weights);
  }

  #watchFunctions(): void {
    const internals = this.#internals;
    const { makeTestFunction, makeTrainFunction, testLoop, evaluateDataset } = internals;
    const originalTestFunctions = new WeakMap<BatchFunction, BatchFunction>();
    const runners = new WeakMap<BatchFunction, Runner>();
    /** The run that a dataset's evaluation belongs to. */
    let nextRun: ValidationRun = { weights: null };
    const makeWatchedTestFunction = (): void => {
      makeTestFunction.call(this.#model);
      const original = internals.testFunction;
      const runner = this.#beginsValidation() ? nextRun : 'other';
      internals.testFunction = (data) => this.#runAs(runner, () => original(data));
      originalTestFunctions.set(internals.testFunction, original);
      runners.set(internals.testFunction, runner);
    };
    // `evaluate` of other code comes here as well, with a test function that runs as 'other'.
    const watchedTestLoop: typeof testLoop = (run, ...args) => {
      const original = originalTestFunctions.get(run) ?? run;
      const known = runners.get(run);
      const isValidation = known === undefined ? this.#validatesBy === 'loop' : isValidationRun(known);
      const evaluate = (runner: Runner): tf.Scalar[] =>
        testLoop.call(this.#model, (data) => this.#runAs(runner, () => original(data)), ...args);
      if (!isValidation) return evaluate(known ?? this.#runner);
      let values: tf.Scalar[] = [];
      for (const validationRun of this.#validationRuns) {
        tf.dispose(values);
        values = evaluate(validationRun);
        this.#passValidated(values, validationRun);
      }
      return values;
    };
    const watchedEvaluateDataset: typeof evaluateDataset = async (...args) => {
      const validationRuns = this.#validationRuns;
      let values: tf.Scalar | tf.Scalar[] = [];
      for (const [i, validationRun] of validationRuns.entries()) {
        tf.dispose(values);
        nextRun = validationRun;
        // It makes its test function before it returns.
        if (i > 0) this.#awaitsValidation = true;
        const evaluation = evaluateDataset.apply(this.#model, args);
        const runner = runners.get(internals.testFunction);
        values = await evaluation;
        // An evaluation by other code runs once.
        if (runner === undefined || !isValidationRun(runner)) break;
        this.#passValidated([values].flat(), validationRun);
      }
      return values;
    };
    const makeWatchedTrainFunction = (): BatchFunction => {
      const original = makeTrainFunction.call(this.#model);
      return (data) => this.#runAs('other', () => original(data));
    };
    this.#undo.push(
      override(internals, 'makeTestFunction', { writable: true, value: makeWatchedTestFunction }),
      override(internals, 'makeTrainFunction', { writable: true, value: makeWatchedTrainFunction }),
      override(internals, 'testLoop', { writable: true, value: watchedTestLoop }),
      override(internals, 'evaluateDataset', { writable: true, value: watchedEvaluateDataset }),
      () => {
        internals.testFunction = originalTestFunctions.get(internals.testFunction) ?? internals.testFunction;
      },
    );
  }

  #passValidated(values: readonly tf.Scalar[], run: ValidationRun): void {
    const names = this.#validationNames;
    const metricsNames = this.#internals.metricsNames.map((name) => `val_${name}`);
    const loggedNames = this.#validatesBy === 'evaluate' ? metricsNames : names;
    const numOutputs = this.#model.outputs.length;
    const isLogged = this.#validationRuns.at(-1)?.weights === run.weights;
    for (const sink of this.#sinksOf(run)) {
      sink.onValidated(ValidationValues.from({ numOutputs, names, loggedNames, values, isLogged }));
    }
  }

  #runAs<T>(runner: Runner, run: () => T): T {
    const outer = this.#runner;
    this.#runner = runner;
    try {
      const weights = isValidationRun(runner) ? runner.weights : null;
      return weights === null ? run() : weights.run(run);
    } finally {
      this.#runner = outer;
    }
  }

  /** Whether the evaluation that begins is the validation of `fitDataset`. Each epoch has one. */
  #beginsValidation(): boolean {
    const begins = this.#awaitsValidation;
    this.#awaitsValidation = false;
    return begins;
  }

  #watchHooks(): void {
    const onEpochBegin = async (): Promise<void> => {
      this.#batches = 0;
      this.#validationSeen = this.#stoppedAfterBatch = false;
      // An epoch that is resumed after its last batch has none.
      this.#awaitsValidation = this.#validatesBy === 'evaluate';
      return Promise.resolve();
    };
    const onBatchBegin = async (): Promise<void> => {
      this.#awaitsValidation = false;
      // There's another batch, so what ran since the last one was an evaluation in its hooks.
      if (this.#validationSeen) this.#discardValidation();
      // A callback may have called `compile`, which sets new losses.
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

  /** TensorFlow.js sets `isTraining` to false at the end of every `fit`. If `fit` throws, it does nothing else. */
  #watchEnd(): void {
    const end = (isTraining: boolean): void => {
      if (isTraining) return;
      this.#remove();
      this.#internals.isTraining = false;
    };
    this.#undo.push(override(this.#internals, 'isTraining', { get: () => true, set: end }));
  }

  #remove(): void {
    if (this.#isRemoved) return;
    this.#isRemoved = true;
    for (const undo of this.#undo) undo();
    if (this.#internals.lossFunctions === this.#wrappedLosses) this.#internals.lossFunctions = this.#losses;
    if (taps.get(this.#model) === this) taps.delete(this.#model);
    for (const sink of this.#sinks) sink.onFitOver();
    this.#sinks.clear();
  }
}

function isValidationRun(runner: Runner): runner is ValidationRun {
  return typeof runner === 'object';
}
