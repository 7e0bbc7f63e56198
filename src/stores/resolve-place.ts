import * as tf from '@tensorflow/tfjs';
import { platform } from '#platform';
import { EntropyCheckpointError } from '../errors.js';
import { loadCode } from '../load-code.js';
import { placeOfStore, type StorePlace } from './store-place.js';
import { isStore, type CheckpointStore } from './store.js';

/**
 * The place that a user names.
 *
 * @param place a path, a URL, a `tf.io.IOHandler` or a store.
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` for a URL that nothing here can read or write.
 */
export function resolvePlace(place: string | tf.io.IOHandler | CheckpointStore): StorePlace {
  if (typeof place === 'string') return platform.storePlace(place) ?? placeOfUrl(place);
  return isStore(place) ? placeOfStore(place) : placeOfHandler(place);
}

function placeOfUrl(url: string): StorePlace {
  const [saver] = tf.io.getSaveHandlers(url);
  const [loader] = tf.io.getLoadHandlers(url);
  if (saver?.save === undefined && loader?.load === undefined) {
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_OPTION',
      `Expected a place that TensorFlow.js can read and write here, got '${url}', which it has no handler for.`,
    );
  }
  const handler: tf.io.IOHandler = {};
  if (saver?.save !== undefined) handler.save = saver.save.bind(saver);
  if (loader?.load !== undefined) handler.load = loader.load.bind(loader);
  return placeOfHandler(handler, url);
}

function placeOfHandler(handler: tf.io.IOHandler, url?: string): StorePlace {
  return {
    name: url ?? 'the tf.io.IOHandler',
    capacity: 'one',
    async loadStore() {
      const { HandlerStore } = await loadCode(import('./handler-store.js'));
      return new HandlerStore(handler, url);
    },
  };
}
