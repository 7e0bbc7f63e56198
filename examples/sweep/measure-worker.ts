/** A process that trains as it's told: alone, or from the queue. It has the command line of `main.ts`, and the store. */
import { useBackend } from '../noisy-mnist/backend.js';
import { parseFlags } from './flags.js';
import type { MeasureOrder } from './measure.js';
import { JobWorker } from './queue/job-worker.js';
import { connectRedis } from './queue/redis.js';
import { runTraining } from './run-training.js';
import { queueOf, type TrainingSettings } from './settings.js';
import { openStore } from './sweep-store.js';
import { train } from './training.js';

const { redis: url, store: storeName, leaseSeconds, backend } = parseFlags(process.argv.slice(2));
const store = await openStore(storeName, leaseSeconds);
const redis = await connectRedis(url);
await useBackend(backend);
let worker: JobWorker<TrainingSettings, void> | null = null;

async function follow(order: MeasureOrder): Promise<void> {
  if (order === 'work') {
    worker = new JobWorker({
      name: queueOf(storeName),
      redis,
      leaseSeconds,
      run: (job) => runTraining(job, { store, leaseSeconds }),
    });
    await worker.ready();
  } else if (order === 'rest') {
    await worker?.stop();
  } else {
    for (const settings of order) await train(settings, { filepath: null });
  }
  process.send?.('done');
}

process.on('message', (order: MeasureOrder) => void follow(order));
process.send?.('done');
