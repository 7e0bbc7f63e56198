import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../../errors.js';
import {
  disposeField,
  disposeOptimizerState,
  type FieldState,
  type ListState,
  type OptimizerState,
  type ScalarValue,
} from '../../format/optimizer-state.js';
import { isOptimizerSlot } from '../../tfjs-internals.js';
import { shareBuffer } from '../share-buffer.js';
import { modelDisposed } from '../live-weights.js';
import type { WeightWithPath } from '../weight-paths.js';
import { matchSlots, optimizerClassName, trainedWeights } from './optimizer-slots.js';

/**
 * Captures every own field of `optimizer`, whatever its class: scalars, tensors, and lists of scalars, tensors and
 * optimizer slots. Tensors share the optimizer's buffers.
 *
 * @param model the model that it trains.
 * @param weights the model's weights: optimizer slots are matched by the path of their weight.
 * @returns the caller disposes it.
 * @throws EntropyCheckpointError `ENTROPY_UNSUPPORTED_OPTIMIZER` for a field of another type; `ENTROPY_MODEL_DISPOSED`.
 */
export function captureOptimizer(
  optimizer: tf.Optimizer,
  model: tf.LayersModel,
  weights: readonly WeightWithPath[],
): OptimizerState {
  const className = optimizerClassName(optimizer);
  const trained = trainedWeights(optimizer, model, weights);
  const fields: Record<string, FieldState> = {};
  // TensorFlow.js adds `iterations_` with the first step. Before that, its absence is what must be restored.
  const keys = new Set([...Object.keys(optimizer), 'iterations_']);
  try {
    for (const key of keys) {
      const field = captureField(Reflect.get(optimizer, key), `${className}.${key}`);
      fields[key] = field.kind === 'list' ? matchSlots(field, weights, trained) : field;
    }
  } catch (error) {
    disposeOptimizerState({ className, fields });
    throw error;
  }
  return { className, fields };
}

function captureField(value: unknown, name: string): FieldState {
  if (isDisposed(value)) throw modelDisposed('optimizer');
  if (isScalar(value)) return { kind: 'scalar', value };
  if (isNumericTensor(value)) {
    return { kind: 'tensor', tensor: shareBuffer(value), assigned: value instanceof tf.Variable };
  }
  if (isOptimizerSlot(value)) {
    return { kind: 'slot', tensor: shareBuffer(value.variable), path: null, suffix: value.originalName };
  }
  if (Array.isArray(value)) return captureList(value, name);
  throw new EntropyCheckpointError(
    'ENTROPY_UNSUPPORTED_OPTIMIZER',
    'Expected the fields of the optimizer to be numbers, strings, booleans, tensors, or lists of these, ' +
      `got ${name} of type ${typeName(value)}. Change its type, or set \`includeOptimizer: false\`.`,
  );
}

function isDisposed(value: unknown): boolean {
  const tensor = isOptimizerSlot(value) ? value.variable : value;
  return tensor instanceof tf.Tensor && tensor.isDisposed;
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
  // An object without a prototype has no constructor.
  const { constructor } = value as { constructor?: { name: string } };
  return constructor?.name ?? 'object';
}
