import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from './errors.js';

/** `(yTrue, yPred)`: the loss of one output for one batch. */
export type LossFunction = (yTrue: tf.Tensor, yPred: tf.Tensor) => tf.Tensor;

/** One batch, inputs then targets, to losses and metrics. */
export type BatchFunction = (data: tf.Tensor[]) => tf.Scalar[];

/**
 * What `fit` reads and writes on a `tf.LayersModel`, that its types keep private.
 *
 * Checked against TensorFlow.js 4.22 (`tfjs-layers/src/engine/training.ts`); the names are the same in
 * its minified bundles.
 */
export interface ModelInternals {
  /** One for each output, read at every batch of training and of validation. */
  lossFunctions: LossFunction[];
  /** True from the beginning of a `fit` to its end, also when it throws. */
  isTraining: boolean;
  /** Set anew by each `fit` before `onTrainBegin`; the last of its callbacks. */
  history: tf.History | undefined;
  /** `stopTraining` as `fit` reads it. */
  stopTraining_: boolean;
  testFunction: BatchFunction;
  /** Called by every `evaluate`, which then runs `testFunction`. */
  makeTestFunction: () => void;
  /** Called by `trainOnBatch`, and by `fit` before its first callback. */
  makeTrainFunction: () => BatchFunction;
  /** The weights that the optimizer updates, in the order of its slots; set by `compile`. */
  collectedTrainableWeights: tf.LayerVariable[] | undefined;
  outputLayers: tf.layers.Layer[];
  outputLayersTensorIndices: number[];
  /** Undefined until the model is compiled. */
  optimizer: tf.Optimizer | undefined;
  userDefinedMetadata: Record<string, unknown> | undefined;
  /** Of a `tf.Sequential` that is built: the functional model that does its work. */
  model: tf.LayersModel | undefined;
}

/** `model` seen through its internals. */
export function internalsOf(model: tf.LayersModel): ModelInternals {
  return model as unknown as ModelInternals;
}

/** Two copies in one process have classes of their own, and the callbacks of one are strangers to the other's `fit`. */
export function otherTfjs(): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_UNSUPPORTED_TFJS',
    'Expected a tf.LayersModel of the TensorFlow.js that this package imports: `npm ls @tensorflow/tfjs` lists its copies.',
  );
}

/** The optimizer that `model` is compiled with, or null. */
export function compiledOptimizer(model: tf.LayersModel): tf.Optimizer | null {
  return internalsOf(model).optimizer ?? null;
}

/**
 * The functional model that does the work of `model`: a `tf.Sequential` hands `fit` on to an inner one,
 * which is what callbacks are given.
 */
export function functionalModel(model: tf.LayersModel): tf.LayersModel {
  if (!(model instanceof tf.LayersModel)) throw otherTfjs();
  if (!(model instanceof tf.Sequential)) return model;
  // tfjs builds it when it is compiled or first called, which may be yet to come.
  if (!model.built && model.outputs.length > 0) model.build();
  const inner = internalsOf(model).model;
  if (inner !== undefined) return inner;
  throw new EntropyCheckpointError(
    'ENTROPY_UNSUPPORTED_MODEL',
    'Expected a model that is built, got a tf.Sequential without layers or input shape.',
  );
}

/**
 * Whether two functional models are of the same layers, and so of the same weights: a `tf.Sequential` makes
 * itself a new one with every `compile`.
 */
export function haveSameLayers(a: tf.LayersModel, b: tf.LayersModel): boolean {
  return (
    a === b || (a.layers.length === b.layers.length && a.layers.every((layer, i) => layer === b.layers[i]))
  );
}

/** @throws EntropyCheckpointError `ENTROPY_UNSUPPORTED_TFJS` where `fit` works by other means. */
export function checkInternals(model: tf.LayersModel): void {
  const internals = internalsOf(model);
  const complete =
    Array.isArray(internals.lossFunctions) &&
    typeof internals.isTraining === 'boolean' &&
    typeof internals.makeTestFunction === 'function' &&
    typeof internals.makeTrainFunction === 'function' &&
    internals.history !== undefined;
  if (complete) return;
  throw new EntropyCheckpointError(
    'ENTROPY_UNSUPPORTED_TFJS',
    `TensorFlow.js ${tf.version['tfjs-layers']} trains in a way that this version does not know. Install @tensorflow/tfjs 4.22.`,
  );
}
