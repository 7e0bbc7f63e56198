import * as tf from '@tensorflow/tfjs';
import type { Gate } from './gate.js';

type Logs = Record<string, number | tf.Scalar>;

/** The checkpoint yields often enough. Each further callback that yields would wait for another frame. */
const YIELD_EVERY = 'never';

/** Tests the network at the end of each epoch. List it before the checkpoint, which then records the result. */
export class TestCallback extends tf.CustomCallback {
  readonly #test: (epoch: number) => Promise<Record<string, number>>;

  /** @param test returns what is added to `logs`. */
  constructor(test: (epoch: number) => Promise<Record<string, number>>) {
    super({}, YIELD_EVERY);
    this.#test = test;
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    Object.assign(logs, await this.#test(epoch));
    await super.onEpochEnd(epoch, logs);
  }
}

export interface ProgressListener {
  /** @param batches how many batches of the epoch have ended. */
  onBatch(epoch: number, batches: number): void;
  onEpoch(epoch: number): void;
  /** Training waits until the gate is open. */
  onPaused(): void;
}

/** Reports the progress of `fit`, and pauses it while the gate is closed. List it last. */
export class ProgressCallback extends tf.CustomCallback {
  readonly #gate: Gate;
  readonly #listener: ProgressListener;
  #epoch = 0;

  constructor(gate: Gate, listener: ProgressListener) {
    super({}, YIELD_EVERY);
    this.#gate = gate;
    this.#listener = listener;
  }

  override async onEpochBegin(epoch: number, logs?: Logs): Promise<void> {
    this.#epoch = epoch;
    await super.onEpochBegin(epoch, logs);
  }

  override async onBatchEnd(batch: number, logs?: Logs): Promise<void> {
    this.#listener.onBatch(this.#epoch, batch + 1);
    await super.onBatchEnd(batch, logs);
    if (!this.#gate.isOpen) this.#listener.onPaused();
    await this.#gate.whenOpen();
  }

  override async onEpochEnd(epoch: number, logs?: Logs): Promise<void> {
    this.#listener.onEpoch(epoch);
    await super.onEpochEnd(epoch, logs);
  }
}
