import { setTimeout as delay } from 'node:timers/promises';
import { Queue, type Job } from 'bullmq';
import type { Redis } from 'ioredis';
import { differenceOf } from './difference.js';

/** A job before it's in the queue. */
export interface NewJob<Data> {
  /** The same job has the same name wherever it's added: it's in the queue once. Without colons, and no number. */
  readonly id: string;
  /** JSON data. */
  readonly data: Data;
}

/** A job that has ended: when, by the clock of its worker, with what it returned or why it failed. */
export type EndedJob<Result> = { readonly id: string; readonly endedAtMs: number } & (
  { readonly result: Result } | { readonly failure: string }
);

/** How many jobs are where. */
export interface JobCounts {
  readonly active: number;
  /** Those that wait for a worker, and those that are tried again in a while. */
  readonly waiting: number;
}

/** How often the queue is asked which jobs have ended. */
const POLL_MS = 500;
/** After an error that may pass, such as a store that doesn't answer. */
const ATTEMPTS = 5;
const FIRST_RETRY_MS = 1000;
/** Whoever runs the same command on another machine learns of what has ended lately. */
const KEEP_SECONDS = 7 * 24 * 3600;

/** The producer's end of a queue. Any number of producers may add the same jobs. */
export class JobQueue<Data extends object, Result> {
  readonly #queue: Queue<unknown, unknown>;
  readonly #redis: Redis;

  /** @param redis stays the caller's. */
  constructor(name: string, redis: Redis) {
    this.#redis = redis;
    this.#queue = new Queue<unknown, unknown>(name, { connection: redis });
    // Outages are announced once, by `connectRedis`.
    this.#queue.on('error', () => undefined);
  }

  /**
   * Adds the jobs that aren't there. Those that have failed are tried again.
   *
   * @throws Error if the queue has a job of the same name with other data. Nothing is changed then.
   */
  async add(jobs: readonly NewJob<Data>[]): Promise<void> {
    const found = await Promise.all(jobs.map(({ id }) => this.#find(id)));
    const differences = jobs.flatMap(({ id, data }, i) => {
      const difference = found[i] === undefined ? null : differenceOf(found[i].data, data);
      return difference === null ? [] : [`${id}: ${difference}`];
    });
    if (differences[0] !== undefined) throw otherSettings(differences[0], differences.length);
    await this.#addMissing(jobs);
    await Promise.all(found.map(retryIfFailed));
  }

  /**
   * Yields each job once, when it has ended. Jobs that a server has lost, because it was started anew without what it had
   * in memory, are added again.
   *
   * @param onPoll called now and then.
   */
  async *ended(
    jobs: readonly NewJob<Data>[],
    onPoll: (counts: JobCounts) => void = () => undefined,
  ): AsyncGenerator<EndedJob<Result>> {
    const pending = new Map(jobs.map((job) => [job.id, job]));
    for (;;) {
      for (const state of ['completed', 'failed'] as const) {
        for (const id of await this.#queue.getRanges([state], 0, -1)) {
          const job = pending.has(id) ? await this.#find(id) : undefined;
          // A failed one may be tried again by now.
          if (job?.finishedOn === undefined) continue;
          pending.delete(id);
          const ended = { id, endedAtMs: job.finishedOn };
          // One that was complete at last may have failed before.
          yield state === 'failed'
            ? { ...ended, failure: job.failedReason }
            : { ...ended, result: job.returnvalue as Result };
        }
      }
      onPoll(await this.#counts());
      if (pending.size === 0) return;
      const keys = [...pending.keys()].map((id) => this.#queue.toKey(id));
      if ((await this.#redis.exists(...keys)) < keys.length) await this.#addMissing([...pending.values()]);
      await delay(POLL_MS);
    }
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }

  #find(id: string): Promise<Job<unknown, unknown> | undefined> {
    return this.#queue.getJob(id);
  }

  async #counts(): Promise<JobCounts> {
    const counts = await this.#queue.getJobCounts('active', 'wait', 'delayed', 'prioritized');
    const { active = 0, ...others } = counts;
    return { active, waiting: Object.values(others).reduce((sum, count) => sum + count, 0) };
  }

  /** BullMQ ignores a job whose name is in the queue. */
  async #addMissing(jobs: readonly NewJob<Data>[]): Promise<void> {
    const options = {
      attempts: ATTEMPTS,
      backoff: { type: 'exponential', delay: FIRST_RETRY_MS },
      removeOnComplete: { age: KEEP_SECONDS },
    };
    await this.#queue.addBulk(
      jobs.map(({ id, data }) => ({ name: 'job', data, opts: { ...options, jobId: id } })),
    );
  }
}

async function retryIfFailed(job: Job | undefined): Promise<void> {
  if (job === undefined || !(await job.isFailed())) return;
  // Another producer may be faster.
  await job.retry('failed', { resetAttemptsMade: true }).catch(() => undefined);
}

function otherSettings(example: string, count: number): Error {
  return new Error(
    `The queue has ${count === 1 ? 'a job' : `${count} jobs`} of the same name with other settings. ${example}. Nothing was ` +
      'changed. Use the same settings and the same version of the code, or another `--store`.',
  );
}
