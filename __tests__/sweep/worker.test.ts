import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { useBackend } from '../../examples/noisy-mnist/backend.js';
import { JobQueue, type EndedJob } from '../../examples/sweep/queue/job-queue.js';
import { JobStopped } from '../../examples/sweep/queue/job-worker.js';
import { runTraining, type TrainingEvent } from '../../examples/sweep/run-training.js';
import { idOf, queueOf, type TrainingSettings } from '../../examples/sweep/settings.js';
import { openStore } from '../../examples/sweep/sweep-store.js';
import { eventually } from '../support/until.js';
import { indexOf } from './support/clean-up.js';
import { BUCKET } from './support/s3-server.js';
import {
  jobsOf,
  LEASE_SECONDS,
  smallTrainings,
  undisturbedResults,
  workerArgs,
} from './support/small-sweep.js';
import { startSweep, type SweepServers } from './support/start-sweep.js';

let servers: SweepServers;

beforeAll(async () => {
  servers = await startSweep();
  await useBackend('cpu');
});

afterAll(() => servers.stop());

const queueFor = (store: string): JobQueue<TrainingSettings, null> =>
  new JobQueue(queueOf(store), servers.redis);

async function settle(
  queue: JobQueue<TrainingSettings, null>,
  trainings: readonly TrainingSettings[],
): Promise<EndedJob<null>[]> {
  const ended: EndedJob<null>[] = [];
  for await (const job of queue.ended(jobsOf(trainings))) ended.push(job);
  return ended;
}

async function expectUndisturbed(store: string, trainings: readonly TrainingSettings[]): Promise<void> {
  const sweepStore = await openStore(store, LEASE_SECONDS);
  for (const [id, text] of await undisturbedResults(trainings)) {
    expect(await sweepStore.readResult(id)).toBe(text);
  }
}

test('a worker that gets SIGTERM stores its epoch and ends, and the next one continues from there', async () => {
  const store = `s3://${BUCKET}/terminated`;
  const trainings = smallTrainings({ epochs: 60 });
  const queue = queueFor(store);
  await queue.add(jobsOf(trainings));
  const first = servers.program.start(workerArgs(servers.redisServer.url, store));
  await eventually(() => first.events.some((event) => 'trained' in event && event.epoch === 2));
  expect(await first.end('SIGTERM')).toEqual({ code: 0, stderr: '' });
  const lastEvent = first.events.at(-1) as { epoch: number };
  expect(lastEvent.epoch).toBeLessThan(59);

  const second = servers.program.start(workerArgs(servers.redisServer.url, store));
  expect(await settle(queue, trainings)).toMatchObject([{ result: null }]);
  // Everything that the first one has trained.
  expect(second.events[0]).toEqual({ began: idOf(trainings[0]!), initialEpoch: lastEvent.epoch + 1 });
  await second.end('SIGTERM');
  await queue.close();
  await expectUndisturbed(store, trainings);
});

test('a training whose workers are killed again and again is not given up', async () => {
  const store = `s3://${BUCKET}/unlucky`;
  const trainings = smallTrainings();
  const queue = queueFor(store);
  await queue.add(jobsOf(trainings));
  for (let kills = 0; kills < 3; kills++) {
    const worker = servers.program.start(workerArgs(servers.redisServer.url, store));
    await eventually(() => worker.events.length > 0);
    await worker.end('SIGKILL');
  }
  const last = servers.program.start(workerArgs(servers.redisServer.url, store));
  expect(await settle(queue, trainings)).toMatchObject([{ result: null }]);
  await last.end('SIGTERM');
  await queue.close();
  await expectUndisturbed(store, trainings);
});

test('while Redis is gone, trainings continue and store their results; once it is back, empty, all jobs end', async () => {
  const store = `s3://${BUCKET}/outage`;
  const trainings = smallTrainings({ seeds: [1, 2, 3, 4, 5] });
  const queue = queueFor(store);
  await queue.add(jobsOf(trainings));
  const events: TrainingEvent[] = [];
  const onEvent = (event: TrainingEvent): void => {
    events.push(event);
  };
  const workers = [1, 2].map(() =>
    servers.program.start(workerArgs(servers.redisServer.url, store), onEvent),
  );
  const stored = (): number => events.filter((event) => 'stored' in event).length;
  await eventually(() => events.some((event) => 'trained' in event));
  await servers.redisServer.kill();
  const storedBefore = stored();
  await eventually(() => stored() > storedBefore);
  await servers.redisServer.restart();

  const ended = await settle(queue, trainings);
  expect(ended.map((job) => ('result' in job ? job.id : job.failure)).sort()).toEqual(
    trainings.map(idOf).sort(),
  );
  expect(stored()).toBe(5);
  for (const worker of workers) expect(await worker.end('SIGTERM')).toMatchObject({ code: 0 });
  await queue.close();
  await expectUndisturbed(store, trainings);
});

test('a job whose checkpoint has other settings stays in the queue with the reason, and overwrites nothing', async () => {
  const store = `s3://${BUCKET}/mismatch`;
  const trainings = smallTrainings({ seeds: [1, 2] });
  const [one] = trainings as [TrainingSettings];
  const sweepStore = await openStore(store, LEASE_SECONDS);
  const before = runTraining(
    { id: idOf(one), data: { ...one, learningRate: 0.01 }, signal: AbortSignal.abort() },
    { store: sweepStore, leaseSeconds: LEASE_SECONDS },
  );
  await expect(before).rejects.toBeInstanceOf(JobStopped);
  await eventually(async () => (await indexOf(servers.s3, `mismatch/${idOf(one)}`)).owner === null);
  const contents = await servers.s3.list(`mismatch/${idOf(one)}/`);
  expect(contents.size).toBeGreaterThan(3);

  const queue = queueFor(store);
  await queue.add(jobsOf(trainings));
  const worker = servers.program.start(workerArgs(servers.redisServer.url, store));
  const ended = await settle(queue, trainings);
  await worker.end('SIGTERM');
  const failures = ended.flatMap((job) => ('failure' in job ? [job] : []));
  expect(failures).toMatchObject([{ id: idOf(one) }]);
  expect(failures[0]!.failure).toContain('learningRate is 0.01 instead of 0.005');
  expect(await servers.s3.list(`mismatch/${idOf(one)}/`)).toEqual(contents);
  // It's still there for whoever asks.
  expect((await settle(queue, [one]))[0]).toMatchObject(failures[0]!);
  await queue.close();
});
