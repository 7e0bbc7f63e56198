import * as tf from '@tensorflow/tfjs';
import { describeValue } from '../../check-options.js';
import { EntropyCheckpointError, excerpt } from '../../errors.js';
import type { FieldState } from '../../format/optimizer-state.js';
import { isOptimizerSlot } from '../../tfjs-internals.js';

/**
 * Checks that a stored field of an optimizer can replace the current value: the optimizer's methods expect a list in one
 * field and a number in another. A field that isn't set may become anything, and a set field may become unset: some
 * fields are made by the first step. A number stays a number, as it's calculated with.
 *
 * @param name the field's name, for messages.
 * @throws EntropyCheckpointError `ENTROPY_OPTIMIZER_MISMATCH`.
 */
export function checkKind(field: FieldState, current: unknown, name: string): void {
  const [expected, got] = [kindOfField(field), kindOfValue(current)];
  if (expected === got) checkItems(field, current, name);
  if (expected === got || got === 'nothing' || (expected === 'nothing' && got !== OTHER)) return;
  if (expected === 'a number' && got === 'a text or boolean') return;
  throw new EntropyCheckpointError(
    'ENTROPY_OPTIMIZER_MISMATCH',
    `Expected ${name} to be ${expected}, as in the checkpoint, got ${got}. Nothing was changed.`,
  );
}

/** The numbers that TensorFlow.js's optimizers are made with. They are set from the beginning, and no step changes them. */
const SETTINGS: ReadonlySet<string> = new Set([
  'learningRate',
  'beta1',
  'beta2',
  'epsilon',
  'rho',
  'decay',
  'momentum',
  'initialAccumulatorValue',
]);

/**
 * Checks that a setting of an optimizer is restored to a number. Anything else, NaN and an infinity included, would make
 * NaN of every weight with the next step.
 *
 * @throws EntropyCheckpointError `ENTROPY_OPTIMIZER_MISMATCH`.
 */
export function checkSetting(field: FieldState, key: string, current: unknown, name: string): void {
  if (!SETTINGS.has(key) || typeof current !== 'number') return;
  if (field.kind === 'scalar' && Number.isFinite(field.value)) return;
  const got = field.kind === 'scalar' ? excerpt(describeValue(field.value), 60) : kindOfField(field);
  throw new EntropyCheckpointError(
    'ENTROPY_OPTIMIZER_MISMATCH',
    `Expected the checkpoint to have a finite number for ${name}, got ${got}. Nothing was changed. ` +
      'Restore the checkpoint from a copy, or train again.',
  );
}

/** Only scalars: the items that are slots come in the order of the weights. */
function checkItems(field: FieldState, current: unknown, name: string): void {
  if (field.kind !== 'list' || !Array.isArray(current)) return;
  for (const [i, item] of field.items.entries()) {
    const value: unknown = current[i];
    if (item?.kind === 'scalar' && typeof value === 'number') checkKind(item, value, `${name}[${i}]`);
  }
}

/** No checkpoint holds such a value. */
const OTHER = 'an object or a function';

function kindOfField(field: FieldState): string {
  if (field.kind === 'scalar') return scalarKind(field.value);
  return { tensor: 'a tensor', slot: 'an optimizer slot', list: 'a list' }[field.kind];
}

function kindOfValue(value: unknown): string {
  if (value == null || ['number', 'string', 'boolean'].includes(typeof value)) return scalarKind(value);
  if (value instanceof tf.Tensor) return 'a tensor';
  if (isOptimizerSlot(value)) return 'an optimizer slot';
  if (Array.isArray(value)) return 'a list';
  return OTHER;
}

function scalarKind(value: unknown): string {
  if (value == null) return 'nothing';
  if (typeof value === 'number') return 'a number';
  return 'a text or boolean';
}
