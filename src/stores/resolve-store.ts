import * as tf from '@tensorflow/tfjs';
import { platform } from '#platform';
import { EntropyCheckpointError } from '../errors.js';
import { HandlerStore } from './handler-store.js';
import { isStore, type CheckpointStore } from './store.js';

/**
 * The store at a place that a user names. Reads and writes nothing.
 *
 * @param place a path, a URL, a `tf.io.IOHandler` or a store.
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` for a URL that nothing here can read or write.
 */
export function resolveStore(place: string | tf.io.IOHandler | CheckpointStore): CheckpointStore {
  if (typeof place !== 'string') return isStore(place) ? place : new HandlerStore(place);
  return platform.storeAt(place) ?? storeForUrl(place);
}

function storeForUrl(url: string): CheckpointStore {
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
  return new HandlerStore(handler, url);
}
