import { EntropyCheckpointError } from '../errors.js';
import type { Platform } from './platform.js';
import { createSha256 } from './sha256.js';

export const platform: Platform = {
  kernels: [],

  createSha256,

  storeForPath(path) {
    if (!path.startsWith('file://')) return `indexeddb://${path}`;
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_OPTION',
      `Expected a place that a browser can write to, such as 'indexeddb://${path.slice(7)}', got '${path}'.`,
    );
  },
};
