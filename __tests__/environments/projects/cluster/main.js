// Trains in several processes of a cluster at once: each into its own folder, and two into one.
import cluster from 'node:cluster';
import { fileURLToPath } from 'node:url';
import { trainSideBySide } from './train-side-by-side.js';

cluster.setupPrimary({ exec: fileURLToPath(new URL('train.js', import.meta.url)), silent: true });
await trainSideBySide({
  start: (filepath, waits) => cluster.fork({ FILEPATH: filepath, WAITS: String(waits) }),
  tell: (worker) => worker.send('end'),
  failure: 'exit',
  refusal: /another training/,
});

const what = 'two processes of a cluster, each with its folder; the second of two in one folder is refused';
process.stdout.write(`${JSON.stringify({ ok: true, what })}\n`);
