import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GetObjectCommand, PutObjectCommand, type S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, listCheckpoints, loadCheckpoint } from '../../src/index.js';
import { S3Store } from '../../src/stores/s3/index.js';
import { casesFor } from '../stores/conformance/store-case.js';
import { STORE_CASES } from '../stores/conformance/store-cases.js';
import { checkpointOfStep, stepOf } from '../stores/fixtures/checkpoints.js';
import { rejection } from '../support/errors.js';
import { seededRandom } from '../support/seeded-random.js';
import { INSTALL, PROGRAMS } from '../support/object-store.js';
import { freePort, ServerProcess } from '../support/server-process.js';
import { startGateway, type Fate, type Gateway } from './fixtures/gateway.js';
import { BUCKET, clientOf, namesUnder, startObjectStore, type ObjectStore } from './fixtures/object-store.js';

let objectStore: ObjectStore;
let client: S3Client;
let prefixes = 0;

beforeAll(async () => {
  await tf.setBackend('cpu');
  objectStore = await startObjectStore();
  ({ client } = objectStore);
});

afterAll(() => objectStore.stop());

const newPrefix = () => `tests/${++prefixes}`;
const storeIn = (prefix: string, by: S3Client = client) =>
  new S3Store({ client: by, bucket: BUCKET, prefix });

describe('S3Store on a server', () => {
  it.each(casesFor(STORE_CASES, { capacity: 'many', holdsLarge: true }))('$name', async ({ run }) => {
    const prefix = newPrefix();
    await run(() => storeIn(prefix));
  });
});

/** TensorFlow.js recognises arrays by their class, and Jest runs tests beside that of `fetch`. */
async function fetchOfThisRealm(url: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const answer = await fetch(url, init);
  answer.json = async () => JSON.parse(await answer.text()) as unknown;
  return answer;
}

describe('a training', () => {
  const made: tf.LayersModel[] = [];
  const makeModel = (): tf.Sequential => {
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ units: 8, inputShape: [3], activation: 'relu' }),
        tf.layers.dense({ units: 3, activation: 'softmax' }),
      ],
    });
    model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
    made.push(model);
    return model;
  };

  it('is stored, listed, loaded, resumed, and read by tf.loadLayersModel and by any client', async () => {
    const before = tf.memory().numTensors;
    const prefix = newPrefix();
    const [x, y] = tf.tidy(() => [
      tf.randomNormal([40, 3], 0, 1, 'float32', 1),
      tf.oneHot(tf.range(0, 40, 1, 'int32').mod(3).toInt(), 3),
    ]);
    const model = makeModel();
    const options = { filepath: storeIn(prefix), saveLast: true, monitor: 'val_loss' };
    const checkpoint = new EntropyCheckpointCallback(options);
    await model.fit(x, y, { epochs: 4, validationSplit: 0.25, verbose: 0, callbacks: checkpoint });
    expect((await listCheckpoints(storeIn(prefix))).length).toBeGreaterThan(0);

    const best = await loadCheckpoint(storeIn(prefix));
    expect(best.record.epoch).toBe(checkpoint.best!.epoch);
    const url = `${objectStore.endpoint}/${BUCKET}/${prefix}/model.json`;
    const others = await tf.loadLayersModel(tf.io.http(url, { fetchFunc: fetchOfThisRealm }));
    made.push(best.model, others);
    const [ours, theirs] = [best.model, others].map((loaded) =>
      tf.tidy(() => (loaded.predict(x) as tf.Tensor).dataSync()),
    );
    expect(theirs).toEqual(ours);
    // A cache must not serve an old one.
    const answer = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: `${prefix}/model.json` }));
    expect(answer).toMatchObject({ ContentType: 'application/json', CacheControl: 'no-cache' });

    const next = makeModel();
    const resumed = new EntropyCheckpointCallback({ ...options, filepath: storeIn(prefix) });
    const { initialEpoch } = await resumed.resume(next);
    expect(initialEpoch).toBe(4);
    await next.fit(x, y, { epochs: 6, initialEpoch, validationSplit: 0.25, verbose: 0, callbacks: resumed });
    expect(resumed.history.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3, 4, 5]);

    checkpoint.dispose();
    resumed.dispose();
    for (const trained of made.splice(0)) {
      (trained.optimizer as tf.Optimizer | undefined)?.dispose();
      trained.dispose();
    }
    tf.dispose([x, y]);
    expect(tf.memory().numTensors).toBe(before);
  });
});

it('the sample of the docs trains into a bucket and loads from it', async () => {
  // Where the AWS SDK looks for what the sample leaves out.
  const env = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
  Object.assign(process.env, env, { AWS_ENDPOINT_URL: objectStore.endpoint });
  const { trainIntoBucket } = await import('../../examples/integrations/object-store.js');
  const model = tf.sequential({
    layers: [tf.layers.dense({ units: 3, inputShape: [2], activation: 'softmax' })],
  });
  model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
  const [x, y] = [tf.randomNormal([30, 2]), tf.oneHot(tf.zeros([30], 'int32'), 3)];
  const best = await trainIntoBucket(model, x, y);
  expect(best.record.isBest).toBe(true);
  expect(await namesUnder(client, 'runs/7/')).toContain('model.json');
  for (const trained of [model, best.model]) trained.dispose();
  tf.dispose([x, y]);
});

describe('a gateway', () => {
  /** Runs `use` with a client of a gateway in front of the server. */
  async function through(
    fateOf: Parameters<typeof startGateway>[1],
    use: (by: S3Client, gateway: Gateway) => Promise<void>,
    config?: S3ClientConfig,
  ): Promise<void> {
    const gateway = await startGateway(objectStore.endpoint, fateOf);
    const by = clientOf(gateway.endpoint, config);
    try {
      await use(by, gateway);
    } finally {
      by.destroy();
      await gateway.stop();
    }
  }

  it('that ignores conditions is refused before anything is written', async () => {
    const prefix = newPrefix();
    await through(
      () => 'ignore conditions',
      async (by) => {
        const store = storeIn(prefix, by);
        for (const action of [
          () => store.open(),
          () => store.save(checkpointOfStep(1), { into: ['best'], keep: [] }),
        ]) {
          const error = await rejection(action());
          expect(error.code).toBe('ENTROPY_STORE_FAILED');
          expect(error.message).toContain('`If-None-Match`');
        }
        expect(await namesUnder(client, prefix)).toEqual([]);
      },
    );
  });

  it('of rclone, which ignores conditions, is refused and left as it was', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rclone-'));
    mkdirSync(join(folder, BUCKET));
    const port = await freePort();
    const args = ['serve', 's3', '--addr', `127.0.0.1:${port}`, '--auth-key', 'test,test', folder];
    const endpoint = `http://127.0.0.1:${port}`;
    const rclone = await ServerProcess.start(join(PROGRAMS, 'rclone'), args, () => fetch(endpoint), INSTALL);
    const by = clientOf(endpoint);
    const error = await rejection(storeIn('a', by).open());
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.message).toContain('`If-None-Match`');
    expect(readdirSync(join(folder, BUCKET))).toEqual([]);
    by.destroy();
    await rclone.kill();
    rmSync(folder, { recursive: true });
  });

  const FATES: readonly (readonly [string, Fate])[] = [
    ['answers 503', { status: 503, code: 'SlowDown' }],
    ['answers 500', { status: 500, code: 'InternalError' }],
    ['loses answers', 'lose the answer'],
  ];
  it.each(FATES)('that sometimes %s costs nothing but time: the client tries again', async (_name, fate) => {
    const random = seededRandom(3);
    await through(
      () => (random() < 0.25 ? fate : 'pass'),
      async (by, gateway) => {
        const store = storeIn(newPrefix(), by);
        await store.open();
        for (let step = 1; step <= 8; step++) {
          await store.save(checkpointOfStep(step), { into: ['best', 'last'], keep: [] });
          expect(await stepOf(await store.load('best'))).toBe(step);
        }
        store.close();
        await store.slots();
        expect(gateway.disturbed()).toBeGreaterThan(10);
      },
      { maxAttempts: 12, retryMode: 'standard' },
    );
  });
});

describe('a request that the server refuses', () => {
  it('names a missing bucket', async () => {
    const store = new S3Store({ client, bucket: 'nowhere' });
    for (const action of [() => store.open(), () => store.slots(), () => store.load('best')]) {
      const error = await rejection(action());
      expect(error.code).toBe('ENTROPY_STORE_FAILED');
      expect(error.message).toContain("Create the bucket 'nowhere' first");
    }
  });

  it('names wrong credentials, and changes nothing', async () => {
    const strict = await startObjectStore({ INITIAL_NO_AUTH_ACTION_COUNT: '2' });
    const stranger = clientOf(strict.endpoint);
    try {
      const error = await rejection(storeIn('a', stranger).open());
      expect(error.code).toBe('ENTROPY_STORE_FAILED');
      expect(error.message).toContain('credentials');
    } finally {
      stranger.destroy();
      await strict.stop();
    }
  });

  it('says so where no server answers', async () => {
    const nobody = clientOf(`http://127.0.0.1:${await freePort()}`, { maxAttempts: 1 });
    const error = await rejection(storeIn('a', nobody).open());
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.message).toContain('ECONNREFUSED');
    nobody.destroy();
  });

  it('leaves what others have put there', async () => {
    const prefix = newPrefix();
    const key = { Bucket: BUCKET, Key: `${prefix}/model.json` };
    await client.send(new PutObjectCommand({ ...key, Body: '{"modelTopology": {}}' }));
    expect((await rejection(storeIn(prefix).open())).code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    const { Body: body } = await client.send(new GetObjectCommand(key));
    expect(await body!.transformToString()).toBe('{"modelTopology": {}}');
  });
});
