import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, it } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { FileStore } from '../../../src/stores/file/file-store.js';
import { HandlerStore } from '../../../src/stores/handler-store.js';
import { MemoryStore } from '../../../src/stores/memory-store.js';
import { S3Store } from '../../../src/stores/s3/s3-store.js';
import { FakeS3 } from '../s3/fixtures/fake-s3.js';
import { STORE_CASES } from './store-cases.js';
import { casesFor, type MakeStore, type StoreTraits } from './store-case.js';
import { nothingStored } from '../../support/nothing-stored.js';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function fileStore(): MakeStore {
  const root = mkdtempSync(join(tmpdir(), 'store-conformance-'));
  folders.push(root);
  return () => new FileStore(join(root, 'checkpoint'));
}

function memoryStore(): MakeStore {
  const store = new MemoryStore();
  return () => store;
}

function s3Store(): MakeStore {
  const client = new FakeS3().client();
  return () => new S3Store({ client, bucket: 'bucket', prefix: 'runs/7' });
}

/** The in-memory handlers of TensorFlow.js: one saves, another loads. */
function tfjsHandlers(): MakeStore {
  let stored: tf.io.ModelArtifacts | null = null;
  const saver = tf.io.withSaveHandler((artifacts) => {
    stored = artifacts;
    return Promise.resolve({ modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) });
  });
  const handler: tf.io.IOHandler = {
    save: (artifacts) => saver.save!(artifacts),
    load: () => {
      if (stored === null) return nothingStored();
      return tf.io.fromMemory(stored).load!();
    },
  };
  return () => new HandlerStore(handler);
}

/** A user's handler in Node, which stores JSON text and a Buffer that is part of a larger ArrayBuffer. */
function userHandler(): MakeStore {
  let stored: { json: string; weights: Buffer } | null = null;
  const handler = {
    save({ weightData, ...rest }: tf.io.ModelArtifacts) {
      const pool = Buffer.alloc(7 + (weightData as ArrayBuffer).byteLength + 5, 99);
      const weights = pool.subarray(7, pool.length - 5);
      weights.set(new Uint8Array(weightData as ArrayBuffer));
      stored = { json: JSON.stringify(rest), weights };
      return Promise.resolve();
    },
    load() {
      if (stored === null) return Promise.resolve(null);
      return Promise.resolve({ ...(JSON.parse(stored.json) as object), weightData: stored.weights });
    },
  };
  return () => new HandlerStore(handler as unknown as tf.io.IOHandler);
}

const STORES: readonly (readonly [string, () => MakeStore, StoreTraits])[] = [
  ['FileStore', fileStore, { capacity: 'many', holdsLarge: true }],
  ['MemoryStore', memoryStore, { capacity: 'many', holdsLarge: true }],
  ['S3Store', s3Store, { capacity: 'many', holdsLarge: true }],
  ["HandlerStore with TensorFlow.js's own handlers", tfjsHandlers, { capacity: 'one', holdsLarge: true }],
  ["HandlerStore with a user's handler", userHandler, { capacity: 'one', holdsLarge: true }],
];

describe.each(STORES)('%s', (_name, makeLocation, traits) => {
  it.each(casesFor(STORE_CASES, traits))('$name', async ({ run }) => {
    await run(makeLocation());
  });
});
