import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { useBackend } from '../../examples/noisy-mnist/backend.js';
import { JobPostponed, JobRefused, JobStopped } from '../../examples/sweep/queue/job-worker.js';
import { readResult, runTraining, type TrainingEvent } from '../../examples/sweep/run-training.js';
import { idOf, type TrainingSettings } from '../../examples/sweep/settings.js';
import { openStore, type SweepStore } from '../../examples/sweep/sweep-store.js';
import type { CheckpointStore } from '../../src/stores/store.js';
import { BUCKET, S3Server } from './support/s3-server.js';
import { LEASE_SECONDS, smallTrainings, undisturbedResults } from './support/small-sweep.js';

const SETTINGS = smallTrainings({ epochs: 3 })[0]!;
const ID = idOf(SETTINGS);
let s3: S3Server;

beforeAll(async () => {
  s3 = await S3Server.start();
  await useBackend('cpu');
});

afterAll(() => s3.stop());

/** Runs the job, and returns what the worker told, without the epochs. */
async function run(
  store: SweepStore,
  settings: TrainingSettings = SETTINGS,
  signal = new AbortController().signal,
): Promise<TrainingEvent[]> {
  const events: TrainingEvent[] = [];
  const onEvent = (event: TrainingEvent): void => {
    if (!('trained' in event)) events.push(event);
  };
  await runTraining(
    { id: idOf(settings), data: settings, signal },
    { store, leaseSeconds: LEASE_SECONDS, onEvent },
  );
  return events;
}

/** A signal that is aborted before training begins: it ends with its first epoch. */
function stoppedAtOnce(): AbortSignal {
  return AbortSignal.abort();
}

const FOLDER = mkdtempSync(join(tmpdir(), 'sweep-store-'));
let stores = 0;

afterAll(() => {
  rmSync(FOLDER, { recursive: true });
});

describe.each([
  ['an object store', () => `s3://${BUCKET}/runs/${stores++}`],
  ['a folder', () => join(FOLDER, String(stores++))],
])('in %s', (_, newStore) => {
  let store: SweepStore;

  beforeEach(async () => {
    store = await openStore(newStore(), LEASE_SECONDS);
    await store.check();
  });

  test('a job trains and stores its result, which is that of a training without a store', async () => {
    expect(await run(store)).toEqual([{ began: ID, initialEpoch: 0 }, { stored: ID }]);
    expect(await store.readResult(ID)).toBe((await undisturbedResults([SETTINGS])).get(ID));
  });

  test('a job whose result is stored is done', async () => {
    await run(store);
    expect(await run(store)).toEqual([]);
  });

  test('of two results, the first one stays', async () => {
    expect(await store.readResult('one')).toBeNull();
    expect(await store.addResult('one', 'first')).toBe(true);
    expect(await store.addResult('one', 'second')).toBe(false);
    expect(await store.readResult('one')).toBe('first');
  });

  test('a job that was stopped continues where it ended, to the same result', async () => {
    await expect(run(store, SETTINGS, stoppedAtOnce())).rejects.toBeInstanceOf(JobStopped);
    expect(await store.readResult(ID)).toBeNull();
    expect(await run(store)).toEqual([{ began: ID, initialEpoch: 1 }, { stored: ID }]);
    expect(await store.readResult(ID)).toBe((await undisturbedResults([SETTINGS])).get(ID));
  });

  test('a checkpoint of other settings is refused with the difference, and not changed', async () => {
    await expect(run(store, SETTINGS, stoppedAtOnce())).rejects.toBeInstanceOf(JobStopped);
    const others = { ...SETTINGS, epochs: 4, learningRate: 0.01 };
    await expect(run(store, others)).rejects.toBeInstanceOf(JobRefused);
    await expect(run(store, others)).rejects.toThrow(
      'epochs is 3 instead of 4, learningRate is 0.005 instead of 0.01',
    );
    expect(await run(store)).toEqual([{ began: ID, initialEpoch: 1 }, { stored: ID }]);
  });

  test('a result of other settings is refused', async () => {
    await run(store);
    const others = { ...SETTINGS, rows: 161 };
    await expect(run(store, others)).rejects.toThrow('rows is 160 instead of 161');
    await expect(readResult(store, others, ID)).rejects.toBeInstanceOf(JobRefused);
  });

  test('a job of other code is refused, and nothing is stored', async () => {
    const job = run(store, { ...SETTINGS, code: '0.0.0/0' });
    await expect(job).rejects.toBeInstanceOf(JobRefused);
    await expect(run(store, { ...SETTINGS, code: '0.0.0/0' })).rejects.toThrow('instead of "0.0.0/0"');
    expect(await run(store)).toEqual([{ began: ID, initialEpoch: 0 }, { stored: ID }]);
  });

  test('a different result of the same training is reported', async () => {
    await store.addResult(ID, JSON.stringify({ settings: SETTINGS }));
    const late: SweepStore = {
      name: store.name,
      check: () => store.check(),
      checkpointsOf: (id) => store.checkpointsOf(id),
      addResult: (id, text) => store.addResult(id, text),
      // As if it had come while this one trained.
      readResult: (() => {
        let reads = 0;
        return (id: string) => (reads++ === 0 ? Promise.resolve(null) : store.readResult(id));
      })(),
    };
    await expect(run(late)).rejects.toThrow('different results');
  });
});

test('a job whose checkpoint another worker holds is postponed', async () => {
  const store = await openStore(`s3://${BUCKET}/held`, LEASE_SECONDS);
  const holder = store.checkpointsOf(ID) as CheckpointStore;
  await holder.open();
  await expect(run(store)).rejects.toBeInstanceOf(JobPostponed);
  holder.close();
  await holder.slots();
  expect(await run(store)).toEqual([{ began: ID, initialEpoch: 0 }, { stored: ID }]);
});

test('a missing bucket is named before anything begins', async () => {
  const store = await openStore('s3://no-such-bucket/a', LEASE_SECONDS);
  await expect(store.check()).rejects.toThrow(/s3:\/\/no-such-bucket\/a, got NoSuchBucket/);
});
