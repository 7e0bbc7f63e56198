import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from './errors.js';

// The private fields of TensorFlow.js that this package relies on. Checked against 4.22; the names are the same in its
// minified bundles.

/** `(yTrue, yPred)`: the loss of one output for one batch. */
export type LossFunction = (yTrue: tf.Tensor, yPred: tf.Tensor) => tf.Tensor;

/** Takes one batch, inputs then targets, and returns losses and metrics. */
export type BatchFunction = (data: tf.Tensor[]) => tf.Scalar[];

/**
 * What `fit` reads and writes on a `tf.LayersModel` that its types keep private.
 *
 * @see `tfjs-layers/src/engine/training.ts`
 */
export interface ModelInternals {
  /** One for each output, read at every training and validation batch. */
  lossFunctions: LossFunction[];
  /** True from the beginning of a `fit` to its end, also when it throws. */
  isTraining: boolean;
  /** Replaced by each `fit` before `onTrainBegin`; the last of its callbacks. */
  history: tf.History | undefined;
  /** `stopTraining` as `fit` reads it. */
  stopTraining_: boolean;
  testFunction: BatchFunction;
  /** Runs a test function on every batch, synchronously. `fit` validates with it, and so does `evaluate`. */
  testLoop: (run: BatchFunction, data: tf.Tensor[], ...rest: unknown[]) => tf.Scalar[];
  /** `fitDataset` validates with it. It calls `makeTestFunction` at once. */
  evaluateDataset: (...args: unknown[]) => Promise<tf.Scalar | tf.Scalar[]>;
  /** The names of losses and metrics; equal ones aren't numbered, unlike those that `fit` announces. */
  metricsNames: string[];
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
  /** The functional model that does the work of a `tf.Sequential`; undefined until that is built. */
  model: tf.LayersModel | undefined;
}

/** `model` with its private fields. */
export function internalsOf(model: tf.LayersModel): ModelInternals {
  return model as unknown as ModelInternals;
}

/** A model that is trained, and the optimizer that trains it; null if that is unknown. */
export interface TrainedModel {
  readonly model: tf.LayersModel;
  readonly optimizer: tf.Optimizer | null;
}

/** The optimizer that `model` is compiled with, or null. */
export function compiledOptimizer(model: tf.LayersModel): tf.Optimizer | null {
  return internalsOf(model).optimizer ?? null;
}

/** Two copies in one process have separate classes: `fit` of one copy never calls callbacks of the other. */
export function otherTfjs(): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_UNSUPPORTED_TFJS',
    'Load TensorFlow.js once: this object was made by another copy of it than the one that this package imports. A page ' +
      'has two copies with two <script> of it, or with one and a bundle.',
  );
}

/** Whether `value` looks like an instance from another copy, whose class has `method`. */
function isOfOtherTfjs(value: unknown, method: string): boolean {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, method) === 'function';
}

/** @throws EntropyCheckpointError `ENTROPY_UNSUPPORTED_TFJS` for a model of another copy of TensorFlow.js. */
export function isModel(value: unknown): value is tf.LayersModel {
  if (value instanceof tf.LayersModel) return true;
  if (isOfOtherTfjs(value, 'makeTrainFunction')) throw otherTfjs();
  return false;
}

/** @throws EntropyCheckpointError `ENTROPY_UNSUPPORTED_TFJS` for an optimizer of another copy of TensorFlow.js. */
export function isOptimizer(value: unknown): value is tf.Optimizer {
  if (value instanceof tf.Optimizer) return true;
  if (isOfOtherTfjs(value, 'computeGradients')) throw otherTfjs();
  return false;
}

/**
 * The functional model that does the work of `model`: a `tf.Sequential` passes `fit` on to an inner one, which
 * is what callbacks are given.
 *
 * @throws EntropyCheckpointError `ENTROPY_UNSUPPORTED_TFJS`, `ENTROPY_UNSUPPORTED_MODEL`.
 */
export function functionalModel(model: tf.LayersModel): tf.LayersModel {
  if (!isModel(model)) {
    throw new EntropyCheckpointError('ENTROPY_INVALID_ARGUMENT', 'Expected `model` to be a tf.LayersModel.');
  }
  if (!(model instanceof tf.Sequential)) return model;
  // TensorFlow.js builds it when it's compiled or first called, which may not have happened yet.
  if (!model.built && model.outputs.length > 0) model.build();
  const inner = internalsOf(model).model;
  if (inner !== undefined) return inner;
  throw new EntropyCheckpointError(
    'ENTROPY_UNSUPPORTED_MODEL',
    'Expected a model that is built, got a tf.Sequential without layers or input shape.',
  );
}

/**
 * Whether two functional models have the same layers, and so the same weights: a `tf.Sequential` makes a new
 * functional model with every `compile`.
 */
export function haveSameLayers(a: tf.LayersModel, b: tf.LayersModel): boolean {
  return (
    a === b || (a.layers.length === b.layers.length && a.layers.every((layer, i) => layer === b.layers[i]))
  );
}

/** @throws EntropyCheckpointError `ENTROPY_UNSUPPORTED_TFJS` if this version of `fit` works differently. */
export function checkInternals(model: tf.LayersModel): void {
  const internals = internalsOf(model);
  const isComplete =
    Array.isArray(internals.lossFunctions) &&
    typeof internals.isTraining === 'boolean' &&
    typeof internals.makeTestFunction === 'function' &&
    typeof internals.testLoop === 'function' &&
    typeof internals.makeTrainFunction === 'function' &&
    internals.history !== undefined;
  if (isComplete) return;
  throw new EntropyCheckpointError(
    'ENTROPY_UNSUPPORTED_TFJS',
    `Install @tensorflow/tfjs 4.22: version ${tf.version['tfjs-layers']} trains in a way that this package does not know.`,
  );
}

/** Whether a gradient tape is recording: `fit` computes training losses under one, but not validation losses. */
export function isUnderTape(): boolean {
  return tf.engine().state.gradientDepth > 0;
}

/**
 * Runs `measure` without recording it on the gradient tape. Training calls the loss under a tape, which would hold
 * every tensor that a cast or a composition saves until the backward pass is done. On wasm that's a copy of all bytes.
 * The engine takes `measure` for the inside of a kernel, which it doesn't record.
 */
export function withoutTape<T extends tf.Tensor>(measure: () => T): T {
  const { state } = tf.engine();
  state.kernelDepth += 1;
  try {
    return measure();
  } finally {
    state.kernelDepth -= 1;
  }
}

/**
 * Exchanges the buffers of two tensors of equal shape and type. Nothing is copied, and no kernel runs: like
 * `variable.assign`, which does half of it, this only changes which buffer a tensor names.
 */
export function swapBuffers(a: tf.Tensor, b: tf.Tensor): void {
  [a.dataId, b.dataId] = [b.dataId, a.dataId];
}

/**
 * Registers kernels under the names of their backends. No backend needs to be loaded for it.
 *
 * Two copies of this package in one process (a bundle beside node_modules, say) share the registry of TensorFlow.js: the
 * first registers.
 */
export function registerKernels(kernels: readonly tf.KernelConfig[]): void {
  for (const kernel of kernels) {
    if (!isRegistered(kernel.kernelName, kernel.backendName)) tf.registerKernel(kernel);
  }
}

export function isRegistered(kernelName: string, backendName: string): boolean {
  return (tf.getKernel(kernelName, backendName) as tf.KernelConfig | undefined) !== undefined;
}

/** An optimizer slot: what an optimizer keeps for one weight, for example under the name `'dense/kernel/m'`. */
export interface OptimizerSlot {
  originalName: string;
  variable: tf.Variable;
}

export function isOptimizerSlot(value: unknown): value is OptimizerSlot {
  if (typeof value !== 'object' || value === null) return false;
  const { originalName, variable } = value as Partial<OptimizerSlot>;
  return (
    typeof originalName === 'string' && variable instanceof tf.Variable && Object.keys(value).length === 2
  );
}

/** A recurrent layer; TensorFlow.js doesn't store its states. */
export type RecurrentLayer = tf.layers.Layer & {
  /** null before the first batch. */
  states_: tf.Tensor[] | null;
};

/** Whether `layer` carries states from batch to batch. */
export function isStatefulLayer(layer: tf.layers.Layer): layer is RecurrentLayer {
  return layer instanceof tf.RNN && layer.stateful;
}

/** The layers inside `Bidirectional`, `TimeDistributed` and other wrappers. */
export function wrappedLayers(layer: tf.layers.Layer): tf.layers.Layer[] {
  const wrapper = layer as tf.layers.Layer &
    Partial<Record<'forwardLayer' | 'backwardLayer' | 'layer', unknown>>;
  const { forwardLayer, backwardLayer, layer: inner } = wrapper;
  const candidates = forwardLayer === undefined ? [inner] : [forwardLayer, backwardLayer];
  return candidates.filter((candidate) => candidate instanceof tf.layers.Layer);
}

/** `addWeight` of a layer: (name, shape, dtype, initializer, …). */
type AddWeight = (
  this: tf.layers.Layer,
  name: string,
  shape: number[],
  dtype: tf.DataType | undefined,
  initializer: unknown,
  ...rest: unknown[]
) => tf.LayerVariable;

/** The prototype whose `addWeight` makes the weights of every layer. */
export function layerPrototype(): { addWeight: AddWeight } {
  return tf.layers.Layer.prototype as unknown as { addWeight: AddWeight };
}

/** The fields from which a stateful layer makes its states. */
export interface StatefulLayer extends Pick<RecurrentLayer, 'states_'> {
  readonly inputSpec: readonly [{ readonly shape: number[] }];
  readonly cell: { readonly stateSize: number | number[] };
  /** Only convolutions have it. */
  computeSingleOutputShape?(inputShape: number[]): number[];
}

/** A prototype of recurrent layers with its own `resetStates`, which makes the states. */
export interface StatefulPrototype {
  resetStates: (this: StatefulLayer, ...args: unknown[]) => void;
}

/** Every registered prototype of recurrent layers with its own `resetStates`. */
export function statefulPrototypes(): StatefulPrototype[] {
  const found = new Set<object>();
  for (const [{ prototype }] of Object.values(tf.serialization.SerializationMap.getMap().classNameMap)) {
    let type = prototype as object | null;
    for (; type instanceof tf.RNN || type === tf.RNN.prototype; type = Reflect.getPrototypeOf(type)) {
      if (Object.hasOwn(type, 'resetStates')) found.add(type);
    }
  }
  return [...found] as StatefulPrototype[];
}

/** An instance of a callback. */
export type CallbackInstance = tf.Callback | tf.CustomCallback;

/** A callback as programs pass it to `fit`: an instance, or an object of functions. */
export type CallbackLike = CallbackInstance | tf.CustomCallbackArgs;

const isInstance = (callback: CallbackLike): callback is CallbackInstance => 'setParams' in callback;

const HOOKS = [
  'onTrainBegin',
  'onTrainEnd',
  'onEpochBegin',
  'onEpochEnd',
  'onBatchBegin',
  'onBatchEnd',
  'onYield',
] as const;

/** An instance that calls an object of functions; an instance as it is. TensorFlow.js takes no list with both. */
export function callbackInstance(callback: CallbackLike): CallbackInstance {
  if (isInstance(callback)) return callback;
  // Its functions may be methods.
  const hooks = HOOKS.flatMap((name) => {
    const hook: unknown = callback[name];
    return typeof hook === 'function' ? [[name, hook.bind(callback) as unknown]] : [];
  });
  // The checkpoint yields already. Each further callback that yields would wait for another frame.
  return new tf.CustomCallback(
    Object.fromEntries(hooks) as tf.CustomCallbackArgs,
    callback.onYield === undefined ? 'never' : 'auto',
  );
}
