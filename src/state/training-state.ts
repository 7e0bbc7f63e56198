import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../errors.js';
import { captureOptimizer } from './optimizer-capture.js';
import { planOptimizerRestore } from './optimizer-restore.js';
import { disposeOptimizerState, type OptimizerState } from './optimizer-state.js';
import { placeKey, placeRecurrentLayers, placeWeights, type Place } from './places.js';
import { shareBuffer } from './share-buffer.js';
import { withTensor, type TensorSource } from './tensor-source.js';

export interface WeightState {
  readonly place: Place;
  /** The name under which tfjs stores and finds the weight. */
  readonly name: string;
  readonly tensor: TensorSource;
}

export interface RecurrentState {
  readonly place: Place;
  /** The states of a stateful recurrent layer; null before its first batch. */
  readonly tensors: readonly TensorSource[] | null;
}

/**
 * All that training changes: weights, states of recurrent layers, the optimizer (null: left out), and what a
 * criterion remembers of the predictions of validation (null: nothing).
 */
export interface TrainingState {
  readonly weights: readonly WeightState[];
  readonly recurrent: readonly RecurrentState[];
  readonly optimizer: OptimizerState | null;
  readonly remembered: TensorSource | null;
}

/**
 * A snapshot of `model` and `optimizer` that shares their buffers: nothing is copied, nothing read.
 *
 * @param optimizer null: without it.
 * @param remembered by a criterion; the caller keeps it.
 * @returns the caller disposes it with `disposeState`.
 * @throws EntropyCheckpointError `ENTROPY_UNSUPPORTED_OPTIMIZER`.
 */
export function captureState(
  model: tf.LayersModel,
  optimizer: tf.Optimizer | null,
  remembered: tf.Tensor | null = null,
): TrainingState {
  const placed = placeWeights(model);
  // First, as it alone can fail.
  const optimizerState = optimizer === null ? null : captureOptimizer(optimizer, model, placed);
  const weights = placed.map(({ place, weight }) => ({
    place,
    name: weight.originalName,
    tensor: shareBuffer(weight.read()),
  }));
  const recurrent = placeRecurrentLayers(model).map(({ place, layer }) => ({
    place,
    tensors: layer.states_?.map(shareBuffer) ?? null,
  }));
  return {
    weights,
    recurrent,
    optimizer: optimizerState,
    remembered: remembered === null ? null : shareBuffer(remembered),
  };
}

/**
 * Puts `state` into `model` and `optimizer`: both are then, bit for bit, as they were when it was captured.
 *
 * What a criterion remembers is left to it. Weights are assigned as they are, past their constraints. Nothing is changed unless all of it fits. The
 * state keeps its tensors; of those that are yet to be read from a store, one at a time is in memory.
 *
 * @param optimizer null: is left alone.
 * @throws EntropyCheckpointError `ENTROPY_MODEL_MISMATCH`, `ENTROPY_OPTIMIZER_MISMATCH`;
 *   `ENTROPY_STORE_FAILED` when a store that could be read to verify it cannot be read again: then alone the
 *   model holds a part of the state.
 */
export async function restoreState(
  state: TrainingState,
  model: tf.LayersModel,
  optimizer: tf.Optimizer | null,
): Promise<void> {
  const steps = [planWeights(state.weights, model), planRecurrent(state.recurrent, model)];
  if (state.optimizer !== null && optimizer !== null) {
    steps.push(planOptimizerRestore(state.optimizer, optimizer, model));
  }
  for (const step of steps) await step();
}

export function disposeState(state: TrainingState): void {
  for (const { tensor } of state.weights) tensor.dispose();
  for (const { tensors } of state.recurrent) for (const tensor of tensors ?? []) tensor.dispose();
  if (state.optimizer !== null) disposeOptimizerState(state.optimizer);
  state.remembered?.dispose();
}

function planWeights(states: readonly WeightState[], model: tf.LayersModel): () => Promise<void> {
  const placed = placeWeights(model);
  const byPlace = new Map(placed.map(({ place, weight }) => [placeKey(place), weight]));
  if (placed.length !== states.length) {
    throw mismatch(`a model of ${states.length} weights`, `one of ${placed.length}`);
  }
  const steps = states.map(({ place, name, tensor }) => {
    const weight = byPlace.get(placeKey(place));
    // As many as there are, each at another place: so none is left out.
    byPlace.delete(placeKey(place));
    const expected = `weight "${name}" ${tensor.dtype} [${tensor.shape.join(', ')}] at ${placeKey(place)}`;
    if (weight === undefined) throw mismatch(expected, 'none');
    const variable = weight.read() as tf.Variable;
    if (variable.dtype !== tensor.dtype || !tf.util.arraysEqual(variable.shape, tensor.shape)) {
      throw mismatch(expected, `"${weight.originalName}" ${variable.dtype} [${variable.shape.join(', ')}]`);
    }
    return () =>
      withTensor(tensor, (value) => {
        variable.assign(value);
      });
  });
  return async () => {
    for (const step of steps) await step();
  };
}

function planRecurrent(states: readonly RecurrentState[], model: tf.LayersModel): () => Promise<void> {
  const layers = placeRecurrentLayers(model);
  const byPlace = new Map(layers.map(({ place, layer }) => [placeKey(place), layer]));
  const steps = states.map(({ place, tensors }) => {
    const layer = byPlace.get(placeKey(place));
    byPlace.delete(placeKey(place));
    const expected = `a stateful recurrent layer with ${shapesOf(tensors)} at ${placeKey(place)}`;
    if (layer === undefined) throw mismatch(expected, 'none');
    // They have the size of the batch in them, which the weights do not tell.
    const fits = tensors === null || layer.states_ === null || shapesOf(tensors) === shapesOf(layer.states_);
    if (!fits) throw mismatch(expected, `one with ${shapesOf(layer.states_)}`);
    return async () => {
      const restored: tf.Tensor[] = [];
      for (const tensor of tensors ?? []) restored.push(await withTensor(tensor, shareBuffer));
      if (layer.states_ !== null) tf.dispose(layer.states_);
      layer.states_ = tensors === null ? null : restored;
    };
  });
  return async () => {
    for (const step of steps) await step();
  };
}

function shapesOf(states: readonly TensorSource[] | null): string {
  return `states ${states?.map(({ dtype, shape }) => `${dtype} [${shape.join(', ')}]`).join(', ') ?? 'not yet set'}`;
}

function mismatch(expected: string, got: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_MODEL_MISMATCH',
    `The checkpoint belongs to another model: expected ${expected}, got ${got}. Nothing was changed.`,
  );
}
