import type { EpochRecord } from './epoch-record.js';
import { disposeState, type TrainingState } from './state/training-state.js';

/** The states of epochs that are to be had without a store. Owns them. */
export class HeldStates {
  readonly #states = new Map<EpochRecord, TrainingState>();

  /** @returns stays with this object. */
  get(record: EpochRecord): TrainingState | undefined {
    return this.#states.get(record);
  }

  /**
   * Holds the states of `wanted`, as far as there are any, and frees the others.
   *
   * @param record the epoch that `capture` would give the state of.
   */
  keepOnly(wanted: readonly EpochRecord[], record: EpochRecord, capture: () => TrainingState): void {
    if (wanted.includes(record)) this.#states.set(record, capture());
    for (const [other, state] of this.#states) {
      if (wanted.includes(other)) continue;
      disposeState(state);
      this.#states.delete(other);
    }
  }

  dispose(): void {
    for (const state of this.#states.values()) disposeState(state);
    this.#states.clear();
  }
}
