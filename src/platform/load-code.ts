import { EntropyCheckpointError } from '../errors.js';

/** What helps where code is split. */
const REMEDY =
  'Make sure that every file of the build can be fetched, and try again. Where `import()` is impossible, import ' +
  "'tfjs-entropy-checkpoint/single'.";

/**
 * Waits for a part of this package that is loaded only when it's needed.
 *
 * @param importing the result of an `import()` of that part.
 * @param remedy what the user can do if it fails.
 * @throws EntropyCheckpointError `ENTROPY_CODE_NOT_LOADED`.
 */
export async function loadCode<T>(importing: Promise<T>, remedy = REMEDY): Promise<T> {
  try {
    return await importing;
  } catch (cause) {
    throw new EntropyCheckpointError(
      'ENTROPY_CODE_NOT_LOADED',
      `A part of this package could not be loaded: ${String(cause)} ${remedy}`,
      { cause },
    );
  }
}
