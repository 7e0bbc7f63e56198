import { EntropyCheckpointError } from '../errors.js';
import { IndexedDbStore } from '../stores/indexed-db-store.js';
import type { Platform } from './platform.js';

export const platform: Platform = {
  kernels: [],

  storeAt(place) {
    if (!place.includes('://')) return new IndexedDbStore(place);
    if (place.startsWith('indexeddb://')) return new IndexedDbStore(place.slice('indexeddb://'.length));
    if (!place.startsWith('file://')) return null;
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_OPTION',
      `Expected a place that a browser can write to, such as 'indexeddb://${place.slice(7)}', got '${place}'.`,
    );
  },
};
