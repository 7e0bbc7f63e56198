import type { Json } from '../stores/store.js';
import type { AveragingSettings } from './averaging-settings.js';
import { disposeOptimizerState, type OptimizerState } from './optimizer-state.js';
import type { StoredSize } from './stored-size.js';
import type { TensorSource } from './stored-tensor.js';
import type { WeightPath } from './weight-path.js';

export interface WeightState {
  readonly path: WeightPath;
  /** The name by which TensorFlow.js stores and finds the weight. */
  readonly name: string;
  readonly tensor: TensorSource;
}

export interface RecurrentState {
  readonly path: WeightPath;
  /** The states of a stateful recurrent layer; null before its first batch. */
  readonly tensors: readonly TensorSource[] | null;
}

/** How far an average is. */
export interface AverageProgress {
  /** The sum of the weights in the average, which grows from 0 towards 1. */
  readonly mass: number;
  /** null if no epoch of unknown size has ended yet. */
  readonly batchesPerEpoch: number | null;
}

/** What `resume` needs where the weights of a state are averages. */
export interface AveragingState extends AveragingSettings, AverageProgress {
  /** The weights that are trained, in the order of `weights`; null for one that isn't averaged. */
  readonly trained: readonly (TensorSource | null)[];
}

/** How far a training is in a state that was captured within an epoch. */
export interface EpochProgress {
  /** How many batches the epoch has; null if that's unknown. */
  readonly batchesPerEpoch: number | null;
  /** How many steps of the epoch the average of the weights has counted; 0 without an average. */
  readonly averagedSteps: number;
  /** The mean entropy of the training rows so far, as `RunningMean` holds it; null without rows. */
  readonly entropy: { readonly parts: TensorSource; readonly rows: number } | null;
  /** The sums of what `fit` logs over the rows so far, by name; empty in a custom training loop. */
  readonly logs: { readonly rows: number; readonly totals: Readonly<Record<string, TensorSource>> };
}

/** Everything that training changes. */
export interface TrainingState {
  readonly weights: readonly WeightState[];
  readonly recurrent: readonly RecurrentState[];
  /** null if it isn't included. */
  readonly optimizer: OptimizerState | null;
  /** What the monitor compares the next epoch with; null for nothing. */
  readonly monitorState: TensorSource | null;
  /** null if the weights are the trained ones, or the state is only for `loadCheckpoint`. */
  readonly averaging: AveragingState | null;
  /** Only of a state within an epoch. */
  readonly progress?: EpochProgress;
  /** Only of a state whose tensors are in a store. */
  readonly storedSize?: StoredSize;
}

/** Everything that a checkpoint stores of an epoch, taken at its end or within it. */
export interface Snapshot {
  readonly state: TrainingState;
  /** The model's architecture as TensorFlow.js stores it; null if the snapshot is never stored. */
  readonly topology: Json;
  /** The model's own `userDefinedMetadata`. */
  readonly userMetadata: Readonly<Record<string, Json>>;
}

/** Frees every tensor of `state`. */
export function disposeState(state: TrainingState): void {
  for (const { tensor } of state.weights) tensor.dispose();
  for (const { tensors } of state.recurrent) for (const tensor of tensors ?? []) tensor.dispose();
  if (state.optimizer !== null) disposeOptimizerState(state.optimizer);
  state.monitorState?.dispose();
  for (const tensor of state.averaging?.trained ?? []) tensor?.dispose();
  if (state.progress !== undefined) disposeProgress(state.progress);
}

/** Frees every tensor of `progress`. */
export function disposeProgress({ entropy, logs }: EpochProgress): void {
  entropy?.parts.dispose();
  for (const total of Object.values(logs.totals)) total.dispose();
}
