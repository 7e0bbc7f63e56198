import * as tf from '@tensorflow/tfjs';
import { findStoreLocation } from '#platform';
import { isUrl } from '../check-options.js';
import { EntropyCheckpointError } from '../errors.js';
import { loadCode } from '../platform/load-code.js';
import { storeFailure } from './store-failure.js';
import { locationOfStore, type StoreLocation } from './store-location.js';
import { isStore, type CheckpointStore } from './store.js';

/**
 * Resolves what a user passes as `filepath`.
 *
 * @param location a path, a URL, a `tf.io.IOHandler` or a store.
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` for a URL that this platform can neither read nor write, or a
 *   pattern; `ENTROPY_STORE_FAILED` where the page may not use the storage.
 */
export function resolveLocation(location: string | URL | tf.io.IOHandler | CheckpointStore): StoreLocation {
  if (isUrl(location)) return resolveLocation(location.href);
  if (typeof location === 'string') {
    refusePattern(location);
    return findStoreLocation(location) ?? locationOfUrl(location);
  }
  return isStore(location) ? locationOfStore(location) : locationOfHandler(location);
}

/** Keras and Lightning put the numbers of an epoch into the path. */
function refusePattern(path: string): void {
  const [pattern] = /\{\w+(:[^}]*)?\}/.exec(path) ?? [];
  if (pattern === undefined) return;
  throw new EntropyCheckpointError(
    'ENTROPY_INVALID_OPTION',
    `Leave \`${pattern}\` out of '${path}': one location holds every epoch that is kept, and \`maxToKeep\` sets how many.`,
  );
}

function locationOfUrl(url: string): StoreLocation {
  const [saver, loader] = handlersOf(url);
  if (saver?.save === undefined && loader?.load === undefined) {
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_OPTION',
      `Expected a URL that TensorFlow.js can read or write here, got '${url}', for which it has no handler.`,
    );
  }
  const handler: tf.io.IOHandler = {};
  if (saver?.save !== undefined) handler.save = saver.save.bind(saver);
  if (loader?.load !== undefined) handler.load = loader.load.bind(loader);
  return locationOfHandler(handler, url, loader);
}

/** The handlers that save and load. Local storage throws where a page may not use it. */
function handlersOf(url: string): (tf.io.IOHandler | undefined)[] {
  try {
    return [tf.io.getSaveHandlers(url)[0], tf.io.getLoadHandlers(url)[0]];
  } catch (cause) {
    throw storeFailure(`use ${url}`, '', cause);
  }
}

function locationOfHandler(handler: tf.io.IOHandler, url?: string, loader?: tf.io.IOHandler): StoreLocation {
  return {
    name: url ?? 'the tf.io.IOHandler',
    capacity: 'one',
    source: handler.load && url,
    async loadStore(timeoutMs) {
      const { HandlerStore } = await loadCode(import('./handler-store.js'));
      return new HandlerStore(handler, { url, loader, timeoutMs });
    },
  };
}
