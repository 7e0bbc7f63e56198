import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import * as tf from '@tensorflow/tfjs';
import { loadCheckpoint } from '../../src/index.js';
import { S3Store } from '../../src/stores/s3/index.js';
import { indexedNames } from '../support/indexed-names.js';
import { seededRandom } from '../support/seeded-random.js';
import { IS_THOROUGH } from '../support/thorough.js';
import { eventually } from '../support/until.js';
import { BUCKET, namesUnder, startObjectStore, type ObjectStore } from './fixtures/object-store.js';

let objectStore: ObjectStore;
let client: S3Client;

beforeAll(async () => {
  await tf.setBackend('cpu');
  objectStore = await startObjectStore();
  ({ client } = objectStore);
});

afterAll(() => objectStore.stop());

/** A process that trains into a prefix. */
interface Trainer {
  readonly process: ChildProcess;
  /** What it has told. */
  readonly lines: string[];
  readonly exited: Promise<unknown>;
}

const trainers: Trainer[] = [];

afterEach(async () => {
  for (const { process } of trainers) process.kill('SIGKILL');
  await Promise.all(trainers.splice(0).map(({ exited }) => exited));
});

function start(prefix: string, epochs: number): Trainer {
  const program = join(import.meta.dirname, 'fixtures/train-in-bucket.ts');
  const process = spawn('node', ['--import', 'tsx', program, objectStore.endpoint, prefix, String(epochs)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  // One that was killed reads no more.
  process.stdin.on('error', () => undefined);
  createInterface(process.stdout).on('line', (line) => lines.push(line));
  const trainer = { process, lines, exited: once(process, 'close') };
  trainers.push(trainer);
  return trainer;
}

const storeIn = (prefix: string) => new S3Store({ client, bucket: BUCKET, prefix, leaseSeconds: 3 });

async function weightsOf(prefix: string, epoch: 'last' | number): Promise<number[][]> {
  const { model } = await loadCheckpoint(storeIn(prefix), { epoch });
  const weights = model.getWeights().map((weight) => [...weight.dataSync()]);
  model.dispose();
  return weights;
}

const epochsOf = ({ lines }: Trainer) => lines.filter((line) => line.startsWith('epoch')).length;
const refusalsOf = ({ lines }: Trainer) => lines.filter((line) => line === 'in use').length;

/** Lets a process train so many more epochs. */
function allow({ process }: Trainer, epochs: number): void {
  process.stdin?.write(`${epochs}\n`);
}

describe('two processes that train into one prefix', () => {
  const EPOCHS = IS_THOROUGH ? 500 : 100;
  /** How often the one that trains is killed or stopped, after up to five epochs there. */
  const DISTURBANCES = IS_THOROUGH ? 60 : 6;

  it('take over from each other, killed or stopped, and end where one alone would', async () => {
    const alone = start('alone', EPOCHS);
    allow(alone, EPOCHS);
    await alone.exited;
    expect(alone.lines.at(-1)).toBe('end');

    const random = seededRandom(7);
    const prefix = 'shared';
    let pair = [start(prefix, EPOCHS), start(prefix, EPOCHS)];
    for (let disturbance = 0; disturbance < DISTURBANCES; disturbance++) {
      const counts = new Map(pair.map((trainer) => [trainer, epochsOf(trainer)]));
      const goal = 2 + Math.floor(random() * 4);
      for (const trainer of pair) allow(trainer, goal);
      const trains = (trainer: Trainer) => epochsOf(trainer) >= counts.get(trainer)! + goal;
      await eventually(() => pair.some(trains));
      const active = pair.find(trains)!;
      const other = pair.find((trainer) => trainer !== active)!;
      if (disturbance % 2 === 0) {
        active.process.kill('SIGKILL');
        await active.exited;
        pair = [other, start(prefix, EPOCHS)];
      } else {
        // As a machine that is suspended: it wakes after the other has taken over.
        active.process.kill('SIGSTOP');
        const before = epochsOf(other);
        await eventually(() => epochsOf(other) > before);
        const refusals = refusalsOf(active);
        active.process.kill('SIGCONT');
        // Its saves fail from now on; it trains to its end, and is told then.
        allow(active, EPOCHS);
        await eventually(() => refusalsOf(active) > refusals);
      }
    }
    for (const trainer of pair) allow(trainer, EPOCHS);
    await Promise.all(pair.map(({ exited }) => exited));
    for (const trainer of pair) expect(trainer.lines.at(-1)).toBe('end');

    expect(await weightsOf(prefix, 'last')).toEqual(await weightsOf('alone', 'last'));
    const [ours, theirs] = await Promise.all([prefix, 'alone'].map((name) => loadCheckpoint(storeIn(name))));
    // It counts the calls of `fit`.
    expect({ ...ours!.record, fit: 0 }).toEqual(theirs!.record);
    for (const { model } of [ours!, theirs!]) model.dispose();

    // Nothing is left that no slot names.
    const last = storeIn(prefix);
    await last.open();
    last.close();
    await last.slots();
    const Key = `${prefix}/entropy-checkpoint.json`;
    const { Body: body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
    const names = indexedNames(await body!.transformToString());
    expect(await namesUnder(client, `${prefix}/`)).toEqual(names);
  });
});
