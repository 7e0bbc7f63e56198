import * as tf from '@tensorflow/tfjs';
import { functionalModel, internalsOf } from '../tfjs-internals.js';
import type { FieldState, ListState, SlotState } from './optimizer-state.js';
import type { PlacedWeight } from './places.js';
import type { TensorSource } from './tensor-source.js';

/** tfjs's own record of what an optimizer keeps for one weight: `{originalName: 'dense/kernel/m', variable}`. */
export interface Slot {
  originalName: string;
  variable: tf.Variable;
}

export function isSlot(value: unknown): value is Slot {
  if (typeof value !== 'object' || value === null) return false;
  const { originalName, variable } = value as Partial<Slot>;
  return (
    typeof originalName === 'string' && variable instanceof tf.Variable && Object.keys(value).length === 2
  );
}

/** The name of a weight's variable, from which tfjs makes those of its slots. */
export function variableName(placed: PlacedWeight): string {
  return (placed.weight.read() as tf.Variable).name;
}

/** The weights that `optimizer` was compiled to train, in the order of its slots; null where it was not. */
export function trainedWeights(
  optimizer: tf.Optimizer,
  model: tf.LayersModel,
  weights: readonly PlacedWeight[],
): PlacedWeight[] | null {
  const { collectedTrainableWeights } = internalsOf(functionalModel(model));
  if (model.optimizer !== optimizer || collectedTrainableWeights === undefined) return null;
  const byWeight = new Map(weights.map((placed) => [placed.weight, placed]));
  const trained = collectedTrainableWeights.map((weight) => byWeight.get(weight));
  return trained.every((placed) => placed !== undefined) ? trained : null;
}

/**
 * Finds the weight of each slot in a list: by its index among the weights that are trained, as tfjs does;
 * or, where the optimizer is used in another way, by its name, which it took from the variable.
 *
 * The name alone would not do: it is of an earlier process, or of the weight that had the index before a
 * layer was frozen under the same optimizer. Slots beyond the weights that are trained now have no place.
 */
export function placeSlots(
  list: ListState,
  weights: readonly PlacedWeight[],
  trained: readonly PlacedWeight[] | null,
): ListState {
  const byName = new Map(weights.map((placed) => [variableName(placed), placed]));
  const named = list.items.map((item) => (item?.kind === 'slot' ? byName.get(weightName(item)) : undefined));
  const found = [trained, named].find((places) => places !== null && allFit(list, places));
  return { kind: 'list', items: list.items.map((item, i) => placeSlot(item, found?.[i])) };
}

/** Whether each slot has the shape of the weight at its index, as far as there are weights. */
function allFit({ items }: ListState, places: readonly (PlacedWeight | undefined)[]): boolean {
  return items
    .slice(0, places.length)
    .every((item, i) => item?.kind !== 'slot' || fits(item.tensor, places[i]));
}

function placeSlot(item: FieldState | undefined, placed: PlacedWeight | undefined): FieldState | undefined {
  if (item?.kind !== 'slot' || !fits(item.tensor, placed)) return item;
  return { ...item, place: placed.place, suffix: item.suffix.slice(weightName(item).length) };
}

/** `dense/kernel/m` → `dense/kernel`. */
function weightName({ suffix }: SlotState): string {
  return suffix.slice(0, Math.max(0, suffix.lastIndexOf('/')));
}

/** Whether `tensor` has the shape of the weight. */
export function fits(tensor: TensorSource, placed: PlacedWeight | undefined): placed is PlacedWeight {
  return placed !== undefined && tf.util.arraysEqual(tensor.shape, placed.weight.read().shape);
}
