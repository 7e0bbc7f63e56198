import * as tf from '@tensorflow/tfjs';
import type { Gate } from './gate.js';

type Logs = Record<string, number | tf.Scalar>;

/** In `logs`, and so in the history that is stored with the checkpoint. */
export const CLEAN_ACCURACY = 'clean_acc';

/** The checkpoint yields to the page often enough; each callback that does waits for a frame of its own. */
const YIELD = 'never';

/** Tests the network when an epoch has ended. To be listed before the checkpoint, which then records the result. */
export class TestCallback extends tf.CustomCallback {
  readonly #test: (epoch: number) => Promise<number>;

  /** @param test gives the accuracy on clean labels, 0…1. */
  constructor(test: (epoch: number) => Promise<number>) {
    super({}, YIELD);
    this.#test = test;
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    logs[CLEAN_ACCURACY] = await this.#test(epoch);
    await super.onEpochEnd(epoch, logs);
  }
}

export interface Steps {
  /** @param batches how many of the epoch have ended. */
  onBatch(epoch: number, batches: number): void;
  onEpoch(epoch: number): void;
}

/** Tells how far `fit` has come, and holds it while the gate is closed. To be listed last. */
export class ProgressCallback extends tf.CustomCallback {
  readonly #gate: Gate;
  readonly #steps: Steps;
  #epoch = 0;

  constructor(gate: Gate, steps: Steps) {
    super({}, YIELD);
    this.#gate = gate;
    this.#steps = steps;
  }

  override async onEpochBegin(epoch: number, logs?: Logs): Promise<void> {
    this.#epoch = epoch;
    await super.onEpochBegin(epoch, logs);
  }

  override async onBatchEnd(batch: number, logs?: Logs): Promise<void> {
    this.#steps.onBatch(this.#epoch, batch + 1);
    await super.onBatchEnd(batch, logs);
    await this.#gate.passed();
  }

  override async onEpochEnd(epoch: number, logs?: Logs): Promise<void> {
    this.#steps.onEpoch(epoch);
    await super.onEpochEnd(epoch, logs);
  }
}
