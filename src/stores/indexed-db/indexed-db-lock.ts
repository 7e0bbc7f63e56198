import type { Release } from '../store-lock.js';

/**
 * How long one request for the lock may wait. A closed tab or worker holds its lock for some 20 ms more, on an idle
 * computer. Without the wait, a worker that replaces a terminated one would be refused.
 */
const REQUEST_TIMEOUT_MS = 500;

/**
 * Acquires a lock among the tabs and workers of one origin. It is released when the holding tab or worker is closed.
 *
 * An insecure context has no Web Locks API: there, every tab gets the lock.
 *
 * @returns null while another tab or worker holds the lock.
 */
export async function lockAcrossTabs(name: string): Promise<Release | null> {
  const { navigator } = globalThis as { navigator?: { locks?: LockManager } };
  const locks = navigator?.locks;
  if (locks === undefined) return () => Promise.resolve();
  const lockName = `tfjs-entropy-checkpoint ${name}`;
  for (;;) {
    const release = await requestLock(REQUEST_TIMEOUT_MS, locks, lockName);
    if (release !== null) return release;
    // A busy browser may take longer to grant a free lock, so ask who holds it.
    const { held = [] } = await locks.query();
    if (held.some((lock) => lock.name === lockName)) return null;
  }
}

/** Resolves with null after the timeout. */
function requestLock(timeoutMs: number, locks: LockManager, lockName: string): Promise<Release | null> {
  return new Promise((resolve, reject) => {
    const options = { signal: AbortSignal.timeout(timeoutMs) };
    const held = locks.request(lockName, options, () => {
      return new Promise<void>((release) => {
        resolve(async () => {
          release();
          // Rejects if other code in the page has stolen the lock. It is released all the same.
          await held.catch(() => undefined);
        });
      });
    });
    // Once the lock is granted, the promise is resolved already, and nothing here changes that.
    held
      .catch((error: unknown) => {
        if ((error as Error).name !== 'TimeoutError') throw error;
      })
      .then(() => {
        resolve(null);
      }, reject);
  });
}
