import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../errors.js';
import type { AveragingSettings } from '../format/averaging-settings.js';
import type { AverageProgress } from '../format/snapshot.js';
import { requireLiveWeights } from '../state/live-weights.js';
import { shareBuffer } from '../state/share-buffer.js';
import { weightsWithPaths } from '../state/weight-paths.js';
import { swapBuffers } from '../tfjs-internals.js';
import { moveTowards } from './average-kernels.js';

/**
 * An exponential average of a model's weights over the steps of its training, on the device. Nothing is read back.
 *
 * With B batches in an epoch, every k = max(1, ⌊B / updatesPerEpoch⌋) batches:
 * m ← d·m + 1 − d, ā ← ā + (1 − d)/m · (w − ā), with d = decay^(k/B). m makes it an average from the first update on.
 *
 * Weights that aren't float32 are not averaged. Owns its tensors; several checkpoints of one model may share it.
 */
export class WeightAverage {
  readonly settings: AveragingSettings;
  readonly #averages = new Map<tf.LayerVariable, tf.Tensor>();
  #mass = 0;
  /** null until it's known: a dataset may not know its size. */
  #batchesPerEpoch: number | null = null;
  /** How many batches of the running epoch have ended. */
  #numBatches = 0;
  /** The model that `fit` trains. */
  #model: tf.LayersModel | null = null;
  /** The batch that runs, counted from 0; null if there's none, or its step has been taken into account. */
  #batch: number | null = null;
  /** Whether the running epoch will be undone, and so doesn't count. */
  #isSkipping = false;
  /** The buffers of the trained weights when the last `fit` ended; null before that. */
  #lastBuffers: ReadonlyMap<tf.LayerVariable, object> | null = null;
  #numOwners = 1;
  #isSwapped = false;
  /** Whether a reset waits until the trained weights are restored: till then, they're in the tensors of the average. */
  #isResetDue = false;

  constructor(settings: AveragingSettings) {
    this.settings = settings;
  }

  /** How far the average is, to continue with it in another process. */
  get progress(): AverageProgress {
    return { mass: this.#mass, batchesPerEpoch: this.#batchesPerEpoch };
  }

  /** Whether the model holds the average in place of the trained weights. */
  get isSwapped(): boolean {
    return this.#isSwapped;
  }

  /** The average of a weight, which this object owns; null if there's none. */
  averageOf(weight: tf.LayerVariable): tf.Tensor | null {
    return this.#averages.get(weight) ?? null;
  }

  /** How many steps of the running epoch have been taken into account. */
  get numSteps(): number {
    return this.#numBatches;
  }

  /** Whether a step of the running epoch has been taken into account. */
  get hasSteps(): boolean {
    return this.#numBatches > 0;
  }

  /**
   * Begins a `fit`. If the weights have been replaced since the last one, a new average begins.
   *
   * @param numBatches of each epoch; null if that's unknown before an epoch has ended.
   * @param numTrained how many batches of its first epoch were trained before it.
   */
  beginFit(model: tf.LayersModel, numBatches: number | null, numTrained = 0): void {
    const isReplaced = [...(this.#lastBuffers ?? [])].some(
      ([weight, buffer]) => weight.read().dataId !== buffer,
    );
    if (isReplaced) this.reset();
    this.#lastBuffers = null;
    this.#isSkipping = false;
    this.#model = model;
    this.#batchesPerEpoch = numBatches ?? this.#batchesPerEpoch;
    this.#numBatches = numTrained;
    this.#batch = null;
  }

  /** The `fit` has ended, or failed. */
  endFit(): void {
    const live = [...this.#averages.keys()].filter(isLive);
    this.#lastBuffers = new Map(live.map((weight) => [weight, weight.read().dataId]));
    this.#model = null;
    this.#batch = null;
  }

  /** Says that the epoch that begins will be undone. */
  skipEpoch(): void {
    this.#isSkipping = true;
  }

  /** Begins a batch of `fit`. @param batch counted from 0 in its epoch. */
  beginBatch(batch: number): void {
    if (!this.#isSkipping) this.#batch = batch;
  }

  /** Takes the step of the running batch into account, once: `fit` validates before the hooks of the last batch. */
  endBatch(): void {
    if (this.#batch === null || this.#model === null) return;
    this.#numBatches = this.#batch;
    this.#batch = null;
    this.endStep(this.#model);
  }

  /** Takes one more step of the running epoch into account: an update is due after every k-th. */
  endStep(model: tf.LayersModel): void {
    this.#numBatches += 1;
    // As long as the size of an epoch is unknown, it's what has been seen.
    const numBatches = Math.max(this.#batchesPerEpoch ?? 0, this.#numBatches);
    const interval = Math.max(1, Math.floor(numBatches / this.settings.updatesPerEpoch));
    if (this.#numBatches % interval !== 0) return;
    // 1 − d, exact also where d rounds to 1.
    this.#update(model, -Math.expm1((interval / numBatches) * Math.log(this.settings.decay)));
  }

  /** Ends an epoch. @param isComplete whether it ran to its end: then others have as many batches. */
  endEpoch(isComplete: boolean): void {
    if (isComplete && this.#numBatches > 0) this.#batchesPerEpoch = this.#numBatches;
    this.#numBatches = 0;
    this.#isSkipping = false;
  }

  /**
   * Runs `use` while the model holds the average, up to the batch that has just been trained. Nothing is copied. The
   * trained weights are restored whatever happens.
   *
   * @param use synchronous, so that no other code sees the average.
   * @throws EntropyCheckpointError `ENTROPY_INVALID_STATE` if the weights have changed meanwhile; `ENTROPY_MODEL_DISPOSED`;
   *   and what `use` throws.
   */
  run<T>(use: () => T): T {
    if (this.#isSwapped) return use();
    this.endBatch();
    const end = this.#swap();
    let result: T;
    try {
      result = use();
    } catch (error) {
      end();
      throw error;
    }
    return this.#expectUnchanged(end(), result);
  }

  /** The same for code that isn't synchronous. Other code that runs meanwhile sees the average as well. */
  async runAsync<T>(use: () => T | Promise<T>): Promise<T> {
    this.requireTrained();
    const end = this.#swap();
    let result: T;
    try {
      result = await use();
    } catch (error) {
      end();
      throw error;
    }
    return this.#expectUnchanged(end(), result);
  }

  /** @throws EntropyCheckpointError `ENTROPY_INVALID_STATE` while the model holds the average. */
  requireTrained(): void {
    if (!this.#isSwapped) return;
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_STATE',
      'Await `withAverage` before that: the model holds the average of its weights now.',
    );
  }

  /** Takes over what `other` has averaged, which is empty then. */
  takeOver(other: WeightAverage): void {
    this.resumeAt(other.progress);
    for (const [weight, average] of other.#averages) this.#averages.set(weight, average);
    this.#lastBuffers = other.#lastBuffers;
    other.#averages.clear();
  }

  /** Sets the average of a weight. @param average the caller keeps it. */
  restore(weight: tf.LayerVariable, average: tf.Tensor): void {
    this.#averages.get(weight)?.dispose();
    this.#averages.set(weight, shareBuffer(average));
  }

  /** Continues from where another process was. Call `restore` for each weight after that. */
  resumeAt({ mass, batchesPerEpoch }: AverageProgress): void {
    this.reset();
    this.#mass = mass;
    this.#batchesPerEpoch = batchesPerEpoch;
  }

  /** Continues within an epoch, after `resumeAt`. @param numSteps how many of its steps have been taken into account. */
  resumeWithin(numSteps: number): void {
    this.#numBatches = numSteps;
  }

  /** Begins a new average with the next update, as the weights have been replaced. */
  reset(): void {
    this.#isResetDue = this.#isSwapped;
    if (this.#isResetDue) return;
    for (const average of this.#averages.values()) average.dispose();
    this.#averages.clear();
    this.#mass = 0;
    this.#lastBuffers = null;
  }

  /** Adds an owner, who calls `dispose` as well. */
  retain(): void {
    this.#numOwners += 1;
  }

  /** Frees all tensors, with the last owner. */
  dispose(): void {
    this.#numOwners -= 1;
    if (this.#numOwners === 0) this.reset();
  }

  /** @param rest the share of the new weights if the average were complete. */
  #update(model: tf.LayersModel, rest: number): void {
    this.requireTrained();
    this.#mass += rest * (1 - this.#mass);
    const share = rest / this.#mass;
    try {
      for (const { weight } of weightsWithPaths(model)) {
        const trained = weight.read();
        if (trained.dtype === 'float32') this.#updateWeight(weight, trained, share);
      }
    } catch (error) {
      // Some weights are averaged up to this step, and some are not.
      this.reset();
      throw error;
    }
  }

  #updateWeight(weight: tf.LayerVariable, trained: tf.Tensor, share: number): void {
    const average = this.#averages.get(weight);
    // A weight that isn't trained keeps its buffer, and needs no other.
    if (average?.dataId === trained.dataId) return;
    const moved =
      average === undefined ? shareBuffer(trained) : tf.keep(moveTowards(average, trained, share));
    average?.dispose();
    this.#averages.set(weight, moved);
  }

  /** Gives the model the average. @returns restores the trained weights, and says whether they're as they were. */
  #swap(): () => boolean {
    requireLiveWeights([...this.#averages.keys()]);
    const pairs = [...this.#averages].map(
      ([weight, average]) => [weight.read() as tf.Variable, average] as const,
    );
    for (const [variable, average] of pairs) swapBuffers(variable, average);
    const buffers = pairs.map(([variable]) => variable.dataId);
    this.#isSwapped = true;
    return () => {
      this.#isSwapped = false;
      const isUnchanged = pairs.every(([variable], i) => variable.dataId === buffers[i]);
      for (const [variable, average] of pairs) {
        // Disposing a variable frees the buffer that it holds then.
        if (!variable.isDisposed) swapBuffers(variable, average);
      }
      if (this.#isResetDue) this.reset();
      return isUnchanged;
    };
  }

  #expectUnchanged<T>(isUnchanged: boolean, result: T): T {
    if (isUnchanged) return result;
    // What was trained there is the average now.
    this.reset();
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_STATE',
      'Only validate on the average, and train outside: a weight of the model was changed while it held the average, by ' +
        'training or by a layer that writes to it when it predicts. The trained weights are back, and a new average begins.',
    );
  }
}

function isLive(weight: tf.LayerVariable): boolean {
  try {
    requireLiveWeights([weight]);
    return true;
  } catch {
    return false;
  }
}
