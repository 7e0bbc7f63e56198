import { Presets, SingleBar } from 'cli-progress';
import type { Flags } from './flags.js';
import { JobQueue, type JobCounts, type NewJob } from './queue/job-queue.js';
import { connectRedis } from './queue/redis.js';
import { readResults, resultTables, writeReports } from './results.js';
import { idOf, queueOf, trainingsOf, type TrainingSettings } from './settings.js';
import { INTERRUPTED, onStopRequest } from './stop-request.js';
import { openStore } from './sweep-store.js';
import { WorkerProcesses } from './worker-processes.js';

/**
 * Runs the sweep. A failure exits with status 1.
 *
 * @param args the command line of `flags`, for the worker processes.
 */
export async function run(flags: Flags, args: readonly string[]): Promise<void> {
  try {
    if (flags.measure) await (await import('./measure.js')).measure(flags, args);
    else await sweep(flags, args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

async function sweep(flags: Flags, args: readonly string[]): Promise<void> {
  const trainings = trainingsOf(flags);
  const jobs = trainings.map((data) => ({ id: idOf(data), data }));
  const store = await openStore(flags.store, flags.leaseSeconds);
  await store.check();
  const redis = await connectRedis(flags.redis);
  const queue = new JobQueue<TrainingSettings, void>(queueOf(flags.store), redis);
  try {
    await queue.add(jobs);
    console.log(`${jobs.length} trainings, ${flags.workers} at a time on this machine.`);
    const workers = new WorkerProcesses(flags.workers, args);
    stopOnRequest(workers);
    try {
      await Promise.race([watch(queue, jobs), workers.ended.then(noWorkers)]);
    } finally {
      await workers.stop();
    }
  } finally {
    await queue.close();
    redis.disconnect();
  }
  const { results, failures } = await readResults(store, trainings);
  if (results.length > 0) console.log(resultTables(results));
  for (const file of await writeReports(results, flags.report)) console.log(`Open ${file} to compare them.`);
  if (failures.length > 0) throw new Error(failures.join('\n'));
}

/** Shows how far the trainings are, until all have ended. */
async function watch(
  queue: JobQueue<TrainingSettings, void>,
  jobs: readonly NewJob<TrainingSettings>[],
): Promise<void> {
  const format = 'Training {bar} {value} of {total} | {active} running, {waiting} waiting | {failed} failed';
  const bar = new SingleBar({ format, noTTYOutput: true, notTTYSchedule: 5000 }, Presets.shades_classic);
  bar.start(jobs.length, 0, { active: 0, waiting: jobs.length, failed: 0 });
  const failures: string[] = [];
  const onPoll = ({ active, waiting }: JobCounts): void => {
    bar.update({ active, waiting, failed: failures.length });
  };
  for await (const ended of queue.ended(jobs, onPoll)) {
    bar.increment();
    if ('failure' in ended) failures.push(`${ended.id} failed: ${ended.failure}`);
  }
  bar.stop();
  for (const failure of failures) console.error(failure);
}

function noWorkers(): never {
  throw new Error(
    'No worker is left on this machine. Its trainings are in the queue: run the same command again.',
  );
}

function stopOnRequest(workers: WorkerProcesses): void {
  onStopRequest(() => {
    console.error('\nThe trainings end with their epoch. Run the same command again to continue.');
    void workers.stop().then(() => process.exit(INTERRUPTED));
  });
}
