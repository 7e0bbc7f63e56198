import { invalidOption } from '../check-options.js';
import { EntropyCheckpointError } from '../errors.js';
import { loadCode } from '../platform/load-code.js';
import type { FindStoreLocation, StoreLocation } from './store-location.js';

/** A browser's console shows objects in its own way. */
export const defineInspection: (inspected: object) => void = () => undefined;

/** @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION`: a page gets no signals. */
export const checkSignals: (names: readonly string[]) => void = () => {
  throw invalidOption('Leave out `stopOn` in a browser, which gets no signals.');
};

/** Never called, as no signal passes `checkSignals`. */
export const onFirstSignal: (names: readonly string[], listener: () => void) => () => void = () => () =>
  undefined;

/** Finds the store of a browser: a plain name or an `indexeddb://` URL is a location in IndexedDB. */
export const findStoreLocation: FindStoreLocation = (name) => {
  if (!name.includes('://')) return locationInIndexedDb(name);
  if (name.startsWith('indexeddb://')) return locationInIndexedDb(name.slice('indexeddb://'.length));
  if (!name.startsWith('file://')) return null;
  throw new EntropyCheckpointError(
    'ENTROPY_INVALID_OPTION',
    `Expected a name that a browser can write to, such as 'indexeddb://${name.slice(7)}', got '${name}'.`,
  );
};

function locationInIndexedDb(name: string): StoreLocation {
  if (name === '') {
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_OPTION',
      "Expected a name in IndexedDB, such as 'indexeddb://entropy_checkpoint', got ''.",
    );
  }
  const url = `indexeddb://${name}`;
  return {
    name: url,
    capacity: 'many',
    source: url,
    async loadStore(timeoutMs) {
      const { IndexedDbStore } = await loadCode(import('./indexed-db/indexed-db-store.js'));
      return new IndexedDbStore(name, timeoutMs);
    },
  };
}
