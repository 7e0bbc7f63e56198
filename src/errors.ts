/**
 * What went wrong, as a stable code. A message may change between versions, a code does not.
 *
 * - `ENTROPY_INVALID_OPTION`: an option, or an argument, has a value outside its range.
 * - `ENTROPY_INVALID_PREDICTIONS`: a tensor that is no batch of class scores.
 * - `ENTROPY_NO_CLASS_OUTPUT`: the model has no output that is a class distribution.
 * - `ENTROPY_AMBIGUOUS_OUTPUT`: it cannot be told whether an output holds probabilities or logits.
 * - `ENTROPY_UNKNOWN_MONITOR`: `monitor` names a value that this training does not log.
 * - `ENTROPY_NO_PREDICTIONS`: an epoch was closed without the predictions that the monitor needs.
 * - `ENTROPY_NO_BEST`: there is no best epoch to load.
 * - `ENTROPY_MODEL_CHANGED`: one instance was used with two models.
 * - `ENTROPY_MODEL_MISMATCH`: the checkpoint belongs to a model of another shape.
 * - `ENTROPY_OPTIMIZER_MISMATCH`: the checkpoint belongs to another optimizer.
 * - `ENTROPY_UNSUPPORTED_MODEL`: the model cannot be written to a store.
 * - `ENTROPY_UNSUPPORTED_OPTIMIZER`: a field of the optimizer cannot be saved.
 * - `ENTROPY_UNSUPPORTED_TFJS`: this version of TensorFlow.js lacks something that is relied on.
 * - `ENTROPY_RESUMED_ELSEWHERE`: training after `resume` does not begin at its `initialEpoch`.
 * - `ENTROPY_NO_CHECKPOINT`: nothing is stored at the source.
 * - `ENTROPY_NOT_A_CHECKPOINT`: what is stored there was not written by this package.
 * - `ENTROPY_CORRUPT_CHECKPOINT`: what is stored there is damaged.
 * - `ENTROPY_CHECKPOINT_REPLACED`: another training has replaced this instance's checkpoint.
 * - `ENTROPY_STORE_IN_USE`: another training writes to the same place.
 * - `ENTROPY_STORE_FAILED`: the store could not be read or written; `cause` has the reason.
 * - `ENTROPY_CODE_NOT_LOADED`: a part of this package, which is loaded when it is needed, could not be fetched.
 */
export type EntropyCheckpointErrorCode =
  | 'ENTROPY_INVALID_OPTION'
  | 'ENTROPY_INVALID_PREDICTIONS'
  | 'ENTROPY_NO_CLASS_OUTPUT'
  | 'ENTROPY_AMBIGUOUS_OUTPUT'
  | 'ENTROPY_UNKNOWN_MONITOR'
  | 'ENTROPY_NO_PREDICTIONS'
  | 'ENTROPY_NO_BEST'
  | 'ENTROPY_MODEL_CHANGED'
  | 'ENTROPY_MODEL_MISMATCH'
  | 'ENTROPY_OPTIMIZER_MISMATCH'
  | 'ENTROPY_UNSUPPORTED_MODEL'
  | 'ENTROPY_UNSUPPORTED_OPTIMIZER'
  | 'ENTROPY_UNSUPPORTED_TFJS'
  | 'ENTROPY_RESUMED_ELSEWHERE'
  | 'ENTROPY_NO_CHECKPOINT'
  | 'ENTROPY_NOT_A_CHECKPOINT'
  | 'ENTROPY_CORRUPT_CHECKPOINT'
  | 'ENTROPY_CHECKPOINT_REPLACED'
  | 'ENTROPY_STORE_IN_USE'
  | 'ENTROPY_STORE_FAILED'
  | 'ENTROPY_CODE_NOT_LOADED';

/** How every message of this package begins, be it an error or a warning. */
export const MESSAGE_PREFIX = '[entropy-checkpoint] ';

/** Every error that this package throws by itself: a stable `code`, and the `cause` where there is one. */
export class EntropyCheckpointError extends Error {
  /** Tells the class also where it was loaded twice, and `instanceof` fails. */
  override readonly name = 'EntropyCheckpointError';
  /** Stable from version to version; to be compared in programs. */
  readonly code: EntropyCheckpointErrorCode;

  constructor(code: EntropyCheckpointErrorCode, message: string, options?: ErrorOptions) {
    super(`${MESSAGE_PREFIX}${message}`, options);
    this.code = code;
  }
}
