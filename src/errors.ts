/**
 * What went wrong, as a stable code. A message may change from version to version; a code doesn't.
 *
 * - `ENTROPY_INVALID_OPTION`: an option is unknown, out of range, or contradicts another one.
 * - `ENTROPY_INVALID_ARGUMENT`: an argument is of the wrong kind or out of range.
 * - `ENTROPY_INVALID_STATE`: the instance can't do this now, for example because it's training already.
 * - `ENTROPY_INVALID_CALLBACK_LIST`: `fit` was given a list of callbacks that TensorFlow.js can't run.
 * - `ENTROPY_INVALID_PREDICTIONS`: a tensor isn't a batch of class scores.
 * - `ENTROPY_NO_CLASS_OUTPUT`: no output of the model is a distribution over classes.
 * - `ENTROPY_AMBIGUOUS_OUTPUT`: it's unclear whether an output holds probabilities or logits.
 * - `ENTROPY_UNKNOWN_MONITOR`: `monitor` names a value that this training doesn't log.
 * - `ENTROPY_NO_PREDICTIONS`: an epoch was saved without the predictions that the monitor needs.
 * - `ENTROPY_NO_BEST`: there's no best epoch to load.
 * - `ENTROPY_MODEL_CHANGED`: one instance was used with two models.
 * - `ENTROPY_MODEL_DISPOSED`: the model or its optimizer was disposed.
 * - `ENTROPY_MODEL_MISMATCH`: the checkpoint belongs to a model of another shape.
 * - `ENTROPY_OPTIMIZER_MISMATCH`: the checkpoint belongs to another optimizer.
 * - `ENTROPY_MONITOR_MISMATCH`: the stored epochs were compared by another monitor or mode.
 * - `ENTROPY_UNSUPPORTED_MODEL`: the model can't be stored.
 * - `ENTROPY_UNSUPPORTED_OPTIMIZER`: a field of the optimizer can't be stored.
 * - `ENTROPY_UNSUPPORTED_TFJS`: this copy or version of TensorFlow.js can't be used.
 * - `ENTROPY_WRONG_INITIAL_EPOCH`: `fit` doesn't begin with the `initialEpoch` that `resume` returned.
 * - `ENTROPY_NO_CHECKPOINT`: nothing is stored at the source.
 * - `ENTROPY_NOT_A_CHECKPOINT`: this package didn't write what is stored there.
 * - `ENTROPY_CORRUPT_CHECKPOINT`: the stored checkpoint is damaged.
 * - `ENTROPY_CHECKPOINT_REPLACED`: another training has replaced this instance's checkpoint.
 * - `ENTROPY_STORE_IN_USE`: another training writes to the same store.
 * - `ENTROPY_STORE_FAILED`: the store couldn't be read or written; `cause` has the reason.
 * - `ENTROPY_CODE_NOT_LOADED`: a part of this package, loaded when first needed, couldn't be fetched.
 */
export type EntropyCheckpointErrorCode =
  | 'ENTROPY_INVALID_OPTION'
  | 'ENTROPY_INVALID_ARGUMENT'
  | 'ENTROPY_INVALID_STATE'
  | 'ENTROPY_INVALID_CALLBACK_LIST'
  | 'ENTROPY_INVALID_PREDICTIONS'
  | 'ENTROPY_NO_CLASS_OUTPUT'
  | 'ENTROPY_AMBIGUOUS_OUTPUT'
  | 'ENTROPY_UNKNOWN_MONITOR'
  | 'ENTROPY_NO_PREDICTIONS'
  | 'ENTROPY_NO_BEST'
  | 'ENTROPY_MODEL_CHANGED'
  | 'ENTROPY_MODEL_DISPOSED'
  | 'ENTROPY_MODEL_MISMATCH'
  | 'ENTROPY_OPTIMIZER_MISMATCH'
  | 'ENTROPY_MONITOR_MISMATCH'
  | 'ENTROPY_UNSUPPORTED_MODEL'
  | 'ENTROPY_UNSUPPORTED_OPTIMIZER'
  | 'ENTROPY_UNSUPPORTED_TFJS'
  | 'ENTROPY_WRONG_INITIAL_EPOCH'
  | 'ENTROPY_NO_CHECKPOINT'
  | 'ENTROPY_NOT_A_CHECKPOINT'
  | 'ENTROPY_CORRUPT_CHECKPOINT'
  | 'ENTROPY_CHECKPOINT_REPLACED'
  | 'ENTROPY_STORE_IN_USE'
  | 'ENTROPY_STORE_FAILED'
  | 'ENTROPY_CODE_NOT_LOADED';

/** Every message of this package begins with this, errors and warnings alike. */
export const MESSAGE_PREFIX = '[entropy-checkpoint] ';

/** Every error's message ends with this and its code in lower case: the heading in the docs of this package. */
export const SEE_DOCS = ' See docs/faq.md#';

/**
 * The text on one line, with control characters as escapes, such as `\u001b`. Text from a stored file could otherwise erase or
 * reorder what a terminal shows.
 */
export function printable(text: string): string {
  return text
    .replace(/\s*\n\s*/g, ' ')
    .replace(
      /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
}

/** The most that a message quotes of text from outside, such as a stored file, in characters. */
export const MAX_EXCERPT = 200;

/** The beginning of a text from outside, or of an error, to be quoted in a message. */
export function excerpt(value: unknown, maxLength = MAX_EXCERPT): string {
  const text = printable(String(value).slice(0, maxLength + 1));
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`;
}

/**
 * Every error that this package throws itself.
 *
 * @example
 * try {
 *   await loadCheckpoint('checkpoints/run-7');
 * } catch (error) {
 *   if (error.code !== 'ENTROPY_NO_CHECKPOINT') throw error;
 * }
 */
export class EntropyCheckpointError extends Error {
  /** Identifies the class even where the package was loaded twice and `instanceof` fails. */
  override readonly name = 'EntropyCheckpointError';
  /** Stable from version to version: compare this, not the message. */
  readonly code: EntropyCheckpointErrorCode;

  /**
   * @param message what was expected, what came and what to do. The address of the code in the docs is added to it.
   * @param options `cause`: the error behind this one.
   */
  constructor(code: EntropyCheckpointErrorCode, message: string, options?: ErrorOptions) {
    super(`${MESSAGE_PREFIX}${printable(message)}${SEE_DOCS}${code.toLowerCase()}`, options);
    this.code = code;
  }
}
