/** A process that takes trainings from the queue until it's told to end. It has the command line of `main.ts`. */
import { useBackend } from '../noisy-mnist/backend.js';
import { parseFlags } from './flags.js';
import { JobWorker } from './queue/job-worker.js';
import { connectRedis } from './queue/redis.js';
import { runTraining, type TrainingEvent } from './run-training.js';
import { queueOf, type TrainingSettings } from './settings.js';
import { onStopRequest } from './stop-request.js';
import { openStore } from './sweep-store.js';

const { redis: url, store: storeName, leaseSeconds, backend } = parseFlags(process.argv.slice(2));
const store = await openStore(storeName, leaseSeconds);
const redis = await connectRedis(url);
await useBackend(backend);
const onEvent = (event: TrainingEvent): void => {
  if (process.connected) process.send?.(event);
};
const worker = new JobWorker<TrainingSettings, void>({
  name: queueOf(storeName),
  redis,
  leaseSeconds,
  run: (job) => runTraining(job, { store, leaseSeconds, onEvent }),
});

onStopRequest(() => {
  void worker.stop().then(() => {
    redis.disconnect();
    // Everything else ends by itself, such as releasing the lease of a checkpoint.
    if (process.connected) process.disconnect();
  });
});
