import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { median } from '../../benchmarks/statistics.js';
import { shortPercent } from '../noisy-mnist/number-format.js';
import { textTable } from '../noisy-mnist/text-table.js';
import type { Flags } from './flags.js';
import { JobQueue } from './queue/job-queue.js';
import { connectRedis } from './queue/redis.js';
import { idOf, queueOf, trainingsOf, type TrainingSettings } from './settings.js';
import { openStore } from './sweep-store.js';

/** To train these alone; to take jobs from the queue; to take no more. */
export type MeasureOrder = readonly TrainingSettings[] | 'work' | 'rest';

const PROGRAM = fileURLToPath(new URL('measure-worker.ts', import.meta.url));
const WORKERS = [1, 2, 4, 8];
const ROUNDS = 3;
/** How many trainings each worker has in a round. */
const TRAININGS = 2;

/** Seconds from the first to the last training of a round. */
interface Times {
  readonly alone: number[];
  readonly queued: number[];
}

/**
 * Measures which share of the time queue and store take. In turn, the same processes do as many trainings alone, with the
 * checkpoint in memory, and from the queue, with the checkpoint in the store.
 */
export async function measure(flags: Flags, args: readonly string[]): Promise<void> {
  const storeName = `${flags.store.replace(/\/$/, '')}/measure-${Date.now()}`;
  const store = await openStore(storeName, flags.leaseSeconds);
  await store.check();
  const redis = await connectRedis(flags.redis);
  const queue = new JobQueue<TrainingSettings, void>(queueOf(storeName), redis);
  const first = trainingsOf(flags)[0]!;
  // The last flag of a name counts.
  const children = startChildren(Math.max(...WORKERS), [...args, '--store', storeName]);
  try {
    await Promise.all(children.map(answer));
    let seed = 0;
    const draw = (count: number): TrainingSettings[] =>
      Array.from({ length: count }, () => ({ ...first, seed: seed++ }));
    // The first trainings of a process are slower.
    await Promise.all(children.map((child) => obey(child, draw(1))));
    const times = new Map(WORKERS.map((workers): [number, Times] => [workers, { alone: [], queued: [] }]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [workers, { alone, queued }] of times) {
        const some = children.slice(0, workers);
        const trainings = draw(workers * TRAININGS);
        const ways = [
          async () => alone.push(await timeAlone(some, trainings)),
          async () => queued.push(await timeQueued(some, trainings, queue)),
        ];
        // Each way is the first in every second round.
        for (const way of round % 2 === 0 ? ways : ways.reverse()) await way();
      }
      console.error(`Round ${round + 1} of ${ROUNDS}`);
    }
    console.log(tableOf(times, first));
    console.log(`What was stored in ${store.name} is of no more use.`);
  } finally {
    for (const child of children) child.kill();
    await queue.close();
    redis.disconnect();
  }
}

function startChildren(count: number, args: readonly string[]): ChildProcess[] {
  return Array.from({ length: count }, () => fork(PROGRAM, args, { execArgv: process.execArgv }));
}

/** Resolves when a process has done what it was told. */
async function answer(child: ChildProcess): Promise<void> {
  const waiting = new AbortController();
  const { signal } = waiting;
  const exit = once(child, 'exit', { signal }).then(() => {
    throw new Error('A process of the measurement has ended.');
  });
  try {
    await Promise.race([once(child, 'message', { signal }), exit]);
  } finally {
    exit.catch(() => undefined);
    waiting.abort();
  }
}

async function obey(child: ChildProcess, order: MeasureOrder): Promise<void> {
  const done = answer(child);
  child.send(order);
  await done;
}

async function timeAlone(
  children: readonly ChildProcess[],
  trainings: readonly TrainingSettings[],
): Promise<number> {
  const startMs = performance.now();
  await Promise.all(
    children.map((child, i) => obey(child, trainings.slice(i * TRAININGS, (i + 1) * TRAININGS))),
  );
  return (performance.now() - startMs) / 1000;
}

async function timeQueued(
  children: readonly ChildProcess[],
  trainings: readonly TrainingSettings[],
  queue: JobQueue<TrainingSettings, void>,
): Promise<number> {
  await Promise.all(children.map((child) => obey(child, 'work')));
  const jobs = trainings.map((data) => ({ id: idOf(data), data }));
  const startMs = Date.now();
  await queue.add(jobs);
  let endMs = startMs;
  for await (const ended of queue.ended(jobs)) {
    if ('failure' in ended) throw new Error(ended.failure);
    // By the worker's clock, which is this machine's: the queue is asked only now and then.
    endMs = Math.max(endMs, ended.endedAtMs);
  }
  await Promise.all(children.map((child) => obey(child, 'rest')));
  return (endMs - startMs) / 1000;
}

function tableOf(times: ReadonlyMap<number, Times>, { data, rows, epochs }: TrainingSettings): string {
  const table = [...times].map(([workers, { alone, queued }]) => {
    const shares = queued.map((seconds, i) => 1 - alone[i]! / seconds);
    const perTraining = (seconds: readonly number[]): string =>
      (median(seconds) / (workers * TRAININGS)).toFixed(2);
    return [
      String(workers),
      perTraining(alone),
      perTraining(queued),
      shortPercent(median(shares)),
      `${shortPercent(Math.min(...shares))} … ${shortPercent(Math.max(...shares))}`,
    ];
  });
  const head = [
    'workers',
    'seconds a training,\nalone',
    'with queue\nand store',
    'their share\n(median)',
    'of all rounds',
  ];
  return [
    `${data}, ${rows} rows, ${epochs} epochs, a save in each; ${ROUNDS} rounds of ${TRAININGS} trainings a worker`,
    textTable(
      head,
      table,
      head.map(() => 'right'),
    ),
  ].join('\n');
}
