import type { CheckpointStore } from './store.js';

/**
 * How long a store may take to answer, in milliseconds, unless the user sets it. A slow network transfers a few hundred
 * megabytes in that time.
 */
export const STORE_TIMEOUT_MS = 120_000;

/** Where checkpoints are stored, described before the code of the store is loaded. */
export interface StoreLocation extends Pick<CheckpointStore, 'name' | 'capacity'> {
  /**
   * What another process passes to `loadCheckpoint` to read this location: an absolute path or a URL. Nothing if no text
   * names it: for a handler, a store of the user, or a URL that can only be written.
   */
  readonly source?: string | undefined;
  /**
   * Loads the code of the store. It reads and writes nothing.
   *
   * @param timeoutMs how long a handler or IndexedDB may take to answer.
   * @throws EntropyCheckpointError `ENTROPY_CODE_NOT_LOADED`.
   */
  loadStore(timeoutMs?: number): Promise<CheckpointStore>;
}

/**
 * Finds this package's store for what the user writes. Each platform has its own function.
 *
 * @param name a plain name, a path or a URL.
 * @returns null for a URL that the handlers of TensorFlow.js serve.
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` for a name that means nothing on this platform.
 */
export type FindStoreLocation = (name: string) => StoreLocation | null;

/** The location of a store that is loaded already. */
export function locationOfStore(store: CheckpointStore): StoreLocation {
  const { name, capacity } = store;
  return { name, capacity, loadStore: () => Promise.resolve(store) };
}
