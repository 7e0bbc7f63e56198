import { settleAll } from './settle-all.js';

/**
 * Runs `work` on every item, in order, on at most `concurrency` items at a time. After a failure it starts no more.
 *
 * @param work receives the item and the index of the worker that runs it, from 0 up to `concurrency`, exclusive. One
 *   worker runs one item at a time.
 * @throws the error of the first worker that failed, by index, once no work is running.
 */
export async function mapConcurrent<T>(
  items: readonly T[],
  concurrency: number,
  work: (item: T, worker: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const runWorker = async (_: unknown, worker: number): Promise<void> => {
    try {
      while (next < items.length) await work(items[next++]!, worker);
    } finally {
      next = items.length;
    }
  };
  await settleAll(Array.from({ length: concurrency }, runWorker));
}
