import { EntropyCheckpointError } from '../errors.js';

/**
 * Waits for a part of this package that is loaded only when it's needed.
 *
 * @param importing the result of an `import()` of that part.
 * @throws EntropyCheckpointError `ENTROPY_CODE_NOT_LOADED`.
 */
export async function loadCode<T>(importing: Promise<T>): Promise<T> {
  try {
    return await importing;
  } catch (cause) {
    throw new EntropyCheckpointError(
      'ENTROPY_CODE_NOT_LOADED',
      `A part of this package could not be loaded: ${String(cause)} Make sure that every file of the build can be ` +
        'fetched, and try again.',
      { cause },
    );
  }
}
