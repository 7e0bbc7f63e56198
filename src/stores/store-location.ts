import type { CheckpointStore } from './store.js';

/** Where checkpoints are stored: what is known of the store before its code is loaded. */
export interface StoreLocation extends Pick<CheckpointStore, 'name' | 'capacity'> {
  /**
   * Loads the code of the store. It reads and writes nothing.
   *
   * @throws EntropyCheckpointError `ENTROPY_CODE_NOT_LOADED`.
   */
  loadStore(): Promise<CheckpointStore>;
}

/**
 * Finds a store of this package by what the user writes, on one platform.
 *
 * @param name a plain name, a path or a URL.
 * @returns null for a URL that is left to the handlers of TensorFlow.js.
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` for a name that means nothing on this platform.
 */
export type FindStoreLocation = (name: string) => StoreLocation | null;

/** The location of a store that exists already. */
export function locationOfStore(store: CheckpointStore): StoreLocation {
  const { name, capacity } = store;
  return { name, capacity, loadStore: () => Promise.resolve(store) };
}
