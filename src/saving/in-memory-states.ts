import type { EpochRecord } from '../epoch-record.js';
import { disposeState, type Snapshot } from '../format/snapshot.js';

/** The snapshots that are in memory, by epoch. Owns them. */
export class InMemoryStates {
  readonly #snapshots = new Map<EpochRecord, Snapshot>();
  /** How many uses of a snapshot haven't ended. It can't be freed before they have. */
  readonly #uses = new Map<EpochRecord, number>();
  #isNeeded: (record: EpochRecord) => boolean = () => true;

  has(record: EpochRecord): boolean {
    return this.#snapshots.has(record);
  }

  add(record: EpochRecord, snapshot: Snapshot): void {
    this.#snapshots.set(record, snapshot);
  }

  /** Frees the snapshots of all epochs that aren't needed; one that is in use, after that. */
  keepOnly(isNeeded: (record: EpochRecord) => boolean): void {
    this.#isNeeded = isNeeded;
    for (const [record, snapshot] of this.#snapshots) {
      if (this.#uses.has(record) || isNeeded(record)) continue;
      this.#snapshots.delete(record);
      disposeState(snapshot.state);
    }
  }

  /** Runs `use` on the snapshot of an epoch, and keeps it until then. The epoch must be in memory. */
  async use<T>(record: EpochRecord, use: (snapshot: Snapshot) => Promise<T>): Promise<T> {
    this.#uses.set(record, (this.#uses.get(record) ?? 0) + 1);
    try {
      return await use(this.#snapshots.get(record)!);
    } finally {
      const uses = this.#uses.get(record)! - 1;
      if (uses > 0) this.#uses.set(record, uses);
      else this.#uses.delete(record);
      this.keepOnly(this.#isNeeded);
    }
  }
}
