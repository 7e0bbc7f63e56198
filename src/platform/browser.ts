import { EntropyCheckpointError } from '../errors.js';
import { loadCode } from '../load-code.js';
import type { StorePlace } from '../stores/store-place.js';
import type { Platform } from './platform.js';

export const platform: Platform = {
  kernels: [],

  storePlace(place) {
    if (!place.includes('://')) return placeInIndexedDb(place);
    if (place.startsWith('indexeddb://')) return placeInIndexedDb(place.slice('indexeddb://'.length));
    if (!place.startsWith('file://')) return null;
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_OPTION',
      `Expected a place that a browser can write to, such as 'indexeddb://${place.slice(7)}', got '${place}'.`,
    );
  },
};

function placeInIndexedDb(place: string): StorePlace {
  if (place === '') {
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_OPTION',
      "Expected the name of a place in IndexedDB, such as 'indexeddb://entropy_checkpoint', got ''.",
    );
  }
  return {
    name: `indexeddb://${place}`,
    capacity: 'many',
    async loadStore() {
      const { IndexedDbStore } = await loadCode(import('../stores/indexed-db-store.js'));
      return new IndexedDbStore(place);
    },
  };
}
