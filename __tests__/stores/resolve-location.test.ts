import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint, EntropyCheckpointError, loadCheckpoint } from '../../src/index.js';
import { findStoreLocation as findInBrowser } from '../../src/stores/browser-stores.js';
import { FileStore } from '../../src/stores/file/file-store.js';
import { HandlerStore } from '../../src/stores/handler-store.js';
import { IndexedDbStore } from '../../src/stores/indexed-db/indexed-db-store.js';
import { MemoryStore } from '../../src/stores/memory-store.js';
import { resolveLocation } from '../../src/stores/resolve-location.js';
import type { StoreLocation } from '../../src/stores/store-location.js';
import type { CheckpointStore, CheckpointSlot, StoredCheckpoint } from '../../src/stores/store.js';
import { rejection, thrownBy } from '../support/errors.js';
import { expectNoTensorsLeft, makeModel } from '../support/fixtures.js';

let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'resolve-place-'));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const folderOf = (place: string): string => /^folder "(.*)"$/.exec(resolveLocation(place).name)?.[1] ?? '';

/** What is known of a place before its store is loaded must hold for that as well. */
async function expectStore(
  place: StoreLocation,
  Store: new (...args: never) => CheckpointStore,
  capacity: 'one' | 'many',
): Promise<void> {
  const store = await place.loadStore();
  expect(store).toBeInstanceOf(Store);
  expect([place.name, place.capacity]).toEqual([store.name, store.capacity]);
  expect(place.capacity).toBe(capacity);
}

describe('a file:// URL', () => {
  test.each(['plain', 'run#1', 'run?3', '50%_noise', 'größer als 1'])(
    'of the path "%s" is that folder',
    (name) => {
      const path = join(root, name);
      expect(folderOf(pathToFileURL(path).href)).toBe(path);
      // As tfjs writes them: with the path as it is.
      expect(folderOf(`file://${path}`)).toBe(path);
    },
  );

  test('that is relative is a plain path, as in tfjs', () => {
    expect(folderOf('file://./runs/a%20b')).toBe('./runs/a%20b');
  });

  test.each(['file://', '~', '~/checkpoints'])('or path "%s" that names no folder is refused', (place) => {
    expect(() => resolveLocation(place)).toThrow(EntropyCheckpointError);
    expect(() => resolveLocation(place)).toThrow(/path of a folder/);
  });
});

describe('in Node', () => {
  test.each(['runs/a', './a:b', 'a%20b', 'file:///tmp/a'])('%s is a folder', async (place) => {
    await expectStore(resolveLocation(place), FileStore, 'many');
  });

  test.each(['indexeddb://a', 'localstorage://a', 'nowhere://a'])('%s is refused', (place) => {
    const error = thrownBy(() => resolveLocation(place));
    expect(error.code).toBe('ENTROPY_INVALID_OPTION');
    expect(error.message).toContain(`got '${place}', for which it has no handler`);
  });

  test('a URL of a server goes through the handler of tfjs', async () => {
    const place = resolveLocation('http://127.0.0.1/model.json');
    await expectStore(place, HandlerStore, 'one');
    expect(place.name).toBe('http://127.0.0.1/model.json');
  });

  test('a handler is a place of its own', async () => {
    const handler = { save: () => Promise.reject(new Error('full')) };
    await expectStore(resolveLocation(handler), HandlerStore, 'one');
  });
});

describe('in a browser', () => {
  test.each([
    ['entropy_checkpoint', 'indexeddb://entropy_checkpoint'],
    ['indexeddb://entropy_checkpoint', 'indexeddb://entropy_checkpoint'],
    ['runs/a b', 'indexeddb://runs/a b'],
  ])('%s is a place in IndexedDB', async (text, name) => {
    const place = findInBrowser(text)!;
    await expectStore(place, IndexedDbStore, 'many');
    expect(place.name).toBe(name);
  });

  test.each(['localstorage://a', 'http://127.0.0.1/model.json', 'downloads://a'])(
    '%s is left to the handlers of tfjs',
    (place) => {
      expect(findInBrowser(place)).toBeNull();
    },
  );

  test.each(['file:///tmp/a', 'file://a', '', 'indexeddb://'])('"%s" is refused', (place) => {
    const error = thrownBy(() => findInBrowser(place));
    expect(error.code).toBe('ENTROPY_INVALID_OPTION');
    expect(error.message).toContain(`'${place.replace('indexeddb://', '')}'`);
  });
});

describe("a store of the user's own, which need not verify anything", () => {
  /** Keeps what it is given, and flips a bit on the way back if it is told to. */
  class CarelessStore extends MemoryStore {
    flippedByte: number | null = null;

    override async load(slot: CheckpointSlot): Promise<StoredCheckpoint | null> {
      const stored = await super.load(slot);
      if (stored === null || this.flippedByte === null) return stored;
      const { flippedByte } = this;
      return {
        name: stored.name,
        manifest: stored.manifest,
        async read(position, bytes) {
          await stored.read(position, bytes);
          const at = flippedByte - position;
          if (at >= 0 && at < bytes.length) bytes[at]! ^= 1;
        },
        shardName: (index) => stored.shardName(index),
        close: () => stored.close(),
      };
    }
  }

  async function saved(): Promise<CarelessStore> {
    const store = new CarelessStore();
    const model = makeModel();
    const checkpoint = new EntropyCheckpoint(model, undefined, { filepath: store });
    const output = tf.tensor2d([[0.5, 0.5]]);
    checkpoint.appendOutput(output);
    await checkpoint.saveCheckpoint(0);
    await checkpoint.flush();
    tf.dispose(output);
    checkpoint.dispose();
    const { optimizer } = model;
    model.dispose();
    optimizer.dispose();
    return store;
  }

  test('is used as it is', async () => {
    await expectNoTensorsLeft(async () => {
      const store = await saved();
      expect(await resolveLocation(store).loadStore()).toBe(store);
      const { model } = await loadCheckpoint(store);
      expect(model.weights.map((weight) => weight.read().size)).toEqual([30, 5, 20, 4]);
      model.dispose();
    });
  });

  test.each([0, 1, 100, 235])('gives a flipped bit of byte %i away', async (flippedByte) => {
    await expectNoTensorsLeft(async () => {
      const store = await saved();
      store.flippedByte = flippedByte;
      const error = await rejection(loadCheckpoint(store));
      expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
      expect(error.message).toContain('memory');
    });
  });
});
