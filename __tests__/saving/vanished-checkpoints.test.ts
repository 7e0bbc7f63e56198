import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, type EntropyCheckpointOptions } from '../../src/index.js';
import { FileStore } from '../../src/stores/file/file-store.js';
import { callbackWith, FIT, setConfidence } from '../support/confidences.js';
import { rejection } from '../support/errors.js';
import {
  disposeModel,
  expectNoTensorsLeft,
  makeData,
  makeModel,
  useTempFolder,
} from '../support/fixtures.js';
import { storedEpochs } from '../support/stored-epochs.js';

const tempFolder = useTempFolder();
/** Epoch 1 is the best, then 0. Each epoch from 3 on is better than the one before it. */
const SCALES = [3, 2, 8, 7, 6, 5];

let warn: jest.SpiedFunction<typeof console.warn>;

beforeEach(() => {
  warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

const folder = (): string => join(tempFolder(), 'run');
/** The warnings of this package; TensorFlow.js recommends another backend. */
const warnings = (): string[] =>
  warn.mock.calls.map(([text]) => String(text)).filter((text) => text.startsWith('[entropy-checkpoint]'));

/** Trains, and calls `remove` before an epoch, once everything so far is stored. */
async function trainAndRemove(
  options: EntropyCheckpointOptions,
  remove: () => void,
  inspect: (checkpoint: EntropyCheckpointCallback, error: Error | null) => Promise<void>,
  removedBefore = 3,
): Promise<void> {
  await expectNoTensorsLeft(async () => {
    const model = makeModel(tf.train.sgd(0));
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: folder(), ...options });
    const control = callbackWith('onEpochBegin', async (epoch) => {
      setConfidence(model, SCALES[epoch]!);
      // So that a loss is known before the next epoch is selected.
      await checkpoint.flush().catch(() => undefined);
      if (epoch === removedBefore) remove();
    });
    const config = { ...FIT, epochs: SCALES.length, callbacks: [control, checkpoint] };
    const error = await model.fit(x, y, config).then(
      () => null,
      (thrown: unknown) => thrown as Error,
    );
    await inspect(checkpoint, error);
    checkpoint.dispose();
    tf.dispose([x, y]);
    disposeModel(model);
  });
}

const removeFolder = (): void => {
  rmSync(folder(), { recursive: true });
};

describe('a folder that is removed during training', () => {
  it('is written again, with one warning that names the lost epochs, which are no longer kept', () =>
    trainAndRemove({ maxToKeep: 2, saveLast: true }, removeFolder, async (checkpoint, error) => {
      expect(error).toBeNull();
      expect(warnings()).toEqual([expect.stringMatching(/vanished.* lost are the epochs 0, 1\./)]);
      expect(checkpoint.kept.map(({ epoch }) => epoch)).toEqual([5, 4]);
      const stored = { best: 5, 'epoch-5': 5, 'epoch-4': 4, last: 5 };
      expect(await storedEpochs(new FileStore(folder()))).toEqual(stored);
      expect((await checkpoint.loadCheckpoint()).epoch).toBe(5);
      expect((await checkpoint.loadCheckpoint({ epoch: 4 })).epoch).toBe(4);
    }));

  it('receives the best epoch again if that is in memory', () =>
    trainAndRemove({ restoreBestWeights: true, saveLast: true }, removeFolder, async (checkpoint, error) => {
      expect(error).toBeNull();
      expect(warnings()).toEqual([expect.stringMatching(/vanished.*stored again\.$/)]);
      expect(checkpoint.best?.epoch).toBe(1);
      expect(await storedEpochs(new FileStore(folder()))).toEqual({ best: 1, last: 5 });
    }));

  it('makes `fit` reject if the best epoch is lost and no later one was stored', () =>
    trainAndRemove(
      {},
      removeFolder,
      async (checkpoint, error) => {
        expect(error).toMatchObject({ code: 'ENTROPY_STORE_FAILED' });
        expect(error?.message).toContain('epoch 1');
        expect(warnings()).toEqual([expect.stringMatching(/vanished.* lost is epoch 1\./)]);
        expect(checkpoint.best?.epoch).toBe(1);
        expect(await rejection(checkpoint.flush())).toMatchObject({ code: 'ENTROPY_STORE_FAILED' });
      },
      SCALES.length - 1,
    ));

  it('is reported also if the next epoch replaces all that it held', () =>
    trainAndRemove(
      {},
      removeFolder,
      async (checkpoint, error) => {
        expect(error).toBeNull();
        expect(warnings()).toEqual([expect.stringMatching(/vanished.*stored again\.$/)]);
        expect(checkpoint.best?.epoch).toBe(1);
        expect(await storedEpochs(new FileStore(folder()))).toEqual({ best: 1 });
      },
      1,
    ));

  it('is noticed by `flush`, and the next epoch needs to beat nothing that is lost', () =>
    trainAndRemove({}, removeFolder, async (checkpoint, error) => {
      expect(error).toBeNull();
      expect(warnings()).toHaveLength(1);
      expect(checkpoint.best?.epoch).toBe(5);
      expect(await storedEpochs(new FileStore(folder()))).toEqual({ best: 5 });
    }));
});

describe('a single file that is removed during training', () => {
  it('costs the epoch that it held, and no other', () =>
    trainAndRemove(
      { maxToKeep: 2, saveLast: true },
      () => {
        rmSync(join(folder(), 'model.epoch-0.json'));
      },
      async (checkpoint, error) => {
        expect(error).toBeNull();
        expect(warnings()).toEqual([expect.stringMatching(/vanished.* lost is epoch 0\./)]);
        expect(checkpoint.kept.map(({ epoch }) => epoch)).toEqual([1, 5]);
        expect(await storedEpochs(new FileStore(folder()))).toEqual({
          best: 1,
          'epoch-1': 1,
          'epoch-5': 5,
          last: 5,
        });
      },
    ));

  it('is written again from another slot that holds the same epoch', () =>
    trainAndRemove(
      { maxToKeep: 2, saveLast: true },
      () => {
        rmSync(join(folder(), 'model.json'));
      },
      async (checkpoint, error) => {
        expect(error).toBeNull();
        expect(checkpoint.best?.epoch).toBe(1);
        expect(await storedEpochs(new FileStore(folder()))).toMatchObject({ best: 1, 'epoch-1': 1, last: 5 });
      },
    ));
});
