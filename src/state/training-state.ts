import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError, excerpt } from '../errors.js';
import { toJson } from '../format/checkpoint-metadata.js';
import type { AveragingSettings } from '../format/averaging-settings.js';
import type {
  AverageProgress,
  AveragingState,
  RecurrentState,
  Snapshot,
  TrainingState,
} from '../format/snapshot.js';
import { requireProportion } from '../format/stored-size.js';
import { withTensor, type TensorSource } from '../format/stored-tensor.js';
import { describePath, describeShape, pathKey } from '../format/weight-path.js';
import type { Json } from '../stores/store.js';
import { internalsOf } from '../tfjs-internals.js';
import { captureOptimizer } from './optimizer/optimizer-capture.js';
import { planOptimizerRestore } from './optimizer/optimizer-restore.js';
import { withLoaded, type RestoreStep } from './restore-step.js';
import { shareBuffer } from './share-buffer.js';
import { recurrentLayersWithPaths, weightsWithPaths, type WeightWithPath } from './weight-paths.js';

/** Weights that stand in a checkpoint in place of the trained ones. */
export interface AveragedWeights {
  readonly settings: AveragingSettings;
  readonly progress: AverageProgress;
  /** The average of a weight, which this object owns; null if there's none. */
  averageOf(weight: tf.LayerVariable): tf.Tensor | null;
  /** Continues from where another process was. */
  resumeAt(progress: AverageProgress): void;
  /** Sets the average of a weight. @param average the caller keeps it. */
  restore(weight: tf.LayerVariable, average: tf.Tensor): void;
}

/**
 * Captures the state of `model` and `optimizer`. It shares their buffers: nothing is copied and nothing is read.
 *
 * @param optimizer null to leave it out.
 * @param monitorState the caller keeps it; null if there's none.
 * @param average takes the place of the trained weights; null if weights aren't averaged.
 * @param isResumable whether the trained weights are captured beside their average.
 * @returns the caller disposes it with `disposeState`.
 * @throws EntropyCheckpointError `ENTROPY_UNSUPPORTED_OPTIMIZER`.
 */
export function captureState(
  model: tf.LayersModel,
  optimizer: tf.Optimizer | null,
  monitorState: tf.Tensor | null = null,
  average: AveragedWeights | null = null,
  isResumable = true,
): TrainingState {
  const found = weightsWithPaths(model);
  // First, because only this can fail.
  const optimizerState = optimizer === null ? null : captureOptimizer(optimizer, model, found);
  const weights = found.map(({ path, weight }) => ({
    path,
    name: weight.originalName,
    tensor: shareBuffer(average?.averageOf(weight) ?? weight.read()),
  }));
  const recurrent = recurrentLayersWithPaths(model).map(({ path, layer }) => ({
    path,
    tensors: layer.states_?.map(shareBuffer) ?? null,
  }));
  return {
    weights,
    recurrent,
    optimizer: optimizerState,
    monitorState: monitorState === null ? null : shareBuffer(monitorState),
    averaging: average === null || !isResumable ? null : captureAveraging(average, found),
  };
}

function captureAveraging(average: AveragedWeights, found: readonly WeightWithPath[]): AveragingState {
  const trained = found.map(({ weight }) =>
    average.averageOf(weight) === null ? null : shareBuffer(weight.read()),
  );
  return { ...average.settings, ...average.progress, trained };
}

/** @throws EntropyCheckpointError `ENTROPY_MODEL_DISPOSED`, `ENTROPY_UNSUPPORTED_MODEL`. */
export function requireLiveModel(model: tf.LayersModel): void {
  weightsWithPaths(model);
}

/**
 * The architecture of `model` as TensorFlow.js stores it. Describing a thousand layers takes a while.
 *
 * @throws EntropyCheckpointError `ENTROPY_UNSUPPORTED_MODEL` if a layer can't describe itself.
 */
export function modelTopology(model: tf.LayersModel): Json {
  try {
    return model.toJSON(null, false);
  } catch (cause) {
    throw new EntropyCheckpointError(
      'ENTROPY_UNSUPPORTED_MODEL',
      `The model cannot be written as JSON: ${String(cause)} Fix the layer that cannot, or set \`filepath: null\`.`,
      { cause },
    );
  }
}

/**
 * Everything that is stored of `model` and `optimizer`. It shares their buffers.
 *
 * @param optimizer null to leave it out.
 * @param monitorState the caller keeps it; null if there's none.
 * @param topology the architecture, from `modelTopology`; null for an in-memory state.
 * @param average takes the place of the trained weights; null if weights aren't averaged.
 * @returns the caller disposes its `state`.
 * @throws EntropyCheckpointError `ENTROPY_UNSUPPORTED_OPTIMIZER`.
 */
export function takeSnapshot(
  model: tf.LayersModel,
  optimizer: tf.Optimizer | null,
  monitorState: tf.Tensor | null,
  topology: Json,
  average: AveragedWeights | null = null,
): Snapshot {
  const userMetadata = toJson(internalsOf(model).userDefinedMetadata ?? {});
  // A training is only resumed from a store.
  const state = captureState(model, optimizer, monitorState, average, topology !== null);
  return { state, topology, userMetadata };
}

export interface RestoreOptions {
  /** Whether no other code has the model yet. Then its weights are read and assigned one at a time. */
  readonly isUnseen?: boolean;
  /**
   * Training continues: gets the averages of a state that has some, and the model gets the trained weights. Without it, the
   * model gets the averages.
   */
  readonly average?: AveragedWeights | null;
  /** Receives the monitor state, if there's one, once the rest is restored. It doesn't keep the tensor. */
  readonly takeMonitorState?: (monitorState: tf.Tensor) => void;
}

/**
 * Restores `state` in `model` and `optimizer`: both are then, bit for bit, as they were when it was captured.
 *
 * Weights are assigned without applying their constraints. Nothing is changed unless all of it fits. The state keeps its
 * tensors.
 *
 * Everything is read first, and then assigned at once: other code never sees a mixture of old and new weights. So old and
 * new weights are in memory together.
 *
 * @param optimizer null to leave it alone.
 * @throws EntropyCheckpointError `ENTROPY_MODEL_MISMATCH`, `ENTROPY_OPTIMIZER_MISMATCH`; `ENTROPY_STORE_FAILED`
 *   if the store fails after the state was verified.
 */
export async function restoreState(
  state: TrainingState,
  model: tf.LayersModel,
  optimizer: tf.Optimizer | null,
  { isUnseen = false, average = null, takeMonitorState }: RestoreOptions = {},
): Promise<void> {
  if (takeMonitorState !== undefined && state.monitorState !== null) {
    // Read first: nothing has changed if that fails.
    await withTensor(state.monitorState, async (monitorState) => {
      await restoreState(state, model, optimizer, { isUnseen, average });
      takeMonitorState(monitorState);
    });
    return;
  }
  if (state.storedSize !== undefined) requireProportion(state.storedSize, weightsSizeBytes(model));
  const planModel = (): RestoreStep[] => [
    ...planWeights(state, model, average),
    ...planRecurrent(state.recurrent, model),
  ];
  const planOptimizer = (): RestoreStep[] =>
    state.optimizer === null || optimizer === null
      ? []
      : planOptimizerRestore(state.optimizer, optimizer, model);
  const planAtOnce = (): RestoreStep[] => [...(isUnseen ? [] : planModel()), ...planOptimizer()];
  const oneByOne = isUnseen ? planModel() : [];
  await withLoaded(planAtOnce(), async (tensorOf) => {
    for (const step of oneByOne) await withLoaded([step], step.apply);
    // Again, as other code may have changed the model or the optimizer while tensors were read. No `await` from here on.
    for (const step of planAtOnce()) step.apply(tensorOf);
  });
}

function weightsSizeBytes(model: tf.LayersModel): number {
  return weightsWithPaths(model).reduce((total, { weight }) => {
    const { size, dtype } = weight.read();
    return total + size * tf.util.bytesPerElement(dtype);
  }, 0);
}

function planWeights(
  { weights: states, averaging }: TrainingState,
  model: tf.LayersModel,
  average: AveragedWeights | null,
): RestoreStep[] {
  const found = weightsWithPaths(model);
  const byPath = new Map(found.map(({ path, weight }) => [pathKey(path), weight]));
  if (found.length !== states.length) {
    throw mismatch(`a model of ${states.length} weights`, `one of ${found.length}`);
  }
  const target = averaging === null ? null : average;
  const begin = { sources: [], apply: () => target?.resumeAt(averaging!) };
  const steps = states.map(({ path, name, tensor }, i) => {
    const weight = byPath.get(pathKey(path));
    // The counts are equal and each path is used once, so no weight is left out.
    byPath.delete(pathKey(path));
    const trained = target === null ? null : (averaging!.trained[i] ?? null);
    const sources = trained === null ? [tensor] : [tensor, trained];
    const expected = `weight "${excerpt(name, 80)}" ${tensor.dtype} ${describeShape(tensor.shape)} at ${describePath(path)}`;
    if (weight === undefined) throw mismatch(expected, 'none');
    const variable = weight.read() as tf.Variable;
    const fits = (source: TensorSource): boolean =>
      variable.dtype === source.dtype && tf.util.arraysEqual(variable.shape, source.shape);
    if (!sources.every(fits)) {
      throw mismatch(expected, `"${weight.originalName}" ${variable.dtype} [${variable.shape.join(', ')}]`);
    }
    const apply: RestoreStep['apply'] = (tensorOf) => {
      variable.assign(tensorOf(trained ?? tensor));
      if (trained !== null && tensor.dtype === 'float32') target?.restore(weight, tensorOf(tensor));
    };
    return { sources, apply };
  });
  return [begin, ...steps];
}

function planRecurrent(states: readonly RecurrentState[], model: tf.LayersModel): RestoreStep[] {
  const layers = recurrentLayersWithPaths(model);
  const byPath = new Map(layers.map(({ path, layer }) => [pathKey(path), layer]));
  return states.map(({ path, tensors }) => {
    const layer = byPath.get(pathKey(path));
    byPath.delete(pathKey(path));
    const expected = `a stateful recurrent layer with ${excerpt(shapesOf(tensors), 100)} at ${describePath(path)}`;
    if (layer === undefined) throw mismatch(expected, 'none');
    // The shapes of states include the batch size, which no weight shows.
    const fits = tensors === null || layer.states_ === null || shapesOf(tensors) === shapesOf(layer.states_);
    if (!fits) throw mismatch(expected, `one with ${shapesOf(layer.states_)}`);
    return {
      sources: tensors ?? [],
      apply(tensorOf) {
        const restored = tensors?.map((source) => shareBuffer(tensorOf(source))) ?? null;
        if (layer.states_ !== null) tf.dispose(layer.states_);
        layer.states_ = restored;
      },
    };
  });
}

function shapesOf(states: readonly TensorSource[] | null): string {
  return `states ${states?.map(({ dtype, shape }) => `${dtype} [${shape.join(', ')}]`).join(', ') ?? 'not yet set'}`;
}

function mismatch(expected: string, got: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_MODEL_MISMATCH',
    `The checkpoint belongs to another model: expected ${expected}, got ${got}. Nothing was changed.`,
  );
}
