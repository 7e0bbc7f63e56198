import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { FileStore } from '../../../src/stores/file/file-store.js';
import { HandlerStore } from '../../../src/stores/handler-store.js';
import { MemoryStore } from '../../../src/stores/memory-store.js';
import { STORE_CASES } from './all-cases.js';
import { casesFor, type MakeStore, type StoreTerms } from './store-case.js';

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

/** What tfjs has for memory: one handler to save, another to load. */
function tfjsHandlers(): MakeStore {
  let kept: tf.io.ModelArtifacts | null = null;
  const saver = tf.io.withSaveHandler((artifacts) => {
    kept = artifacts;
    return Promise.resolve({ modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) });
  });
  const handler: tf.io.IOHandler = {
    save: (artifacts) => saver.save!(artifacts),
    load: () => {
      if (kept === null) throw new Error('Cannot find model in memory.');
      return tf.io.fromMemory(kept).load!();
    },
  };
  return () => new HandlerStore(handler);
}

/** A handler of a user in Node: text and Buffers, which are parts of a larger piece of memory. */
function handlerOfUser(): MakeStore {
  let kept: { json: string; weights: Buffer } | null = null;
  const handler = {
    save({ weightData, ...rest }: tf.io.ModelArtifacts) {
      const pool = Buffer.alloc(7 + (weightData as ArrayBuffer).byteLength + 5, 99);
      const weights = pool.subarray(7, pool.length - 5);
      weights.set(new Uint8Array(weightData as ArrayBuffer));
      kept = { json: JSON.stringify(rest), weights };
      return Promise.resolve();
    },
    load() {
      if (kept === null) return Promise.resolve(null);
      return Promise.resolve({ ...(JSON.parse(kept.json) as object), weightData: kept.weights });
    },
  };
  return () => new HandlerStore(handler as unknown as tf.io.IOHandler);
}

const STORES: readonly (readonly [string, () => MakeStore, StoreTerms])[] = [
  ['FileStore', fileStore, { capacity: 'many', holdsLarge: true }],
  ['MemoryStore', memoryStore, { capacity: 'many', holdsLarge: true }],
  ["HandlerStore of tfjs's own handlers", tfjsHandlers, { capacity: 'one', holdsLarge: true }],
  ['HandlerStore of a handler of the user', handlerOfUser, { capacity: 'one', holdsLarge: true }],
];

describe.each(STORES)('%s', (_name, makePlace, terms) => {
  test.each(casesFor(STORE_CASES, terms))('$name', async ({ run }) => {
    await run(makePlace());
  });
});
