import { MemoryStore } from '../../src/stores/memory-store.js';
import type { CheckpointSource, SlotUpdate } from '../../src/stores/store.js';
import { pause } from './pause.js';

/** A store whose saves a test can delay, or make fail. */
export class GatedStore extends MemoryStore {
  /** The slot update of each save that has begun, in order. */
  readonly begun: SlotUpdate[] = [];
  /** The errors of the next saves, in order. Null lets a save succeed. */
  readonly failures: (Error | null)[] = [];
  /** How long each save takes, at least. */
  delayMs = 0;
  /** How many saves have ended, in success or failure. */
  ended = 0;
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => undefined;

  /** Makes saves wait. */
  shut(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  /** Lets waiting and later saves continue. */
  letThrough(): void {
    this.#open();
    this.#gate = Promise.resolve();
  }

  override async save(checkpoint: CheckpointSource, update: SlotUpdate): Promise<void> {
    this.begun.push(update);
    const failure = this.failures.shift() ?? null;
    try {
      await this.#gate;
      if (this.delayMs > 0) await pause(this.delayMs);
      if (failure !== null) throw failure;
      await super.save(checkpoint, update);
    } finally {
      this.ended++;
    }
  }
}
