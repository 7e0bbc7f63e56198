import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { EntropyCheckpointError } from '../../src/index.js';
import { decodeCheckpoint } from '../../src/state/decode-checkpoint.js';
import { resolveStore } from '../../src/stores/resolve-store.js';
import type { CheckpointStore, StoredCheckpoint } from '../../src/stores/store.js';
import { EntropyCheckpoint } from '../../src/index.js';
import * as tf from '@tensorflow/tfjs';
import { makeModel, expectNoTensorsLeft } from '../support/fixtures.js';

let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'resolve-store-'));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const folderOf = (place: string): string => /^folder "(.*)"$/.exec(resolveStore(place).name)?.[1] ?? '';

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
    expect(() => resolveStore(place)).toThrow(EntropyCheckpointError);
    expect(() => resolveStore(place)).toThrow(/path of a folder/);
  });
});

describe("a store of the user's own, which need not verify anything", () => {
  /** Keeps what it is given; `damage` changes it on the way back. */
  class PlainStore implements CheckpointStore {
    readonly name = 'a plain store';
    stored: StoredCheckpoint | null = null;
    open(): Promise<void> {
      return Promise.resolve();
    }
    save(checkpoint: StoredCheckpoint): Promise<void> {
      this.stored = checkpoint;
      return Promise.resolve();
    }
    load(): Promise<StoredCheckpoint | null> {
      return Promise.resolve(this.stored);
    }
    close(): void {
      // There is nothing to give back.
    }
  }

  async function saved(): Promise<PlainStore> {
    const store = new PlainStore();
    const model = makeModel();
    const checkpoint = new EntropyCheckpoint(model, undefined, { filepath: store });
    const output = tf.tensor2d([[0.5, 0.5]]);
    checkpoint.appendOutput(output);
    await checkpoint.saveCheckpoint(0);
    tf.dispose(output);
    checkpoint.dispose();
    const { optimizer } = model;
    model.dispose();
    optimizer.dispose();
    return store;
  }

  test('gives a flipped byte away', async () => {
    await expectNoTensorsLeft(async () => {
      const { stored } = await saved();
      const weightData = stored!.weightData.map((bytes) => bytes.slice());
      weightData[0]![1]! ^= 1;
      const damaged = { ...stored!, weightData };
      expect(() => decodeCheckpoint(damaged, 'a plain store')).toThrow(
        expect.objectContaining({ code: 'ENTROPY_CORRUPT_CHECKPOINT' }),
      );
    });
  });

  test('may give Buffers, which share one piece of memory', async () => {
    const { stored } = await saved();
    const weightData = stored!.weightData.map((bytes) => Buffer.from(bytes));
    expect(weightData.some(({ byteOffset }) => byteOffset > 0)).toBe(true);
    const { state } = decodeCheckpoint({ ...stored!, weightData }, 'a plain store');
    const sizes = state.weights.map(({ tensor }) => tensor.size);
    expect(sizes).toEqual([30, 5, 20, 4]);
  });
});
