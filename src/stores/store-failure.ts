import { EntropyCheckpointError, excerpt } from '../errors.js';

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
    throw storeFailure(what, advice, cause);
  }
}

const NO_ACCESS =
  'This page may not use storage: give its frame `sandbox="allow-same-origin"`, allow this site to store data, or ' +
  'use another `filepath`, such as null.';

/** The error that `attempt` throws for `cause`. */
export function storeFailure(what: string, advice: string, cause: unknown): EntropyCheckpointError {
  if (cause instanceof EntropyCheckpointError) return cause;
  const message = `Could not ${what}: ${excerpt(cause)}`;
  const sentence = /[.!?]$/.test(message) ? message : `${message}.`;
  // Not `instanceof`, which fails across realms.
  const isForbidden = (cause as { name?: unknown } | null)?.name === 'SecurityError';
  const advices = [sentence, isForbidden ? NO_ACCESS : '', advice].filter((text) => text !== '');
  return new EntropyCheckpointError('ENTROPY_STORE_FAILED', advices.join(' '), { cause });
}
