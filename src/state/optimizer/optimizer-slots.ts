import * as tf from '@tensorflow/tfjs';
import type { FieldState, ListState, SlotState } from '../../format/optimizer-state.js';
import type { TensorSource } from '../../format/stored-tensor.js';
import { functionalModel, internalsOf } from '../../tfjs-internals.js';
import type { WeightWithPath } from '../weight-paths.js';

export function optimizerClassName(optimizer: tf.Optimizer): string {
  return optimizer.getClassName() || optimizer.constructor.name;
}

/** The name of a weight's variable, from which TensorFlow.js makes the names of its optimizer slots. */
export function variableName({ weight }: WeightWithPath): string {
  return (weight.read() as tf.Variable).name;
}

/** The weights that `optimizer` trains in `fit`, in the order of its slots; null if `model` isn't compiled with it. */
export function trainedWeights(
  optimizer: tf.Optimizer,
  model: tf.LayersModel,
  weights: readonly WeightWithPath[],
): WeightWithPath[] | null {
  const { collectedTrainableWeights } = internalsOf(functionalModel(model));
  if (model.optimizer !== optimizer || collectedTrainableWeights === undefined) return null;
  const byWeight = new Map(weights.map((found) => [found.weight, found]));
  const trained = collectedTrainableWeights.map((weight) => byWeight.get(weight));
  return trained.every((found) => found !== undefined) ? trained : null;
}

/**
 * Finds the weight of each optimizer slot in a list: by its index among the trained weights, as TensorFlow.js does. If
 * the model isn't compiled with this optimizer, it goes by the slot's name, which comes from the variable.
 *
 * The name alone isn't enough: it may come from an earlier process, or from the weight that had the index before
 * a layer was frozen under the same optimizer. Slots beyond the weights that are trained now have no path.
 */
export function matchSlots(
  list: ListState,
  weights: readonly WeightWithPath[],
  trained: readonly WeightWithPath[] | null,
): ListState {
  const byName = new Map(weights.map((found) => [variableName(found), found]));
  const named = list.items.map((item) => (item?.kind === 'slot' ? byName.get(weightName(item)) : undefined));
  const matches = [trained, named].find((candidates) => candidates !== null && allFit(list, candidates));
  return { kind: 'list', items: list.items.map((item, i) => matchSlot(item, matches?.[i])) };
}

/** Whether each slot has the shape of the weight at its index. Slots beyond the weights are ignored. */
function allFit({ items }: ListState, weights: readonly (WeightWithPath | undefined)[]): boolean {
  return items
    .slice(0, weights.length)
    .every((item, i) => item?.kind !== 'slot' || fits(item.tensor, weights[i]));
}

function matchSlot(item: FieldState | undefined, match: WeightWithPath | undefined): FieldState | undefined {
  if (item?.kind !== 'slot' || !fits(item.tensor, match)) return item;
  return { ...item, path: match.path, suffix: item.suffix.slice(weightName(item).length) };
}

/** `dense/kernel/m` → `dense/kernel`. */
function weightName({ suffix }: SlotState): string {
  return suffix.slice(0, Math.max(0, suffix.lastIndexOf('/')));
}

/** Whether `tensor` has the shape of the weight. */
export function fits(tensor: TensorSource, found: WeightWithPath | undefined): found is WeightWithPath {
  return found !== undefined && tf.util.arraysEqual(tensor.shape, found.weight.read().shape);
}
