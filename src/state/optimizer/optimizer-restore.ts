import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError, excerpt } from '../../errors.js';
import type {
  FieldState,
  ListState,
  OptimizerState,
  SlotState,
  TensorState,
} from '../../format/optimizer-state.js';
import type { TensorSource } from '../../format/stored-tensor.js';
import { describePath, describeShape, pathKey } from '../../format/weight-path.js';
import { isOptimizerSlot, type OptimizerSlot } from '../../tfjs-internals.js';
import type { RestoreStep, TensorOf } from '../restore-step.js';
import { shareBuffer } from '../share-buffer.js';
import { weightsWithPaths, type WeightWithPath } from '../weight-paths.js';
import { checkKind, checkSetting } from './field-kinds.js';
import { fits, optimizerClassName, trainedWeights, variableName } from './optimizer-slots.js';

type WeightsByPath = ReadonlyMap<string, WeightWithPath>;

/** What restoring a field needs to know. */
interface RestoreContext {
  readonly byPath: WeightsByPath;
  readonly tensorOf: TensorOf;
}

/**
 * Checks that `state` can be restored in `optimizer`. Changes nothing.
 *
 * @returns steps that restore it: they assign every field, keep the optimizer's variables where they fit, and dispose
 *   those that they replace. The state keeps its tensors.
 * @throws EntropyCheckpointError `ENTROPY_OPTIMIZER_MISMATCH`.
 */
export function planOptimizerRestore(
  state: OptimizerState,
  optimizer: tf.Optimizer,
  model: tf.LayersModel,
): RestoreStep[] {
  const className = optimizerClassName(optimizer);
  if (className !== state.className) {
    throw new EntropyCheckpointError(
      'ENTROPY_OPTIMIZER_MISMATCH',
      `Compile the model with the optimizer that the checkpoint was made with: expected class ${excerpt(state.className, 100)}, ` +
        `got ${className}.`,
    );
  }
  const weights = weightsWithPaths(model);
  const trained = trainedWeights(optimizer, model, weights);
  const byPath = new Map(weights.map((found) => [pathKey(found.path), found]));
  return Object.entries(state.fields).map(([key, field]) => {
    const name = excerpt(`${className}.${key}`, 80);
    if (key in Object.getPrototypeOf(optimizer)) throw notAField(name);
    const current: unknown = Reflect.get(optimizer, key);
    checkKind(field, current, name);
    checkSetting(field, key, current, name);
    const target = field.kind === 'list' ? orderSlots(field, byPath, trained, name) : field;
    return {
      sources: sourcesOf(target),
      apply(tensorOf) {
        Reflect.set(optimizer, key, restoreField(target, Reflect.get(optimizer, key), { byPath, tensorOf }));
      },
    };
  });
}

function sourcesOf(field: FieldState | undefined): TensorSource[] {
  if (field?.kind === 'list') return field.items.flatMap(sourcesOf);
  return field?.kind === 'tensor' || field?.kind === 'slot' ? [field.tensor] : [];
}

/** A stored checkpoint is data: it must not replace a method or the prototype. */
function notAField(name: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_CORRUPT_CHECKPOINT',
    `Expected the checkpoint to hold fields of the optimizer, got ${name}, which is not one. Nothing was changed.`,
  );
}

/** Puts the optimizer slots in the order of the weights that are trained now. Freezing a layer changes that order. */
function orderSlots(
  list: ListState,
  byPath: WeightsByPath,
  trained: readonly WeightWithPath[] | null,
  name: string,
): ListState {
  const slots = new Map<string, SlotState>();
  const unused: SlotState[] = [];
  for (const item of list.items) {
    // A weight that hasn't been trained yet leaves a hole.
    if (item === undefined) continue;
    if (item.kind !== 'slot') return list;
    if (item.path === null) {
      unused.push(item);
      continue;
    }
    const key = pathKey(item.path);
    const match = byPath.get(key);
    if (!fits(item.tensor, match)) throw slotMismatch(item, name, match);
    slots.set(key, item);
  }
  if (trained === null || slots.size === 0) return list;
  return { kind: 'list', items: [...trained.map(({ path }) => slots.get(pathKey(path))), ...unused] };
}

function slotMismatch(
  slot: SlotState,
  name: string,
  match: WeightWithPath | undefined,
): EntropyCheckpointError {
  const found =
    match === undefined ? 'none' : `"${match.weight.originalName}" [${match.weight.shape.join(', ')}]`;
  return new EntropyCheckpointError(
    'ENTROPY_OPTIMIZER_MISMATCH',
    `Expected the model to have a weight ${describeShape(slot.tensor.shape)} at ${describePath(slot.path ?? [])} ` +
      `for ${name}, got ${found}.`,
  );
}

/** @returns the field's new value. What it doesn't reuse of the `current` value is disposed. */
function restoreField(field: FieldState, current: unknown, context: RestoreContext): unknown {
  switch (field.kind) {
    case 'scalar':
      disposeValue(current);
      return field.value;
    case 'tensor':
      return restoreTensor(field, current, context);
    case 'slot':
      return restoreSlot(field, current, context);
    case 'list':
      return restoreList(field, current, context);
  }
}

function restoreTensor(
  { tensor: source, assigned }: TensorState,
  current: unknown,
  { tensorOf }: RestoreContext,
): tf.Tensor {
  const tensor = tensorOf(source);
  if (assigned && isVariable(current) && isLike(current, tensor)) {
    current.assign(tensor);
    return current;
  }
  const restored = assigned ? newVariable(tensor) : shareBuffer(tensor);
  disposeValue(current);
  return restored;
}

function restoreSlot(slot: SlotState, current: unknown, { byPath, tensorOf }: RestoreContext): OptimizerSlot {
  const match = slot.path === null ? undefined : byPath.get(pathKey(slot.path));
  const originalName = (match === undefined ? '' : variableName(match)) + slot.suffix;
  const tensor = tensorOf(slot.tensor);
  if (isOptimizerSlot(current) && isLike(current.variable, tensor)) {
    current.variable.assign(tensor);
    current.originalName = originalName;
    return current;
  }
  disposeValue(current);
  return { originalName, variable: newVariable(tensor) };
}

function restoreList({ items }: ListState, current: unknown, context: RestoreContext): unknown[] {
  const list: unknown[] = Array.isArray(current) ? current : [];
  for (const surplus of list.slice(items.length)) disposeValue(surplus);
  list.length = items.length;
  for (const [i, item] of items.entries()) {
    if (item !== undefined) {
      list[i] = restoreField(item, list[i], context);
      continue;
    }
    disposeValue(list[i]);
    // A real hole: TensorFlow.js walks its slots with `map`, which skips a hole but would fail on an undefined.
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
  // Never trainable: `minimize` without a list of variables would train it.
  return tf.variable(tensor, false);
}

function disposeValue(value: unknown): void {
  if (value instanceof tf.Tensor) {
    if (!value.isDisposed) value.dispose();
  } else if (isOptimizerSlot(value)) {
    disposeValue(value.variable);
  } else if (Array.isArray(value)) {
    for (const item of value) disposeValue(item);
  }
}
