import { afterAll, beforeAll, expect, test } from '@jest/globals';
import seedrandom from 'seedrandom';
import { useBackend } from '../../examples/noisy-mnist/backend.js';
import { JobQueue } from '../../examples/sweep/queue/job-queue.js';
import type { TrainingEvent } from '../../examples/sweep/run-training.js';
import { queueOf, type TrainingSettings } from '../../examples/sweep/settings.js';
import { openStore } from '../../examples/sweep/sweep-store.js';
import { cleanUp, orphansIn } from './support/clean-up.js';
import { BUCKET } from './support/s3-server.js';
import {
  jobsOf,
  LEASE_SECONDS,
  smallTrainings,
  undisturbedResults,
  workerArgs,
} from './support/small-sweep.js';
import { type WorkerProcess } from './support/worker-program.js';
import { startSweep, type SweepServers } from './support/start-sweep.js';

const STORE = `s3://${BUCKET}/killed`;
const WORKERS = 3;
const KILLS = 20;
/** A worker is killed after so many epochs, of one training or of several … */
const MAX_EPOCHS = 8;
/** … and within so many milliseconds: while it trains, saves, stores a result or fetches the next job. */
const KILL_WINDOW_MS = 400;

let servers: SweepServers;

beforeAll(async () => {
  servers = await startSweep();
});

afterAll(() => servers.stop());

/** Workers that are killed, and replaced, until there were enough kills. */
class DoomedWorkers {
  readonly events: TrainingEvent[] = [];
  kills = 0;
  readonly #random = seedrandom('kills');
  readonly #workers = new Set<WorkerProcess>();
  #planned = 0;

  start(): void {
    const isDoomed = this.#planned < KILLS;
    let epochsLeft = Math.floor(this.#random() * (MAX_EPOCHS + 1));
    const delayMs = this.#random() * KILL_WINDOW_MS;
    if (isDoomed) this.#planned++;
    const worker: WorkerProcess = servers.program.start(
      workerArgs(servers.redisServer.url, STORE),
      (event) => {
        this.events.push(event);
        if ('stored' in event || epochsLeft-- !== 0 || !isDoomed) return;
        setTimeout(() => void this.#kill(worker), delayMs);
      },
    );
    this.#workers.add(worker);
  }

  async #kill(worker: WorkerProcess): Promise<void> {
    this.#workers.delete(worker);
    const { code, stderr } = await worker.end('SIGKILL');
    // One that had ended by itself would have a status.
    if (code === null) this.kills++;
    else throw new Error(`A worker has ended with status ${code}: ${stderr}`);
    this.start();
  }

  async stop(): Promise<void> {
    for (const worker of this.#workers) {
      const { code, stderr } = await worker.end('SIGTERM');
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    }
  }
}

test('40 trainings with 3 workers and 20 kills: each result is that of an undisturbed run, once, and nothing is left over', async () => {
  const trainings = smallTrainings({
    noise: ['none', 'symmetric-40'],
    seeds: [1, 2, 3, 4, 5],
    monitors: ['val_acc', 'val_loss', 'consensus', 'entropy'],
  });
  const jobs = jobsOf(trainings);
  const ids = jobs.map(({ id }) => id).sort();
  expect(new Set(ids).size).toBe(40);

  const queue = new JobQueue<TrainingSettings, null>(queueOf(STORE), servers.redis);
  await queue.add(jobs);
  // A second producer, with the same trainings.
  await queue.add(jobs);
  const workers = new DoomedWorkers();
  for (let i = 0; i < WORKERS; i++) workers.start();
  const ended: string[] = [];
  for await (const job of queue.ended(jobs)) {
    expect(job).toMatchObject({ result: null });
    ended.push(job.id);
  }
  await workers.stop();
  await queue.close();

  expect(workers.kills).toBe(KILLS);
  expect(ended.sort()).toEqual(ids);
  const wentOn = workers.events.filter((event) => 'began' in event && event.initialEpoch > 0);
  expect(wentOn.length).toBeGreaterThan(0);
  const stored = workers.events.flatMap((event) => ('stored' in event ? [event.stored] : []));
  expect(new Set(stored).size).toBe(stored.length);

  const store = await openStore(STORE, LEASE_SECONDS);
  await useBackend('cpu');
  const expected = await undisturbedResults(trainings);
  for (const id of ids) expect(await store.readResult(id)).toBe(expected.get(id));

  await cleanUp(servers.s3, 'killed', ids);
  expect(await orphansIn(servers.s3, 'killed', ids)).toEqual([]);
});
