import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../errors.js';
import { checkKind } from './field-kinds.js';
import {
  optimizerClassName,
  type FieldState,
  type ListState,
  type OptimizerState,
  type SlotState,
  type TensorState,
} from './optimizer-state.js';
import { placeKey, placeWeights, type PlacedWeight } from './places.js';
import { shareBuffer } from './share-buffer.js';
import { fits, isSlot, trainedWeights, variableName, type Slot } from './slots.js';
import { withTensor, type TensorSource } from './tensor-source.js';

type WeightsByPlace = ReadonlyMap<string, PlacedWeight>;

/**
 * Checks that `state` can be given to `optimizer`; changes nothing.
 *
 * @returns what gives it: assigns every field, keeps the optimizer's variables where they fit, and
 *   disposes those that it replaces. The state keeps its tensors.
 * @throws EntropyCheckpointError `ENTROPY_OPTIMIZER_MISMATCH`.
 */
export function planOptimizerRestore(
  state: OptimizerState,
  optimizer: tf.Optimizer,
  model: tf.LayersModel,
): () => Promise<void> {
  const className = optimizerClassName(optimizer);
  if (className !== state.className) {
    throw new EntropyCheckpointError(
      'ENTROPY_OPTIMIZER_MISMATCH',
      `Expected an optimizer of class ${state.className}, which the checkpoint was made with, got ${className}. ` +
        'Compile the model with that one.',
    );
  }
  const weights = placeWeights(model);
  const trained = trainedWeights(optimizer, model, weights);
  const byPlace = new Map(weights.map((placed) => [placeKey(placed.place), placed]));
  const steps = Object.entries(state.fields).map(([key, field]) => {
    if (key in Object.getPrototypeOf(optimizer)) throw notAField(`${className}.${key}`);
    checkKind(field, Reflect.get(optimizer, key), `${className}.${key}`);
    const target = field.kind === 'list' ? orderSlots(field, byPlace, trained, `${className}.${key}`) : field;
    return async () => {
      Reflect.set(optimizer, key, await restoreField(target, Reflect.get(optimizer, key), byPlace));
    };
  });
  return async () => {
    for (const step of steps) await step();
  };
}

/** A stored checkpoint is data: it must not put something in the place of a method or of the prototype. */
function notAField(name: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_CORRUPT_CHECKPOINT',
    `Expected the checkpoint to hold fields of the optimizer, got ${name}, which is none. Nothing was changed.`,
  );
}

/** Puts slots in the order of the weights that are trained now, which freezing a layer changes. */
function orderSlots(
  list: ListState,
  byPlace: WeightsByPlace,
  trained: readonly PlacedWeight[] | null,
  name: string,
): ListState {
  const slots = new Map<string, SlotState>();
  const unused: SlotState[] = [];
  for (const item of list.items) {
    // The hole of a weight that has not been trained yet.
    if (item === undefined) continue;
    if (item.kind !== 'slot') return list;
    if (item.place === null) {
      unused.push(item);
      continue;
    }
    const key = placeKey(item.place);
    const placed = byPlace.get(key);
    if (!fits(item.tensor, placed)) throw slotMismatch(item, name, placed);
    slots.set(key, item);
  }
  if (trained === null || slots.size === 0) return list;
  return { kind: 'list', items: [...trained.map(({ place }) => slots.get(placeKey(place))), ...unused] };
}

function slotMismatch(
  slot: SlotState,
  name: string,
  placed: PlacedWeight | undefined,
): EntropyCheckpointError {
  const found =
    placed === undefined ? 'none' : `"${placed.weight.originalName}" [${placed.weight.shape.join(', ')}]`;
  return new EntropyCheckpointError(
    'ENTROPY_OPTIMIZER_MISMATCH',
    `Expected the model to have a weight [${slot.tensor.shape.join(', ')}] at ${placeKey(slot.place ?? [])} ` +
      `for ${name}, got ${found}.`,
  );
}

/** @returns the new value of the field; what of the `current` one is not in it has been disposed. */
async function restoreField(field: FieldState, current: unknown, byPlace: WeightsByPlace): Promise<unknown> {
  switch (field.kind) {
    case 'scalar':
      disposeValue(current);
      return field.value;
    case 'tensor':
      return restoreTensor(field, current);
    case 'slot':
      return restoreSlot(field, current, byPlace);
    case 'list':
      return restoreList(field, current, byPlace);
  }
}

function restoreTensor({ tensor: source, assigned }: TensorState, current: unknown): Promise<tf.Tensor> {
  return withTensor(source, (tensor) => {
    if (assigned && isVariable(current) && isLike(current, tensor)) {
      current.assign(tensor);
      return current;
    }
    const restored = assigned ? newVariable(tensor) : shareBuffer(tensor);
    disposeValue(current);
    return restored;
  });
}

function restoreSlot(slot: SlotState, current: unknown, byPlace: WeightsByPlace): Promise<Slot> {
  const placed = slot.place === null ? undefined : byPlace.get(placeKey(slot.place));
  const originalName = (placed === undefined ? '' : variableName(placed)) + slot.suffix;
  return withTensor(slot.tensor, (tensor) => {
    if (isSlot(current) && isLike(current.variable, tensor)) {
      current.variable.assign(tensor);
      current.originalName = originalName;
      return current;
    }
    disposeValue(current);
    return { originalName, variable: newVariable(tensor) };
  });
}

async function restoreList(
  { items }: ListState,
  current: unknown,
  byPlace: WeightsByPlace,
): Promise<unknown[]> {
  const list: unknown[] = Array.isArray(current) ? current : [];
  for (const surplus of list.slice(items.length)) disposeValue(surplus);
  list.length = items.length;
  for (const [i, item] of items.entries()) {
    if (item !== undefined) {
      list[i] = await restoreField(item, list[i], byPlace);
      continue;
    }
    disposeValue(list[i]);
    // A real hole: tfjs walks its slots with `map`, which skips one and stumbles over an undefined.
    Reflect.deleteProperty(list, i);
  }
  return list;
}

function isLike(variable: tf.Variable, tensor: TensorSource): boolean {
  return (
    !variable.isDisposed &&
    variable.dtype === tensor.dtype &&
    tf.util.arraysEqual(variable.shape, tensor.shape)
  );
}

function isVariable(value: unknown): value is tf.Variable {
  return value instanceof tf.Variable;
}

function newVariable(tensor: tf.Tensor): tf.Variable {
  // Never trainable: a bare `minimize` would take it for a weight.
  return tf.variable(tensor, false);
}

function disposeValue(value: unknown): void {
  if (value instanceof tf.Tensor) {
    if (!value.isDisposed) value.dispose();
  } else if (isSlot(value)) {
    disposeValue(value.variable);
  } else if (Array.isArray(value)) {
    for (const item of value) disposeValue(item);
  }
}
