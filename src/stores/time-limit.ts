import { EntropyCheckpointError } from '../errors.js';

/** The longest delay of a timer; a longer one would end at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Waits for what another program, server or tab may never answer. Once it has settled, no timer keeps a process alive.
 * Work that is too late continues unnoticed, as nothing can end it.
 *
 * @param timeoutMs in milliseconds; Infinity for no limit.
 * @param what completes "Could not …", such as `load from s3://a`.
 * @throws EntropyCheckpointError `ENTROPY_STORE_FAILED` after `timeoutMs`.
 */
export function withTimeLimit<T>(work: PromiseLike<T>, timeoutMs: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer =
      timeoutMs > MAX_TIMER_MS
        ? undefined
        : setTimeout(() => {
            reject(timedOut(what, timeoutMs));
          }, timeoutMs);
    work.then(resolve, reject).then(() => {
      clearTimeout(timer);
    });
  });
}

function timedOut(what: string, timeoutMs: number): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_STORE_FAILED',
    `Could not ${what}: expected an answer within ${timeoutMs / 1000} seconds, got none. Check whether it can be reached ` +
      'and whether other tabs block it, or set a larger `storeTimeoutMs`.',
  );
}
