import type { Release } from '../store-lock.js';

/**
 * How long a tab or worker that has just been closed may still have the lock: some 20 ms, on a machine that
 * has nothing else to do. Without this, a worker that takes the place of a terminated one would be refused.
 */
const WAIT_MS = 500;

/**
 * A lock among the tabs and workers of one origin. Free when the tab or worker that has it is gone.
 *
 * In an insecure context there is no Web Locks API: then every tab is given the lock.
 *
 * @returns null while another has it.
 */
export async function lockAcrossTabs(name: string): Promise<Release | null> {
  const { navigator } = globalThis as { navigator?: { locks?: LockManager } };
  const locks = navigator?.locks;
  if (locks === undefined) return () => Promise.resolve();
  const lockName = `tfjs-entropy-checkpoint ${name}`;
  for (;;) {
    const release = await requestFor(WAIT_MS, locks, lockName);
    if (release !== null) return release;
    // A browser that is busy may take longer to grant a lock that is free.
    const { held = [] } = await locks.query();
    if (held.some((lock) => lock.name === lockName)) return null;
  }
}

function requestFor(timeoutMs: number, locks: LockManager, lockName: string): Promise<Release | null> {
  return new Promise((resolve, reject) => {
    const options = { signal: AbortSignal.timeout(timeoutMs) };
    const held = locks.request(lockName, options, () => {
      return new Promise<void>((release) => {
        resolve(async () => {
          release();
          // Another part of the page may take it by force, which is an error here; it is free all the same.
          await held.catch(() => undefined);
        });
      });
    });
    // Where the lock has been granted, all of this comes too late to matter.
    held
      .catch((error: unknown) => {
        if ((error as Error).name !== 'TimeoutError') throw error;
      })
      .then(() => {
        resolve(null);
      }, reject);
  });
}
