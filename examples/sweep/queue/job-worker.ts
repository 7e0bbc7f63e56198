import { DelayedError, UnrecoverableError, WaitingError, Worker, type Job } from 'bullmq';
import type { Redis } from 'ioredis';

/** A job as it's given to the code that does it. */
export interface RunningJob<Data> {
  readonly id: string;
  readonly data: Data;
  /** Aborted when this process is to end: throw `JobStopped` soon. */
  readonly signal: AbortSignal;
}

/** Thrown where a job can't be done now: it's tried again after a while, however often. */
export class JobPostponed extends Error {
  readonly delayMs: number;

  constructor(message: string, delayMs: number) {
    super(message);
    this.delayMs = delayMs;
  }
}

/** Thrown by a job that ends before it's done, because of its `signal`: it goes back to the queue. */
export class JobStopped extends Error {}

/** Thrown where trying again can't help: the job stays in the queue as failed, with this reason. */
export class JobRefused extends Error {}

export interface JobWorkerOptions<Data, Result> {
  /** Of the queue. */
  readonly name: string;
  /** Stays the caller's. */
  readonly redis: Redis;
  /** A job that isn't heard of for so long is given to another worker. The code must let timers run in that time. */
  readonly leaseSeconds: number;
  /** How many jobs run at the same time. */
  readonly concurrency?: number;
  readonly run: (job: RunningJob<Data>) => Promise<Result>;
}

/** How long this process tries to give its jobs back while Redis is gone. If it can't, the others notice its end. */
const MAX_STOP_MS = 10_000;
const RETRY_MS = 1000;

/** Takes jobs from a queue, and does them. */
export class JobWorker<Data, Result> {
  readonly #worker: Worker<Data, Result>;
  readonly #stop = new AbortController();
  /** What does the jobs that are under way. */
  readonly #running = new Set<Promise<unknown>>();

  constructor({ name, redis, leaseSeconds, concurrency = 1, run }: JobWorkerOptions<Data, Result>) {
    const lockMs = leaseSeconds * 1000;
    this.#worker = new Worker<Data, Result>(name, (job, token) => this.#run(job, token, run), {
      connection: redis,
      concurrency,
      lockDuration: lockMs,
      stalledInterval: lockMs / 2,
      // Machines may be taken away any number of times.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      runRetryDelay: RETRY_MS,
      drainDelay: 1,
    });
    this.#worker.on('error', (error: Error & { code?: unknown }) => {
      // Outages are announced once, by `connectRedis`.
      if (error.code === undefined && error.message !== 'Connection is closed.') console.error(error.message);
    });
  }

  /** Resolves when it takes jobs. */
  async ready(): Promise<void> {
    await this.#worker.waitUntilReady();
  }

  /** Takes no more jobs. Those that run are told, and released. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#running);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tooLong = new Promise((resolve) => {
      timer = setTimeout(resolve, MAX_STOP_MS);
    });
    await Promise.race([this.#worker.close(), tooLong]);
    clearTimeout(timer);
  }

  async #run(
    job: Job<Data, Result>,
    token: string | undefined,
    run: JobWorkerOptions<Data, Result>['run'],
  ): Promise<Result> {
    const { signal } = this.#stop;
    const running = run({ id: job.id!, data: job.data, signal });
    this.#running.add(running);
    try {
      return await running;
    } catch (error) {
      if (error instanceof JobStopped) {
        await job.moveToWait(token);
        throw new WaitingError();
      }
      if (error instanceof JobPostponed) {
        await job.moveToDelayed(Date.now() + error.delayMs, token);
        throw new DelayedError();
      }
      if (error instanceof JobRefused) throw new UnrecoverableError(error.message);
      throw error;
    } finally {
      this.#running.delete(running);
    }
  }
}
