import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../errors.js';
import {
  disposeField,
  disposeOptimizerState,
  optimizerClassName,
  type FieldState,
  type ListState,
  type OptimizerState,
  type ScalarValue,
} from './optimizer-state.js';
import type { PlacedWeight } from './places.js';
import { shareBuffer } from './share-buffer.js';
import { isSlot, placeSlots, trainedWeights } from './slots.js';

/**
 * Every own field of `optimizer`, whatever its class: scalars, tensors, and lists of them and of slots.
 * Tensors share the optimizer's buffers.
 *
 * @param model the model that it trains.
 * @param weights of that model: slots are matched by the place of their weight.
 * @returns the caller disposes it.
 * @throws EntropyCheckpointError `ENTROPY_UNSUPPORTED_OPTIMIZER` for a field of another type.
 */
export function captureOptimizer(
  optimizer: tf.Optimizer,
  model: tf.LayersModel,
  weights: readonly PlacedWeight[],
): OptimizerState {
  const className = optimizerClassName(optimizer);
  const trained = trainedWeights(optimizer, model, weights);
  const fields: Record<string, FieldState> = {};
  // tfjs adds `iterations_` with the first step; before it, its absence is what must be restored.
  const keys = new Set([...Object.keys(optimizer), 'iterations_']);
  try {
    for (const key of keys) {
      const field = captureField(Reflect.get(optimizer, key), `${className}.${key}`);
      fields[key] = field.kind === 'list' ? placeSlots(field, weights, trained) : field;
    }
  } catch (error) {
    disposeOptimizerState({ className, fields });
    throw error;
  }
  return { className, fields };
}

function captureField(value: unknown, name: string): FieldState {
  if (isScalar(value)) return { kind: 'scalar', value };
  if (isNumericTensor(value)) {
    return { kind: 'tensor', tensor: shareBuffer(value), assigned: value instanceof tf.Variable };
  }
  if (isSlot(value)) {
    return { kind: 'slot', tensor: shareBuffer(value.variable), place: null, suffix: value.originalName };
  }
  if (Array.isArray(value)) return captureList(value, name);
  throw new EntropyCheckpointError(
    'ENTROPY_UNSUPPORTED_OPTIMIZER',
    'Expected the fields of the optimizer to be numbers, strings, booleans, tensors, or lists of them, ' +
      `got ${name} of type ${typeName(value)}. Make it one of these, or set \`includeOptimizer: false\`.`,
  );
}

function isScalar(value: unknown): value is ScalarValue {
  return value == null || ['number', 'string', 'boolean'].includes(typeof value);
}

function isNumericTensor(value: unknown): value is tf.Tensor {
  return value instanceof tf.Tensor && value.dtype !== 'string' && value.dtype !== 'complex64';
}

function captureList(values: readonly unknown[], name: string): ListState {
  const items: (FieldState | undefined)[] = [];
  try {
    // By index, so that holes count.
    for (let i = 0; i < values.length; i++) {
      items.push(values[i] === undefined ? undefined : captureField(values[i], `${name}[${i}]`));
    }
  } catch (error) {
    disposeField({ kind: 'list', items });
    throw error;
  }
  return { kind: 'list', items };
}

function typeName(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value;
  // An object may have no prototype, and so no constructor.
  const { constructor } = value as { constructor?: { name: string } };
  return constructor?.name ?? 'object';
}
