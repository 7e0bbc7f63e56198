import type { TensorSource } from './stored-tensor.js';
import type { WeightPath } from './weight-path.js';

/** A value that JSON can hold, or a number that it can't. */
export type ScalarValue = number | string | boolean | null | undefined;

/** A tensor of an optimizer. */
export interface TensorState {
  readonly kind: 'tensor';
  readonly tensor: TensorSource;
  /** Whether it's a variable, which the optimizer assigns to. */
  readonly assigned: boolean;
}

/** An optimizer slot: what an optimizer keeps for one weight. */
export interface SlotState {
  readonly kind: 'slot';
  readonly tensor: TensorSource;
  /** The path of its weight in the model; null: it belongs to none and is identified by its index. */
  readonly path: WeightPath | null;
  /** The name of the slot, without the weight's name where `path` identifies that: `/m`. */
  readonly suffix: string;
}

/** A list of an optimizer. An undefined item is a hole, which the optimizer fills when it first needs it. */
export interface ListState {
  readonly kind: 'list';
  readonly items: readonly (FieldState | undefined)[];
}

/** The value of one field of an optimizer. */
export type FieldState =
  { readonly kind: 'scalar'; readonly value: ScalarValue } | TensorState | SlotState | ListState;

/** An optimizer's class, and every field of its own. */
export interface OptimizerState {
  readonly className: string;
  readonly fields: Readonly<Record<string, FieldState>>;
}

/** Frees every tensor of `state`. */
export function disposeOptimizerState(state: OptimizerState): void {
  for (const field of Object.values(state.fields)) disposeField(field);
}

export function disposeField(field: FieldState | undefined): void {
  if (field?.kind === 'tensor' || field?.kind === 'slot') field.tensor.dispose();
  if (field?.kind === 'list') for (const item of field.items) disposeField(item);
}
