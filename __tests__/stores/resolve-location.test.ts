import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  EntropyCheckpoint,
  EntropyCheckpointCallback,
  EntropyCheckpointError,
  loadCheckpoint,
} from '../../src/index.js';
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
import { nothingStored } from '../support/nothing-stored.js';

let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'resolve-location-'));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const folderOf = (path: string): string => /^folder "(.*)"$/.exec(resolveLocation(path).name)?.[1] ?? '';

/** Checks that a location describes the store that it loads. */
async function expectStore(
  location: StoreLocation,
  Store: new (...args: never) => CheckpointStore,
  capacity: 'one' | 'many',
): Promise<void> {
  const store = await location.loadStore();
  expect(store).toBeInstanceOf(Store);
  expect([location.name, location.capacity]).toEqual([store.name, store.capacity]);
  expect(location.capacity).toBe(capacity);
}

describe('a file:// URL', () => {
  it.each(['plain', 'run#1', 'run?3', '50%_noise', 'größer als 1'])(
    'with the path "%s" is that folder',
    (name) => {
      const path = join(root, name);
      expect(folderOf(pathToFileURL(path).href)).toBe(path);
      // TensorFlow.js writes the path unencoded.
      expect(folderOf(`file://${path}`)).toBe(path);
    },
  );

  it('that is relative is a plain path, as in TensorFlow.js', () => {
    expect(folderOf('file://./runs/a%20b')).toBe('./runs/a%20b');
  });

  it.each(['file://', '~', '~/checkpoints'])('or path is refused if it names no folder: "%s"', (path) => {
    expect(() => resolveLocation(path)).toThrow(EntropyCheckpointError);
    expect(() => resolveLocation(path)).toThrow(/path of a folder/);
  });
});

describe('a location', () => {
  it('may be a URL object', () => {
    const path = join(root, 'run 3');
    expect(resolveLocation(pathToFileURL(path)).name).toBe(`folder "${path}"`);
    expect(new EntropyCheckpointCallback({ filepath: pathToFileURL(path) }).best).toBeNull();
  });

  it.each([
    ['runs/a/model.json', 'runs/a'],
    ['/model.json', '/'],
    ['model.json', '.'],
    ['file:///tmp/a/model.json', '/tmp/a'],
    ['runs/a-model.json', 'runs/a-model.json'],
  ])('may name the file that TensorFlow.js reads: %s', (path, expected) => {
    expect(folderOf(path)).toBe(expected);
  });

  it.each(['runs/{epoch}', 'indexeddb://run-{epoch:02d}-{val_loss:.2f}'])(
    'is no pattern for several: %s',
    (path) => {
      const { code, message } = thrownBy(() => resolveLocation(path));
      expect(code).toBe('ENTROPY_INVALID_OPTION');
      expect(message).toMatch(/^\[entropy-checkpoint\] Leave `\{epoch(:02d)?\}` out of .*`maxToKeep`/);
    },
  );
});

describe('the source of a location', () => {
  it('is an absolute path, a URL that can be read, or nothing', () => {
    expect(resolveLocation('runs/a').source).toBe(resolve('runs/a'));
    expect(resolveLocation(pathToFileURL(join(root, 'run 3'))).source).toBe(join(root, 'run 3'));
    expect(findInBrowser('a b')!.source).toBe('indexeddb://a b');
    expect(resolveLocation('http://127.0.0.1/model.json').source).toBe('http://127.0.0.1/model.json');
    const handler = { save: () => Promise.reject(new Error('full')), load: nothingStored };
    expect(resolveLocation(handler).source).toBeUndefined();
    expect(resolveLocation(new MemoryStore()).source).toBeUndefined();
  });

  it('is nothing for a URL that can only be written', () => {
    const handler = { save: () => Promise.reject(new Error('full')) };
    tf.io.registerSaveRouter((url) => (url === 'write-only://a' ? handler : null)!);
    expect(resolveLocation('write-only://a').source).toBeUndefined();
  });
});

describe('in Node', () => {
  it.each(['runs/a', './a:b', 'a%20b', 'file:///tmp/a'])('%s is a folder', async (path) => {
    await expectStore(resolveLocation(path), FileStore, 'many');
  });

  it.each(['indexeddb://a', 'localstorage://a', 'nowhere://a'])('%s is refused', (url) => {
    const error = thrownBy(() => resolveLocation(url));
    expect(error.code).toBe('ENTROPY_INVALID_OPTION');
    expect(error.message).toContain(`got '${url}', for which it has no handler`);
  });

  it('a URL of a server uses the handler of TensorFlow.js', async () => {
    const location = resolveLocation('http://127.0.0.1/model.json');
    await expectStore(location, HandlerStore, 'one');
    expect(location.name).toBe('http://127.0.0.1/model.json');
  });

  it('a handler is a location', async () => {
    const handler = { save: () => Promise.reject(new Error('full')) };
    await expectStore(resolveLocation(handler), HandlerStore, 'one');
  });
});

describe('in a browser', () => {
  it.each([
    ['entropy_checkpoint', 'indexeddb://entropy_checkpoint'],
    ['indexeddb://entropy_checkpoint', 'indexeddb://entropy_checkpoint'],
    ['runs/a b', 'indexeddb://runs/a b'],
  ])('%s is a location in IndexedDB', async (text, name) => {
    const location = findInBrowser(text)!;
    await expectStore(location, IndexedDbStore, 'many');
    expect(location.name).toBe(name);
  });

  it.each(['localstorage://a', 'http://127.0.0.1/model.json', 'downloads://a'])(
    '%s is left to the handlers of TensorFlow.js',
    (url) => {
      expect(findInBrowser(url)).toBeNull();
    },
  );

  it.each(['file:///tmp/a', 'file://a', '', 'indexeddb://'])('"%s" is refused', (url) => {
    const error = thrownBy(() => findInBrowser(url));
    expect(error.code).toBe('ENTROPY_INVALID_OPTION');
    expect(error.message).toContain(`'${url.replace('indexeddb://', '')}'`);
  });
});

describe("a user's store that verifies nothing", () => {
  /** Flips a bit of the loaded weights, if `flippedByte` is set. */
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

  async function savedStore(): Promise<CarelessStore> {
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

  it('is used as it is', async () => {
    await expectNoTensorsLeft(async () => {
      const store = await savedStore();
      expect(await resolveLocation(store).loadStore()).toBe(store);
      const { model } = await loadCheckpoint(store);
      expect(model.weights.map((weight) => weight.read().size)).toEqual([30, 5, 20, 4]);
      model.dispose();
    });
  });

  it.each([0, 1, 100, 235])('cannot hide a flipped bit of byte %i', async (flippedByte) => {
    await expectNoTensorsLeft(async () => {
      const store = await savedStore();
      store.flippedByte = flippedByte;
      const error = await rejection(loadCheckpoint(store));
      expect(error.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
      expect(error.message).toContain('memory');
    });
  });
});
