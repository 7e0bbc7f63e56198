import { MemoryStore } from '../../src/stores/memory-store.js';
import type { CheckpointSource, SlotUpdate } from '../../src/stores/store.js';
import { pause } from './pause.js';

/** A store whose saves wait until they are let through, or fail. */
export class GatedStore extends MemoryStore {
  /** The update of each save that was begun, in order. */
  readonly begun: SlotUpdate[] = [];
  /** What the next saves fail with; null: they succeed. */
  readonly failures: (Error | null)[] = [];
  /** How long each save takes. */
  delayMs = 0;
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => undefined;

  /** From now on saves wait. */
  shut(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  /** Lets through what waits, and what comes. */
  letThrough(): void {
    this.#open();
    this.#gate = Promise.resolve();
  }

  override async save(checkpoint: CheckpointSource, update: SlotUpdate): Promise<void> {
    this.begun.push(update);
    const failure = this.failures.shift() ?? null;
    await this.#gate;
    if (this.delayMs > 0) await pause(this.delayMs);
    if (failure !== null) throw failure;
    await super.save(checkpoint, update);
  }
}
