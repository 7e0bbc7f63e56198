import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import { JobQueue, type EndedJob } from '../../examples/sweep/queue/job-queue.js';
import {
  JobPostponed,
  JobRefused,
  JobStopped,
  JobWorker,
  type RunningJob,
} from '../../examples/sweep/queue/job-worker.js';
import { connectRedis } from '../../examples/sweep/queue/redis.js';
import { RedisServer } from './support/redis-server.js';
import { freePort } from '../support/server-process.js';

interface Data {
  readonly value: number;
}

const LEASE_SECONDS = 3;
let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await RedisServer.start();
  redis = await connectRedis(server.url);
});

afterAll(async () => {
  redis.disconnect();
  await server.kill();
});

function startWorker(name: string, run: (job: RunningJob<Data>) => Promise<number>): JobWorker<Data, number> {
  return new JobWorker({ name, redis, leaseSeconds: LEASE_SECONDS, run });
}

/** Adds the jobs, and collects what becomes of them. */
async function settle(queue: JobQueue<Data, number>, values: readonly number[]): Promise<object[]> {
  const jobs = values.map((value) => ({ id: `job-${value}`, data: { value } }));
  await queue.add(jobs);
  const ended: object[] = [];
  for await (const { endedAtMs: _, ...job } of queue.ended(jobs) as AsyncGenerator<
    EndedJob<number> & { endedAtMs: number }
  >) {
    ended.push(job);
  }
  return ended.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
}

test('a job that is added twice is done once', async () => {
  const queue = new JobQueue<Data, number>('twice', redis);
  const runs: number[] = [];
  await queue.add([{ id: 'job-1', data: { value: 1 } }]);
  const worker = startWorker('twice', ({ data }) => {
    runs.push(data.value);
    return Promise.resolve(10 * data.value);
  });
  const expected = [
    { id: 'job-1', result: 10 },
    { id: 'job-2', result: 20 },
  ];
  expect(await settle(queue, [1, 2])).toEqual(expected);
  expect(await settle(queue, [1, 2])).toEqual(expected);
  expect(runs.sort()).toEqual([1, 2]);
  await worker.stop();
  await queue.close();
});

test('a job with other data is refused with the difference, and stays as it was', async () => {
  const queue = new JobQueue<Data, number>('other-data', redis);
  await queue.add([{ id: 'job-1', data: { value: 1 } }]);
  const others = [
    { id: 'job-1', data: { value: 3 } },
    { id: 'job-4', data: { value: 4 } },
  ];
  await expect(queue.add(others)).rejects.toThrow('job-1: value is 1 instead of 3');
  const seen: number[] = [];
  const worker = startWorker('other-data', ({ data }) => {
    seen.push(data.value);
    return Promise.resolve(0);
  });
  expect(await settle(queue, [1])).toEqual([{ id: 'job-1', result: 0 }]);
  await worker.stop();
  await queue.close();
  expect(seen).toEqual([1]);
});

test('a job that is refused fails at once with its reason, and is tried again when it is added again', async () => {
  const queue = new JobQueue<Data, number>('refused', redis);
  let runs = 0;
  const worker = startWorker('refused', () => {
    runs++;
    return Promise.reject(new JobRefused('other settings'));
  });
  expect(await settle(queue, [1])).toEqual([{ id: 'job-1', failure: 'other settings' }]);
  expect(runs).toBe(1);
  await worker.stop();
  const better = startWorker('refused', () => Promise.resolve(7));
  expect(await settle(queue, [1])).toEqual([{ id: 'job-1', result: 7 }]);
  await better.stop();
  await queue.close();
});

test('a job that is postponed is tried more often than one that fails', async () => {
  const queue = new JobQueue<Data, number>('postponed', redis);
  let runs = 0;
  const worker = startWorker('postponed', () => {
    if (++runs <= 12) return Promise.reject(new JobPostponed('held', 10));
    return Promise.resolve(runs);
  });
  expect(await settle(queue, [1])).toEqual([{ id: 'job-1', result: 13 }]);
  await worker.stop();
  await queue.close();
});

test('a job that fails is tried again', async () => {
  const queue = new JobQueue<Data, number>('fails-once', redis);
  let runs = 0;
  const worker = startWorker('fails-once', () =>
    ++runs === 1 ? Promise.reject(new Error('no answer')) : Promise.resolve(runs),
  );
  expect(await settle(queue, [1])).toEqual([{ id: 'job-1', result: 2 }]);
  await worker.stop();
  await queue.close();
});

test('a worker that stops gives its job to the next', async () => {
  const queue = new JobQueue<Data, number>('stopped', redis);
  await queue.add([{ id: 'job-1', data: { value: 1 } }]);
  const running = new Promise<JobWorker<Data, number>>((resolve) => {
    const worker: JobWorker<Data, number> = startWorker('stopped', ({ signal }) => {
      setImmediate(() => {
        resolve(worker);
      });
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reject(new JobStopped());
        });
      });
    });
  });
  await (await running).stop();
  const next = startWorker('stopped', () => Promise.resolve(5));
  expect(await settle(queue, [1])).toEqual([{ id: 'job-1', result: 5 }]);
  await next.stop();
  await queue.close();
});

test('Redis that is gone and comes back without its memory loses no job', async () => {
  const own = await RedisServer.start();
  const connection = await connectRedis(own.url);
  const queue = new JobQueue<Data, number>('outage', connection);
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let setBegun: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (setBegun = resolve));
  const worker = new JobWorker<Data, number>({
    name: 'outage',
    redis: connection,
    leaseSeconds: LEASE_SECONDS,
    run: async ({ data }) => {
      setBegun();
      await released;
      return data.value;
    },
  });
  const settled = settle(queue, [1, 2, 3]);
  await begun;
  await own.kill();
  release();
  await own.restart();
  expect(await settled).toEqual([1, 2, 3].map((value) => ({ id: `job-${value}`, result: value })));
  await worker.stop();
  await queue.close();
  connection.disconnect();
  await own.kill();
});

test('an address where nothing listens is named, without its password', async () => {
  const port = await freePort();
  const connected = connectRedis(`redis://:secret@127.0.0.1:${port}`);
  await expect(connected).rejects.toThrow(
    `Expected Redis at redis://127.0.0.1:${port}, got: connect ECONNREFUSED`,
  );
});

test('a server that says nothing is given up', async () => {
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  await expect(connectRedis(`redis://127.0.0.1:${port}`)).rejects.toThrow('no answer within 5 seconds');
  silent.close();
});
