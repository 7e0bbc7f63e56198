import type { TensorSource } from './stored-tensor.js';
import type { WeightPath } from './weight-path.js';

/** A JSON scalar, undefined, or a number that JSON has no literal for. */
export type ScalarValue = number | string | boolean | null | undefined;

/** An optimizer field that holds a tensor. */
export interface TensorState {
  readonly kind: 'tensor';
  readonly tensor: TensorSource;
  /** Whether it's a variable that the optimizer assigns to. */
  readonly assigned: boolean;
}

/** An optimizer slot: what an optimizer keeps for one weight. */
export interface SlotState {
  readonly kind: 'slot';
  readonly tensor: TensorSource;
  /** The path of the slot's weight; null if it belongs to no weight and is identified by its index. */
  readonly path: WeightPath | null;
  /** The slot's name. Where `path` identifies the weight, it lacks the weight's name: `/m`. */
  readonly suffix: string;
}

/** An optimizer field that holds a list. An undefined item is one that the optimizer creates when it first needs it. */
export interface ListState {
  readonly kind: 'list';
  readonly items: readonly (FieldState | undefined)[];
}

/** The value of an optimizer field. */
export type FieldState =
  { readonly kind: 'scalar'; readonly value: ScalarValue } | TensorState | SlotState | ListState;

/** An optimizer's class and all its own fields. */
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
