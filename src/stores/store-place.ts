import type { CheckpointStore } from './store.js';

/** Where checkpoints are kept: what is known of its store before the code for that is loaded. */
export interface StorePlace extends Pick<CheckpointStore, 'name' | 'capacity'> {
  /**
   * Reads and writes nothing there.
   *
   * @throws EntropyCheckpointError `ENTROPY_CODE_NOT_LOADED`.
   */
  loadStore(): Promise<CheckpointStore>;
}

/** The place of a store that is there already. */
export function placeOfStore(store: CheckpointStore): StorePlace {
  const { name, capacity } = store;
  return { name, capacity, loadStore: () => Promise.resolve(store) };
}
