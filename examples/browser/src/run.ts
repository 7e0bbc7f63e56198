import * as tf from '@tensorflow/tfjs';
import {
  EntropyCheckpointCallback,
  EntropyCheckpointError,
  loadCheckpoint,
  type EpochRecord,
} from 'tfjs-entropy-checkpoint';
import { NUM_CLASSES } from '../../noisy-mnist/image-pool.js';
import { classAccuracy, maxDifference } from '../../noisy-mnist/predictions.js';
import { useBackend } from './backends.js';
import { loadDigits, type Digits } from './data.js';
import { downloadHandler } from './download.js';
import { Gate } from './gate.js';
import { buildNetwork } from './network.js';
import { imageTensor, observe, type Observation } from './observation.js';
import { noiseCeiling, type NoiseCeiling } from './noise-ceiling.js';
import { PRESETS, VALIDATION_SPLIT, type Settings } from './settings.js';
import { CLEAN_ACCURACY, PLAIN_ACCURACY } from './shown-epoch.js';
import { CHECKPOINT_NAME } from './stored-run.js';
import { epochNumber } from './text.js';
import { ProgressCallback, TestCallback } from './training-callbacks.js';
import { YIELD_EVERY_MS } from './yield-if-due.js';

/** Called while a run trains. */
export interface RunListener {
  onBatch(epoch: number, batches: number, batchesPerEpoch: number): void;
  /** The run's `history` has the epoch's record, and `last` its predictions. */
  onEpoch(): void;
  /** Training waits until the run is unpaused or stopped. */
  onPaused(): void;
  onStored(best: EpochRecord): void;
  onStorageFailure(error: EntropyCheckpointError): void;
}

export type Ending = 'finished' | 'stopped';

export interface Restored {
  readonly best: EpochRecord;
  /** On clean test digits, 0…1. */
  readonly accuracy: number;
  /** Largest difference of a probability from its value at the end of that epoch; null if that was not recorded. */
  readonly difference: number | null;
}

/** A training, its checkpoint, and the predictions of its last and its kept epoch. */
export class Run {
  readonly settings: Settings;
  readonly digits: Digits;
  readonly ceiling: NoiseCeiling;
  readonly #model: tf.LayersModel;
  readonly #checkpoint: EntropyCheckpointCallback;
  /** Gets the average of the weights, to be observed between two epochs; null without an average. */
  readonly #averaged: tf.LayersModel | null;
  readonly #listener: RunListener;
  readonly #gate = new Gate();
  #initialEpoch = 0;
  #isStopped = false;
  #last: Observation | null = null;
  #kept: Observation | null = null;
  /** What the checkpoint would have kept of the latest epoch. */
  #candidate: Observation | null = null;

  private constructor(settings: Settings, digits: Digits, listener: RunListener) {
    const { monitor, averageWeights, startFromEpoch } = settings;
    this.settings = settings;
    this.digits = digits;
    this.ceiling = noiseCeiling(digits);
    this.#listener = listener;
    this.#model = buildNetwork(settings);
    this.#averaged = averageWeights ? buildNetwork(settings) : null;
    this.#checkpoint = new EntropyCheckpointCallback({
      filepath: CHECKPOINT_NAME,
      saveLast: true,
      monitor,
      averageWeights,
      startFromEpoch,
      yieldEvery: YIELD_EVERY_MS,
    });
  }

  /** A new training, on the backend of its settings. The first epoch that ends replaces what is stored. */
  static async begin(settings: Settings, listener: RunListener): Promise<Run> {
    await useBackend(settings.backend);
    return new Run(settings, await loadDigits(settings), listener);
  }

  /** The stored training, at the end of its latest stored epoch. @param settings those of the stored training. */
  static async resume(settings: Settings, listener: RunListener): Promise<Run> {
    const run = await Run.begin(settings, listener);
    try {
      await run.#resume();
      return run;
    } catch (error) {
      run.dispose();
      throw error;
    }
  }

  get history(): readonly EpochRecord[] {
    return this.#checkpoint.history;
  }

  get best(): EpochRecord | null {
    return this.#checkpoint.best;
  }

  /** Of the weights as they were trained, never of an average. Null until the first epoch has ended. */
  get last(): Observation | null {
    return this.#last;
  }

  /** Null while no epoch is kept. */
  get kept(): Observation | null {
    return this.#kept;
  }

  /** How many epochs are done, including those before a resume. */
  get numEpochs(): number {
    return this.history.length;
  }

  get isPaused(): boolean {
    return !this.#gate.isOpen;
  }

  get explanation(): string {
    return this.#checkpoint.explain();
  }

  /** Trains until all epochs are done or `stop` is called. A save that fails is reported to the listener alone. */
  async train(): Promise<Ending> {
    const { epochs } = this.settings;
    if (this.#initialEpoch >= epochs) return 'finished';
    try {
      await this.#fit();
    } catch (error) {
      // A store that could not even be opened has stopped the training before its first epoch.
      if (!isStorageFailure(error) || this.numEpochs === this.#initialEpoch) throw error;
      this.#listener.onStorageFailure(error);
    }
    return this.#isStopped ? 'stopped' : 'finished';
  }

  /** Pauses the training after the current batch. */
  pause(): void {
    this.#gate.close();
  }

  unpause(): void {
    this.#gate.open();
  }

  /** Ends the training after the current batch. */
  stop(): void {
    this.#isStopped = true;
    this.#model.stopTraining = true;
    this.#gate.open();
  }

  /** Restores the kept epoch, and compares its predictions with those at the end of that epoch. */
  async restoreBest(): Promise<Restored> {
    const best = await this.#checkpoint.loadCheckpoint();
    const restored = await observe(this.#model, this.digits, best.epoch);
    const recorded = this.#kept?.test.probabilities;
    return {
      best,
      accuracy: classAccuracy(restored.test.classes, this.digits.test.labels),
      difference: recorded === undefined ? null : maxDifference(recorded, restored.test.probabilities),
    };
  }

  /** Downloads the kept model as the files of a tfjs model. */
  async downloadModel(): Promise<void> {
    const best = await this.#checkpoint.loadCheckpoint();
    await this.#model.save(downloadHandler(`noisy-mnist-epoch-${epochNumber(best)}`));
  }

  /** An HTML page. */
  report(): Promise<string> {
    return this.#checkpoint.report({ title: 'Noisy MNIST in the browser' });
  }

  dispose(): void {
    this.#checkpoint.dispose();
    this.#model.optimizer.dispose();
    this.#model.dispose();
    this.#averaged?.optimizer.dispose();
    this.#averaged?.dispose();
  }

  async #resume(): Promise<void> {
    const { initialEpoch } = await this.#checkpoint.resume(this.#model);
    this.#initialEpoch = initialEpoch;
    if (initialEpoch === 0) return;
    this.#last = await observe(this.#model, this.digits, initialEpoch - 1);
    if (this.best === null) return;
    const { model, record } = await loadCheckpoint(CHECKPOINT_NAME);
    this.#kept = await observe(model, this.digits, record.epoch);
    model.dispose();
  }

  async #fit(): Promise<void> {
    const { epochs, preset } = this.settings;
    const { batchSize } = PRESETS[preset];
    const { train, noisyLabels } = this.digits;
    const batchesPerEpoch = Math.ceil(Math.floor(train.labels.length * (1 - VALIDATION_SPLIT)) / batchSize);
    const x = imageTensor(train);
    const y = tf.tidy(() => tf.oneHot(tf.tensor1d(noisyLabels, 'int32'), NUM_CLASSES).toFloat());
    const testing = new TestCallback((epoch) => this.#test(epoch));
    const progress = new ProgressCallback(this.#gate, {
      onBatch: (epoch, batches) => {
        this.#listener.onBatch(epoch, batches, batchesPerEpoch);
      },
      onEpoch: () => {
        this.#endEpoch();
      },
      onPaused: () => {
        this.#listener.onPaused();
      },
    });
    try {
      await this.#model.fit(x, y, {
        epochs,
        initialEpoch: this.#initialEpoch,
        batchSize,
        validationSplit: VALIDATION_SPLIT,
        // The digits are in random order already. An order that changes could not be resumed exactly.
        shuffle: false,
        callbacks: [testing, this.#checkpoint, progress],
      });
    } finally {
      tf.dispose([x, y]);
    }
  }

  /** @returns what is logged of the epoch. */
  async #test(epoch: number): Promise<Record<string, number>> {
    const { labels } = this.digits.test;
    const last = await observe(this.#model, this.digits, epoch);
    this.#last = last;
    const plain = classAccuracy(last.test.classes, labels);
    const averaged = this.#averaged;
    if (averaged === null) {
      this.#candidate = last;
      return { [CLEAN_ACCURACY]: plain };
    }
    await this.#checkpoint.withAverage(() => {
      averaged.setWeights(this.#model.getWeights());
    });
    const candidate = await observe(averaged, this.digits, epoch);
    this.#candidate = candidate;
    return { [CLEAN_ACCURACY]: classAccuracy(candidate.test.classes, labels), [PLAIN_ACCURACY]: plain };
  }

  #endEpoch(): void {
    const { best } = this;
    if (this.history.at(-1)?.isBest === true) this.#kept = this.#candidate;
    this.#listener.onEpoch();
    if (best === null) return;
    // Not awaited: the checkpoint is written while training continues.
    this.#checkpoint.flush().then(
      () => {
        this.#listener.onStored(best);
      },
      (error: unknown) => {
        if (isStorageFailure(error)) this.#listener.onStorageFailure(error);
      },
    );
  }
}

function isStorageFailure(error: unknown): error is EntropyCheckpointError {
  return error instanceof EntropyCheckpointError && error.code === 'ENTROPY_STORE_FAILED';
}
