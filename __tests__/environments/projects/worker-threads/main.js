// Trains in several threads at once: each into its own folder, and two into one.
import { Worker } from 'node:worker_threads';
import { trainSideBySide } from './train-side-by-side.js';

await trainSideBySide({
  start: (filepath, waits) =>
    new Worker(new URL('train.js', import.meta.url), { workerData: { filepath, waits } }),
  tell: (worker) => worker.postMessage('end'),
  failure: 'error',
  refusal: /another training, in this process/,
});

const what = 'two threads, each with its folder; the second of two in one folder is refused';
process.stdout.write(`${JSON.stringify({ ok: true, what })}\n`);
