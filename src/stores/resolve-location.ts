import * as tf from '@tensorflow/tfjs';
import { findStoreLocation } from '#platform';
import { EntropyCheckpointError } from '../errors.js';
import { loadCode } from '../platform/load-code.js';
import { locationOfStore, type StoreLocation } from './store-location.js';
import { isStore, type CheckpointStore } from './store.js';

/**
 * Resolves what a user passes as `filepath`.
 *
 * @param location a path, a URL, a `tf.io.IOHandler` or a store.
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` for a URL that this platform can neither read nor write.
 */
export function resolveLocation(location: string | tf.io.IOHandler | CheckpointStore): StoreLocation {
  if (typeof location === 'string') return findStoreLocation(location) ?? locationOfUrl(location);
  return isStore(location) ? locationOfStore(location) : locationOfHandler(location);
}

function locationOfUrl(url: string): StoreLocation {
  const [saver] = tf.io.getSaveHandlers(url);
  const [loader] = tf.io.getLoadHandlers(url);
  if (saver?.save === undefined && loader?.load === undefined) {
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_OPTION',
      `Expected a URL that TensorFlow.js can read or write here, got '${url}', for which it has no handler.`,
    );
  }
  const handler: tf.io.IOHandler = {};
  if (saver?.save !== undefined) handler.save = saver.save.bind(saver);
  if (loader?.load !== undefined) handler.load = loader.load.bind(loader);
  return locationOfHandler(handler, url);
}

function locationOfHandler(handler: tf.io.IOHandler, url?: string): StoreLocation {
  return {
    name: url ?? 'the tf.io.IOHandler',
    capacity: 'one',
    async loadStore() {
      const { HandlerStore } = await loadCode(import('./handler-store.js'));
      return new HandlerStore(handler, url);
    },
  };
}
