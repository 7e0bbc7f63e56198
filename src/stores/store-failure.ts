import { EntropyCheckpointError } from '../errors.js';

/** The advice where a failed save has changed nothing. */
export const UNCHANGED = 'What was stored there before is unchanged.';

/**
 * Runs `action`. Errors of this package pass through; any other is wrapped in one that says what failed.
 *
 * @param what completes "Could not …", such as `save to indexeddb://a`.
 * @param advice sentences that end the message, or ''.
 * @throws EntropyCheckpointError `ENTROPY_STORE_FAILED`, with the original error as its cause.
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
