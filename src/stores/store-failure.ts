import { EntropyCheckpointError } from '../errors.js';

export const UNCHANGED = 'What was stored there before is unchanged.';

/**
 * Runs `action`, and says of any error which is not this package's own what could not be done.
 *
 * @param what 'save to indexeddb://a'.
 * @param advice one or more sentences.
 * @throws EntropyCheckpointError `ENTROPY_STORE_FAILED`, with the error as its cause.
 */
export async function attempt<T>(what: string, advice: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (cause instanceof EntropyCheckpointError) throw cause;
    const message = `Could not ${what}: ${String(cause)}`;
    const sentence = /[.!?]$/.test(message) ? message : `${message}.`;
    throw new EntropyCheckpointError('ENTROPY_STORE_FAILED', `${sentence} ${advice}`.trim(), { cause });
  }
}
