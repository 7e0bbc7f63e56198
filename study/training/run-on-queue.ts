import type { ChildProcess } from 'node:child_process';
import { JobQueue } from '../../examples/sweep/queue/job-queue.js';
import { JobWorker } from '../../examples/sweep/queue/job-worker.js';
import { connectRedis } from '../../examples/sweep/queue/redis.js';
import packageJson from '../../package.json' with { type: 'json' };
import { cellId, type Cell } from '../grid.js';
import type { Trajectory } from '../trajectories.js';
import { startTrainer, train } from './run-grid.js';

const QUEUE = `study-${packageJson.version}`;
/** After so many seconds without a sign of life, the training of a machine is given to another. */
const LEASE_SECONDS = 30;

/**
 * Trains all cells together with every other machine that does the same. Each machine is given all trajectories.
 *
 * @param processes how many cells this machine trains at a time, each in its own process.
 * @param redis the address of the queue.
 * @param record called with each trajectory, once.
 * @throws Error that names the cells that have failed, once all others have ended.
 */
export async function runOnQueue(
  cells: readonly Cell[],
  processes: number,
  redis: string,
  record: (trajectory: Trajectory) => void,
): Promise<void> {
  const connection = await connectRedis(redis);
  const queue = new JobQueue<Cell, Trajectory>(QUEUE, connection);
  const trainers = new Trainers();
  const jobs = cells.map((cell) => ({ id: cellId(cell), data: cell }));
  const failures: string[] = [];
  try {
    await queue.add(jobs);
    const worker = new JobWorker<Cell, Trajectory>({
      name: QUEUE,
      redis: connection,
      leaseSeconds: LEASE_SECONDS,
      concurrency: processes,
      run: ({ data }) => trainers.train(data),
    });
    for await (const ended of queue.ended(jobs)) {
      if ('failure' in ended) failures.push(`${ended.id}: ${ended.failure}`);
      else record(ended.result);
    }
    await worker.stop();
  } finally {
    trainers.stop();
    await queue.close();
    connection.disconnect();
  }
  if (failures.length > 0) throw new Error(failures.join('\n'));
}

/** The training processes of this machine. A training lets no timer run, so it can't be in the process of the queue. */
class Trainers {
  readonly #idle: ChildProcess[] = [];

  async train(cell: Cell): Promise<Trajectory> {
    const trainer = this.#idle.pop() ?? startTrainer();
    try {
      const trajectory = await train(trainer, cell);
      this.#idle.push(trainer);
      return trajectory;
    } catch (error) {
      trainer.kill();
      throw error;
    }
  }

  /** Ends those that train nothing. */
  stop(): void {
    for (const trainer of this.#idle) trainer.kill();
  }
}
