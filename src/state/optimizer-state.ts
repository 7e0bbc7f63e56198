import type * as tf from '@tensorflow/tfjs';
import type { Place } from './places.js';
import type { TensorSource } from './tensor-source.js';

/** A value that JSON can hold, or a number that it cannot. */
export type ScalarValue = number | string | boolean | null | undefined;

/** A tensor of an optimizer. */
export interface TensorState {
  readonly kind: 'tensor';
  readonly tensor: TensorSource;
  /** Whether it is a variable, which the optimizer assigns to. */
  readonly assigned: boolean;
}

/** What an optimizer keeps for one weight. */
export interface SlotState {
  readonly kind: 'slot';
  readonly tensor: TensorSource;
  /** The place of its weight in the model; null: the slot is of none, and goes by its index. */
  readonly place: Place | null;
  /** The name of the slot, without that of the weight where `place` tells it: `/m`. */
  readonly suffix: string;
}

/** A list of an optimizer; an undefined item is a hole, which the optimizer fills when it first needs it. */
export interface ListState {
  readonly kind: 'list';
  readonly items: readonly (FieldState | undefined)[];
}

/** The value of one field of an optimizer. */
export type FieldState =
  { readonly kind: 'scalar'; readonly value: ScalarValue } | TensorState | SlotState | ListState;

export interface OptimizerState {
  readonly className: string;
  /** Every own field of the optimizer. */
  readonly fields: Readonly<Record<string, FieldState>>;
}

export function optimizerClassName(optimizer: tf.Optimizer): string {
  return optimizer.getClassName() || optimizer.constructor.name;
}

export function disposeOptimizerState(state: OptimizerState): void {
  for (const field of Object.values(state.fields)) disposeField(field);
}

export function disposeField(field: FieldState | undefined): void {
  if (field?.kind === 'tensor' || field?.kind === 'slot') field.tensor.dispose();
  if (field?.kind === 'list') for (const item of field.items) disposeField(item);
}
