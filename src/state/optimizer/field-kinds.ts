import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../../errors.js';
import type { FieldState } from '../../format/optimizer-state.js';
import { isOptimizerSlot } from '../../tfjs-internals.js';

/**
 * Checks that a stored field of an optimizer can replace the current value: the optimizer's methods expect a list in one
 * field and a number in another. A field that isn't set may become anything, and a set field may become unset: some
 * fields are made by the first step.
 *
 * @param name the field's name, for messages.
 * @throws EntropyCheckpointError `ENTROPY_OPTIMIZER_MISMATCH`.
 */
export function checkKind(field: FieldState, current: unknown, name: string): void {
  const [expected, got] = [kindOfField(field), kindOfValue(current)];
  if (expected === got || got === 'nothing' || (expected === 'nothing' && got !== OTHER)) return;
  throw new EntropyCheckpointError(
    'ENTROPY_OPTIMIZER_MISMATCH',
    `Expected ${name} to be ${expected}, as in the checkpoint, got ${got}. Nothing was changed.`,
  );
}

/** No checkpoint holds such a value. */
const OTHER = 'an object or a function';

function kindOfField(field: FieldState): string {
  if (field.kind === 'scalar') return field.value == null ? 'nothing' : 'a setting';
  return { tensor: 'a tensor', slot: 'an optimizer slot', list: 'a list' }[field.kind];
}

function kindOfValue(value: unknown): string {
  if (value == null) return 'nothing';
  if (value instanceof tf.Tensor) return 'a tensor';
  if (isOptimizerSlot(value)) return 'an optimizer slot';
  if (Array.isArray(value)) return 'a list';
  return ['number', 'string', 'boolean'].includes(typeof value) ? 'a setting' : OTHER;
}
