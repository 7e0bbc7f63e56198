import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  EntropyCheckpoint,
  EntropyCheckpointCallback,
  loadCheckpoint,
  MemoryStore,
  type EntropyCheckpointOptions,
} from '../../src/index.js';
import { rejection } from '../support/errors.js';
import { FIT } from '../support/confidences.js';
import {
  disposeModel,
  expectNoTensorsLeft,
  makeData,
  makeModel,
  useTempFolder,
} from '../support/fixtures.js';
import { GatedStore } from '../support/gated-store.js';
import { nothingStored } from '../support/nothing-stored.js';

const tempFolder = useTempFolder();
const start = process.cwd();

beforeEach(() => {
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  process.chdir(start);
  jest.restoreAllMocks();
});

/** A custom training loop: each call ends an epoch with this value. */
type EndEpoch = (value: number) => Promise<boolean>;

async function withCheckpoint(
  options: EntropyCheckpointOptions,
  body: (checkpoint: EntropyCheckpoint, endEpoch: EndEpoch) => Promise<void>,
): Promise<void> {
  await expectNoTensorsLeft(async () => {
    const model = makeModel();
    const checkpoint = new EntropyCheckpoint(model, undefined, { monitor: 'val_acc', ...options });
    const first = (await checkpoint.resume()).initialEpoch;
    await body(checkpoint, (value) =>
      checkpoint.saveCheckpoint(first + checkpoint.history.length, { val_acc: value }),
    );
    await checkpoint.flush().catch(() => undefined);
    checkpoint.dispose();
    disposeModel(model);
  });
}

/** The epoch that another process would load. */
async function epochAt(path: string | null): Promise<number> {
  const { model, record } = await loadCheckpoint(path!);
  model.dispose();
  return record.epoch;
}

describe('bestPath', () => {
  it('is the absolute path of the folder once `fit` has ended', async () => {
    await expectNoTensorsLeft(async () => {
      const model = makeModel();
      const { x, y } = makeData(24);
      process.chdir(tempFolder());
      const checkpoint = new EntropyCheckpointCallback({ filepath: 'runs/a', monitor: 'loss' });
      expect(checkpoint.bestPath).toBeNull();
      await model.fit(x, y, { ...FIT, epochs: 2, callbacks: checkpoint });
      const path = checkpoint.bestPath;
      expect(path).toBe(join(tempFolder(), 'runs/a'));
      process.chdir(start);
      checkpoint.dispose();
      expect(checkpoint.bestPath).toBe(path);
      expect(await epochAt(path)).toBe(checkpoint.best!.epoch);
      disposeModel(model);
      tf.dispose([x, y]);
    });
  });

  it.each([
    ['looks like a pattern', '{user}'],
    ['has the name of a file', 'model.json'],
    ['has characters of URLs', 'a%20b #1?'],
  ])('can be loaded if the folder %s', async (_what, name) => {
    const folder = join(tempFolder(), name);
    mkdirSync(folder);
    process.chdir(folder);
    // As this is a link, the path of the real folder is used.
    symlinkSync('.', 'link');
    await withCheckpoint({ filepath: 'link' }, async (checkpoint, endEpoch) => {
      await endEpoch(0.5);
      await checkpoint.flush();
      process.chdir(start);
      expect(await epochAt(checkpoint.bestPath)).toBe(0);
    });
  });

  it('stays the folder that was used, if a link is moved', async () => {
    const [first, second, link] = ['first', 'second', 'link'].map((name) => join(tempFolder(), name)) as [
      string,
      string,
      string,
    ];
    mkdirSync(first);
    mkdirSync(second);
    symlinkSync(first, link);
    await withCheckpoint({ filepath: link }, async (checkpoint, endEpoch) => {
      await endEpoch(0.5);
      rmSync(link);
      symlinkSync(second, link);
      await checkpoint.flush();
      expect(checkpoint.bestPath).toBe(first);
    });
  });

  it('is null while the best epoch is not stored', async () => {
    const filepath = join(tempFolder(), 'run');
    await withCheckpoint({ filepath }, async (checkpoint, endEpoch) => {
      await endEpoch(0.5);
      expect(checkpoint.bestPath).toBeNull();
      await checkpoint.flush();
      expect(checkpoint.bestPath).toBe(filepath);
      await endEpoch(0.25);
      expect(checkpoint.bestPath).toBe(filepath);
      await endEpoch(0.75);
      expect(checkpoint.bestPath).toBeNull();
      await checkpoint.flush();
      expect(await epochAt(checkpoint.bestPath)).toBe(2);
    });
  });

  it('is null after the best epoch has vanished, and until a better one is stored', async () => {
    const filepath = join(tempFolder(), 'run');
    await withCheckpoint({ filepath }, async (checkpoint, endEpoch) => {
      await endEpoch(0.5);
      await checkpoint.flush();
      renameSync(join(filepath, 'model.json'), join(filepath, 'moved.json'));
      expect((await rejection(checkpoint.flush())).code).toBe('ENTROPY_STORE_FAILED');
      expect(checkpoint.bestPath).toBeNull();
      await endEpoch(0.25);
      await checkpoint.flush();
      expect(await epochAt(checkpoint.bestPath)).toBe(1);
    });
  });

  it('is known again after `resume`', async () => {
    const filepath = join(tempFolder(), 'run');
    await withCheckpoint({ filepath, saveLast: true }, async (_, endEpoch) => {
      await endEpoch(0.5);
      await endEpoch(0.25);
    });
    await withCheckpoint({ filepath, saveLast: true }, async (checkpoint) => {
      expect(checkpoint.bestPath).toBe(filepath);
      expect(await epochAt(filepath)).toBe(0);
      await checkpoint.flush();
    });
  });

  it.each<[string, EntropyCheckpointOptions]>([
    ['in memory', { filepath: null }],
    ['in a MemoryStore', { filepath: new MemoryStore() }],
    [
      'in a handler',
      {
        filepath: {
          save: () =>
            Promise.resolve({
              modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' as const },
            }),
          load: nothingStored,
        },
      },
    ],
  ])('is null %s', async (_where, options) => {
    await withCheckpoint(options, async (checkpoint, endEpoch) => {
      await endEpoch(0.5);
      await checkpoint.flush();
      expect(checkpoint.best).not.toBeNull();
      expect(checkpoint.bestPath).toBeNull();
    });
  });

  it('is null if writing fails', async () => {
    const store = new GatedStore();
    store.failures.push(new Error('full'), new Error('full'));
    await withCheckpoint({ filepath: store }, async (checkpoint, endEpoch) => {
      await endEpoch(0.5);
      expect((await rejection(checkpoint.flush())).code).toBe('ENTROPY_STORE_FAILED');
      expect(checkpoint.bestPath).toBeNull();
    });
  });
});
