import { settleAll } from './settle-all.js';

/**
 * Runs `work` on every item in turn, on as many at a time as there are `lanes`. After a failure none is begun
 * any more.
 *
 * @param work is also given the lane, from 0.
 * @throws what the first lane that failed threw, when none is under way any more.
 */
export async function mapConcurrent<T>(
  items: readonly T[],
  lanes: number,
  work: (item: T, lane: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const runLane = async (_: unknown, lane: number): Promise<void> => {
    try {
      while (next < items.length) await work(items[next++]!, lane);
    } finally {
      next = items.length;
    }
  };
  await settleAll(Array.from({ length: lanes }, runLane));
}
