// Trains in several threads at once: each into its own folder, and two into one.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { loadCheckpoint } from 'tfjs-entropy-checkpoint';

const start = (filepath, waits = false) =>
  new Worker(new URL('train.js', import.meta.url), { workerData: { filepath, waits } });

/** What a thread sends when its training has ended. */
function outcomeOf(worker) {
  return new Promise((resolve, reject) => {
    worker.on('message', (message) => {
      if (!message.begun) resolve(message);
    });
    worker.on('error', reject);
  });
}

const folders = ['checkpoints/a', 'checkpoints/b'];
const outcomes = await Promise.all(folders.map((folder) => outcomeOf(start(folder))));
for (const [i, { epoch }] of outcomes.entries()) {
  const { record } = await loadCheckpoint(folders[i]);
  assert.equal(record.epoch, epoch);
}

const first = start('checkpoints/both', true);
await once(first, 'message'); // its training has begun
const { code, message } = await outcomeOf(start('checkpoints/both'));
assert.equal(code, 'ENTROPY_STORE_IN_USE');
assert.match(message, /another training, in this process/);
first.postMessage('end');
const { epoch } = await outcomeOf(first);
assert.equal((await loadCheckpoint('checkpoints/both')).record.epoch, epoch);

const what = 'two threads, each with its folder; the second of two in one folder is refused';
process.stdout.write(`${JSON.stringify({ ok: true, what })}\n`);
