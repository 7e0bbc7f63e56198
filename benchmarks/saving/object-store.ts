/**
 * Compares `fit` with a save in every epoch: to an object store, to a folder, and in memory. `npm run bench:s3 -- --help`
 * lists the flags.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { Command } from 'commander';
import seedrandom from 'seedrandom';
import { EntropyCheckpointCallback } from 'tfjs-entropy-checkpoint';
import { S3Store } from 'tfjs-entropy-checkpoint/s3';
import { estimate, median } from '../statistics.js';

const EPOCHS = 6;
const ROWS = 6000;

const flags = new Command('npm run bench:s3 --')
  .description(
    'Measures `fit` with a save in every epoch, to an object store and to a folder. The client is that of the environment: ' +
      'AWS_ENDPOINT_URL, AWS_REGION and so on.',
  )
  .requiredOption('--store <url>', 'where to store, such as s3://bucket/prefix')
  .option('--rounds <count>', 'how often each is measured', Number, 9)
  .parse()
  .opts<{ store: string; rounds: number }>();

const { hostname: bucket, pathname } = new URL(flags.store);
const client = new S3Client({ forcePathStyle: true });
const folder = mkdtempSync(join(tmpdir(), 'bench-s3-'));
let requests = 0;
client.middlewareStack.add(
  (next) => (args) => {
    requests++;
    return next(args);
  },
  { step: 'finalizeRequest' },
);

await tf.setBackend('wasm');
const x = tf.randomNormal([ROWS, 784], 0, 1, 'float32', 1);
const y = tf.oneHot(tf.range(0, ROWS, 1, 'int32').mod(tf.scalar(10, 'int32')), 10);
let trainings = 0;

const STORES = {
  memory: () => null,
  folder: () => join(folder, String(trainings)),
  s3: () => new S3Store({ client, bucket, prefix: `${pathname.slice(1)}/${trainings}` }),
} as const;
type StoreName = keyof typeof STORES;
const NAMES = Object.keys(STORES) as StoreName[];

/** Trains one model, and waits until everything is stored. @returns the time in milliseconds. */
async function measure(name: StoreName): Promise<number> {
  trainings++;
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 128, inputShape: [784], activation: 'relu' }),
      tf.layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
  model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy' });
  // Each epoch is better than the last one, so each is stored.
  const monitor = (record: { readonly epoch: number }) => record.epoch;
  const checkpoint = new EntropyCheckpointCallback({ filepath: STORES[name](), monitor, mode: 'max' });
  const startMs = performance.now();
  await model.fit(x, y, { epochs: EPOCHS, verbose: 0, callbacks: checkpoint });
  const timeMs = performance.now() - startMs;
  checkpoint.dispose();
  model.optimizer.dispose();
  model.dispose();
  return timeMs;
}

const times: Record<StoreName, number[]> = { memory: [], folder: [], s3: [] };
// The first of each warms up.
for (const name of NAMES) await measure(name);
requests = 0;
for (let round = 0; round < flags.rounds; round++) {
  for (const name of NAMES) times[name].push(await measure(name));
}
const random = seedrandom.alea('bootstrap');
const ratio = (name: StoreName, to: StoreName): string => {
  const {
    median: middle,
    low,
    high,
  } = estimate(
    times[name].map((timeMs, round) => timeMs / times[to][round]!),
    random,
  );
  return `${middle.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
};
console.log(
  `${EPOCHS} epochs of ${ROWS} rows, 784-128-10 with adam on wasm, a save in every epoch, ${flags.rounds} rounds`,
);
console.log(`in memory: ${median(times.memory).toFixed(0)} ms`);
console.log(`folder over memory: ${ratio('folder', 'memory')}`);
console.log(`object store over memory: ${ratio('s3', 'memory')}`);
console.log(`object store over folder: ${ratio('s3', 'folder')}`);
console.log(`requests a training: ${(requests / flags.rounds).toFixed(1)}, of which ${EPOCHS} saves`);

tf.dispose([x, y]);
rmSync(folder, { recursive: true });
client.destroy();
