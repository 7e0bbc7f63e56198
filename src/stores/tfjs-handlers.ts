import * as tf from '@tensorflow/tfjs';

/** A kind of TensorFlow.js's own handlers, and the whole message of its error when nothing is stored. */
interface HandlerKind {
  /** A URL that a handler of this kind serves. */
  readonly url: string;
  readonly nothingStored: RegExp;
}

const KINDS: readonly HandlerKind[] = [
  {
    url: 'localstorage://any',
    nothingStored: /^In local storage, there is no model with name '.*'$/s,
  },
  {
    url: 'indexeddb://any',
    nothingStored: /^Cannot find model with path '.*' in IndexedDB\.$/s,
  },
  {
    url: 'http://localhost/model.json',
    nothingStored:
      /^Request to .* failed with status code 404\. Please verify this URL points to the model JSON of the model to load\.$/s,
  },
  {
    // Only tfjs-node has it.
    url: 'file://any',
    nothingStored: /^Path .* does not exist: loading failed$/s,
  },
];

/**
 * Whether an error of `handler.load` says that nothing is stored. Only TensorFlow.js's own handlers say it by an error,
 * each in its own words. From any other handler, such words may come from the network, a login or a missing module.
 */
export function saysNothingStored(handler: tf.io.IOHandler, error: unknown): boolean {
  const message = error instanceof Error ? error.message : '';
  return KINDS.some((kind) => kind.nothingStored.test(message) && isOfKind(handler, kind));
}

/** Whether a handler is one of TensorFlow.js's own that can say that nothing is stored. */
export function isTfjsHandler(handler: tf.io.IOHandler): boolean {
  return KINDS.some((kind) => isOfKind(handler, kind));
}

function isOfKind(handler: tf.io.IOHandler, { url }: HandlerKind): boolean {
  try {
    const [made] = tf.io.getLoadHandlers(url);
    // A plain object is of no kind.
    return made !== undefined && made.constructor !== Object && made.constructor === handler.constructor;
  } catch {
    // A page that may not use local storage has no handler for it.
    return false;
  }
}
