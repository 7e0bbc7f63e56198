import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../errors.js';
import type { TrainingState, WeightState } from '../format/snapshot.js';
import { describeShape, pathKey } from '../format/weight-path.js';
import { withLoaded, type RestoreStep } from './restore-step.js';
import { weightsWithPaths, type WeightWithPath } from './weight-paths.js';

/** A weight of the model that wasn't restored. */
export interface SkippedWeight {
  /** As in `model.weights`: the names of the layer and of the weight, `'head/kernel'`. */
  readonly name: string;
  /** Why it doesn't fit, in a few words. */
  readonly reason: string;
}

/** Which weights of a model were restored. Each is in one of the lists, in the order of the layers. */
export interface PartialRestore {
  /** Their names, as in `model.weights`: `'dense_Dense1/kernel'`. */
  readonly restored: readonly string[];
  /** The weights that were left as they are. */
  readonly skipped: readonly SkippedWeight[];
}

/**
 * Restores the weights that fit into another model, and leaves its other weights, its recurrent states and its optimizer as
 * they are. Weights are assigned without applying their constraints, all at once. The state keeps its tensors.
 *
 * @throws EntropyCheckpointError `ENTROPY_MODEL_MISMATCH` if none fits; `ENTROPY_MODEL_DISPOSED`,
 *   `ENTROPY_STORE_FAILED`. Nothing is changed then.
 */
export async function restoreFitting(state: TrainingState, model: tf.LayersModel): Promise<PartialRestore> {
  const restored: string[] = [];
  const skipped: SkippedWeight[] = [];
  const steps: RestoreStep[] = [];
  for (const { weight, stored } of pairsOf(weightsWithPaths(model), state.weights)) {
    const name = weight.originalName;
    const reason = stored === null ? 'the checkpoint has no such weight' : misfitOf(weight, stored);
    if (stored === null || reason !== null) {
      skipped.push({ name, reason: reason! });
      continue;
    }
    restored.push(name);
    steps.push({
      sources: [stored.tensor],
      apply(tensorOf) {
        (weight.read() as tf.Variable).assign(tensorOf(stored.tensor));
      },
    });
  }
  if (restored.length === 0) throw nothingFits(skipped);
  await withLoaded(steps, (tensorOf) => {
    // Other code may have disposed the model while tensors were read. No `await` from here on.
    weightsWithPaths(model);
    for (const step of steps) step.apply(tensorOf);
  });
  return { restored, skipped };
}

interface Pair {
  readonly weight: tf.LayerVariable;
  /** null: there's none. */
  readonly stored: WeightState | null;
}

/**
 * The stored weight for each weight of a model. Of a layer that the user has named, it's the one of the same name, wherever
 * the layer is. Other names are numbered by TensorFlow.js and differ from model to model: there, it's the one at the same
 * path, if that is of the same kind.
 */
function pairsOf(found: readonly WeightWithPath[], states: readonly WeightState[]): Pair[] {
  const byName = uniqueBy(states, ({ name }) => name);
  const ownNames = uniqueBy(found, ({ weight }) => weight.originalName);
  const isFoundByName = (name: string): boolean => isGiven(name) && byName.has(name) && ownNames.has(name);
  const byPath = new Map(states.map((stored) => [pathKey(stored.path), stored]));
  return found.map(({ path, weight }) => {
    const name = weight.originalName;
    if (isFoundByName(name)) return { weight, stored: byName.get(name)! };
    const stored = byPath.get(pathKey(path));
    const fits = stored !== undefined && kindOf(stored.name) === kindOf(name);
    return { weight, stored: fits ? stored : null };
  });
}

function uniqueBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item> {
  const unique = new Map<string, Item>();
  const repeated = new Set<string>();
  for (const item of items) {
    const key = keyOf(item);
    if (unique.has(key)) repeated.add(key);
    unique.set(key, item);
  }
  for (const key of repeated) unique.delete(key);
  return unique;
}

/** Whether every layer in the name of a weight has a name that the user has given it. */
function isGiven(name: string): boolean {
  return name.includes('/') && kindOf(name) === name;
}

/** The name of a weight without the numbers that TensorFlow.js has given to layers. */
function kindOf(name: string): string {
  const parts = name.split('/');
  const own = parts.pop()!;
  return [...parts.map(withoutNumber), own].join('/');
}

/** `dense_Dense` for `dense_Dense7`, a name that TensorFlow.js has made. Other names stay. */
function withoutNumber(layer: string): string {
  let end = layer.length;
  // Not by a pattern, which could take very long for a name from outside.
  while (end > 0 && '0123456789'.includes(layer[end - 1]!)) end--;
  const separator = layer.lastIndexOf('_', end - 1);
  const type = layer.slice(separator + 1, end);
  const prefix = layer.slice(0, Math.max(0, separator)).replaceAll('_', '');
  const isNumbered = end < layer.length && /[A-Z]/.test(type) && prefix.endsWith(type.toLowerCase());
  return isNumbered ? layer.slice(0, end) : layer;
}

/** Why a stored weight can't be assigned; null if it can. */
function misfitOf(weight: tf.LayerVariable, { tensor }: WeightState): string | null {
  const { dtype, shape } = weight.read();
  if (dtype !== tensor.dtype) return `it is ${tensor.dtype} in the checkpoint, ${dtype} in the model`;
  if (tf.util.arraysEqual(shape, tensor.shape)) return null;
  return `its shape is ${describeShape(tensor.shape)} in the checkpoint, ${describeShape(shape)} in the model`;
}

function nothingFits(skipped: readonly SkippedWeight[]): EntropyCheckpointError {
  const example = skipped[0] === undefined ? '' : `, for example "${skipped[0].name}": ${skipped[0].reason}`;
  return new EntropyCheckpointError(
    'ENTROPY_MODEL_MISMATCH',
    `Pass a model with a part of the trained one: none of its ${skipped.length} weights fits${example}. Nothing was changed.`,
  );
}
