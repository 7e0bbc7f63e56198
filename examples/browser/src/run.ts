import * as tf from '@tensorflow/tfjs';
import {
  EntropyCheckpointCallback,
  EntropyCheckpointError,
  loadCheckpoint,
  type EpochRecord,
} from 'tfjs-entropy-checkpoint';
import { NUM_CLASSES } from '../../noisy-mnist/image-pool.js';
import { maxDifference, shareRight } from '../../noisy-mnist/predictions.js';
import { useBackend } from './backends.js';
import { loadDigits, type Digits } from './data.js';
import { Gate } from './gate.js';
import { buildNetwork } from './network.js';
import { imageTensor, observe, type Observation } from './observation.js';
import { PRESETS, VALIDATION_SPLIT, type Settings } from './settings.js';
import { PLACE } from './stored-run.js';
import { ProgressCallback, TestCallback } from './training-callbacks.js';

/** What a run tells while it trains. */
export interface RunListener {
  onBatch(epoch: number, batches: number, batchesPerEpoch: number): void;
  /** Its record is in `history`, its predictions are `last`. */
  onEpoch(): void;
  onStored(best: EpochRecord): void;
  onStorageFailure(error: EntropyCheckpointError): void;
}

export type Ending = 'finished' | 'stopped';

export interface Restored {
  readonly best: EpochRecord;
  /** On clean test digits, 0…1. */
  readonly accuracy: number;
  /** Largest difference of any probability from those at the end of that epoch; null where none were recorded. */
  readonly difference: number | null;
}

/** A training, its checkpoint, and what the network predicts by its last and by its kept epoch. */
export class Run {
  readonly settings: Settings;
  readonly digits: Digits;
  readonly #model: tf.LayersModel;
  readonly #checkpoint: EntropyCheckpointCallback;
  readonly #listener: RunListener;
  readonly #gate = new Gate();
  #initialEpoch = 0;
  #isStopped = false;
  #last: Observation | null = null;
  #kept: Observation | null = null;

  private constructor(settings: Settings, digits: Digits, listener: RunListener) {
    const { monitor, startFromEpoch } = settings;
    this.settings = settings;
    this.digits = digits;
    this.#listener = listener;
    this.#model = buildNetwork(settings);
    this.#checkpoint = new EntropyCheckpointCallback({
      filepath: PLACE,
      saveLast: true,
      monitor,
      startFromEpoch,
    });
  }

  /** A new training, on the backend that it is set to; nothing stored is touched before its first epoch has ended. */
  static async begin(settings: Settings, listener: RunListener): Promise<Run> {
    await useBackend(settings.backend);
    return new Run(settings, await loadDigits(settings), listener);
  }

  /** The stored training as it was when its latest stored epoch had ended. @param settings its own. */
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

  /** Null before the first epoch has ended. */
  get last(): Observation | null {
    return this.#last;
  }

  /** Null while no epoch is kept. */
  get kept(): Observation | null {
    return this.#kept;
  }

  /** Epochs that are done, those before a resume included. */
  get numEpochs(): number {
    return this.history.length;
  }

  get isPaused(): boolean {
    return !this.#gate.isOpen;
  }

  get explanation(): string {
    return this.#checkpoint.explain();
  }

  /** Trains until all epochs are done or it is stopped. A save that fails is told to the listener alone. */
  async train(): Promise<Ending> {
    const { epochs } = this.settings;
    if (this.#initialEpoch >= epochs) return 'finished';
    try {
      await this.#fit();
    } catch (error) {
      // One that does not even open has kept the training from its first epoch.
      if (!isStorageFailure(error) || this.numEpochs === this.#initialEpoch) throw error;
      this.#listener.onStorageFailure(error);
    }
    return this.#isStopped ? 'stopped' : 'finished';
  }

  pause(): void {
    this.#gate.close();
  }

  goOn(): void {
    this.#gate.open();
  }

  /** Ends the training after the batch that is running. */
  stop(): void {
    this.#isStopped = true;
    this.#model.stopTraining = true;
    this.#gate.open();
  }

  /** Puts the kept epoch back into the network, and compares what it predicts with what it did when it was new. */
  async restoreBest(): Promise<Restored> {
    const best = await this.#checkpoint.loadCheckpoint();
    const restored = await observe(this.#model, this.digits, best.epoch);
    const recorded = this.#kept?.test.probabilities;
    return {
      best,
      accuracy: shareRight(restored.test.classes, this.digits.test.labels),
      difference: recorded === undefined ? null : maxDifference(recorded, restored.test.probabilities),
    };
  }

  /** Gives the kept model to the user as the files of a tfjs model. */
  async downloadModel(): Promise<void> {
    const { epoch } = await this.#checkpoint.loadCheckpoint();
    await this.#model.save(`downloads://noisy-mnist-epoch-${epoch}`);
  }

  /** A page of HTML. */
  report(): Promise<string> {
    return this.#checkpoint.report({ title: 'Noisy MNIST in the browser' });
  }

  dispose(): void {
    this.#checkpoint.dispose();
    this.#model.optimizer.dispose();
    this.#model.dispose();
  }

  async #resume(): Promise<void> {
    const { initialEpoch } = await this.#checkpoint.resume(this.#model);
    this.#initialEpoch = initialEpoch;
    if (initialEpoch === 0) return;
    this.#last = await observe(this.#model, this.digits, initialEpoch - 1);
    if (this.best === null) return;
    const { model, record } = await loadCheckpoint(PLACE);
    this.#kept = await observe(model, this.digits, record.epoch);
    model.dispose();
  }

  async #fit(): Promise<void> {
    const { epochs, preset } = this.settings;
    const { batchSize } = PRESETS[preset];
    const { train, noisyLabels, test } = this.digits;
    const batchesPerEpoch = Math.ceil(Math.floor(train.labels.length * (1 - VALIDATION_SPLIT)) / batchSize);
    const x = imageTensor(train);
    const y = tf.tidy(() => tf.oneHot(tf.tensor1d(noisyLabels, 'int32'), NUM_CLASSES).toFloat());
    const testing = new TestCallback(async (epoch) => {
      this.#last = await observe(this.#model, this.digits, epoch);
      return shareRight(this.#last.test.classes, test.labels);
    });
    const progress = new ProgressCallback(this.#gate, {
      onBatch: (epoch, batches) => {
        this.#listener.onBatch(epoch, batches, batchesPerEpoch);
      },
      onEpoch: () => {
        this.#endEpoch();
      },
    });
    try {
      await this.#model.fit(x, y, {
        epochs,
        initialEpoch: this.#initialEpoch,
        batchSize,
        validationSplit: VALIDATION_SPLIT,
        // The digits are drawn in random order already; one that changes could not be resumed exactly.
        shuffle: false,
        callbacks: [testing, this.#checkpoint, progress],
      });
    } finally {
      tf.dispose([x, y]);
    }
  }

  #endEpoch(): void {
    const { best } = this;
    if (this.history.at(-1)?.isBest === true) this.#kept = this.#last;
    this.#listener.onEpoch();
    if (best === null) return;
    // Not waited for: it is written while training goes on.
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
