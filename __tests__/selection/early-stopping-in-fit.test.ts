import { describe, expect, it } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, loadCheckpoint, type EntropyCheckpointOptions } from '../../src/index.js';
import { MemoryStore } from '../../src/stores/memory-store.js';
import { callbackWith, FIT } from '../support/confidences.js';
import { rejection } from '../support/errors.js';
import { disposeModel, expectNoTensorsLeft, makeData, makeModel, weightValues } from '../support/fixtures.js';

/** A monitor whose value of each epoch is given. Later epochs have none. */
const monitorOf =
  (values: readonly number[]) =>
  ({ epoch }: { epoch: number }): number | null =>
    values[epoch] ?? null;

interface Parts {
  readonly checkpoint: EntropyCheckpointCallback;
  readonly model: tf.Sequential;
  /** Trains on. @returns the epochs that began. */
  readonly fit: (epochs: number, initialEpoch?: number) => Promise<number[]>;
}

async function withTraining(
  options: EntropyCheckpointOptions,
  body: (parts: Parts) => Promise<void>,
): Promise<void> {
  await expectNoTensorsLeft(async () => {
    const model = makeModel('adam');
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: null, mode: 'max', ...options });
    const fit = async (epochs: number, initialEpoch = 0): Promise<number[]> => {
      const begun: number[] = [];
      const note = callbackWith('onEpochBegin', (epoch) => begun.push(epoch));
      await model.fit(x, y, { ...FIT, epochs, initialEpoch, callbacks: [note, checkpoint] });
      return begun;
    };
    await body({ checkpoint, model, fit });
    checkpoint.dispose();
    tf.dispose([x, y]);
    disposeModel(model);
  });
}

/** The best is epoch 1; with a patience of 2 the selection is final after epoch 3. */
const VALUES = [1, 3, 2, 2, 9, 9];
const STOPPING = { monitor: monitorOf(VALUES), patience: 2 };

describe('patience', () => {
  it('makes the selection final: later epochs are recorded, but not selected', () =>
    withTraining(STOPPING, async ({ checkpoint, fit }) => {
      expect(await fit(6)).toEqual([0, 1, 2, 3, 4, 5]);
      expect(checkpoint.isDecided).toBe(true);
      expect(checkpoint.best?.epoch).toBe(1);
      expect(checkpoint.history.map(({ isBest }) => isBest)).toEqual([
        true,
        true,
        false,
        false,
        false,
        false,
      ]);
    }));

  it('counts over several `fit` calls', () =>
    withTraining(STOPPING, async ({ checkpoint, fit }) => {
      for (const epoch of [0, 1, 2]) {
        await fit(epoch + 1, epoch);
        expect(checkpoint.isDecided).toBe(false);
      }
      await fit(4, 3);
      expect(checkpoint.isDecided).toBe(true);
      await fit(6, 4);
      expect(checkpoint.best?.epoch).toBe(1);
    }));

  it('is never over without a first best epoch', () =>
    withTraining({ monitor: monitorOf([]), patience: 1 }, async ({ checkpoint, fit }) => {
      await fit(4);
      expect(checkpoint.isDecided).toBe(false);
      expect(checkpoint.best).toBeNull();
    }));
});

describe('stopTraining', () => {
  it('ends `fit` once the selection is final', () =>
    withTraining({ ...STOPPING, stopTraining: true }, async ({ checkpoint, fit }) => {
      expect(await fit(6)).toEqual([0, 1, 2, 3]);
      expect(checkpoint.history).toHaveLength(4);
      expect((await checkpoint.loadCheckpoint()).epoch).toBe(1);
    }));

  it('restores the best weights then, with `restoreBestWeights`', () =>
    withTraining({ ...STOPPING, stopTraining: true, restoreBestWeights: true }, async (parts) => {
      await parts.fit(6);
      const restored = weightValues(parts.model);
      await parts.checkpoint.loadCheckpoint();
      expect(restored).toEqual(weightValues(parts.model));
    }));

  it('ends a later `fit` of the instance at once, and leaves its weights, optimizer and history', () =>
    withTraining({ ...STOPPING, stopTraining: true }, async ({ checkpoint, model, fit }) => {
      await fit(6);
      const before = weightValues(model);
      const { iterations } = model.optimizer;
      expect(await fit(6, 4)).toEqual([4]);
      expect(weightValues(model)).toEqual(before);
      expect(model.optimizer.iterations).toBe(iterations);
      expect(checkpoint.history).toHaveLength(4);
    }));

  it('works with consensus', () =>
    withTraining(
      { monitor: 'consensus', mode: 'auto', patience: 1, stopTraining: true },
      async ({ checkpoint, fit }) => {
        const begun = await fit(30);
        const { best, history, isDecided } = checkpoint;
        if (isDecided) expect(history.length - 1 - best!.epoch).toBe(1);
        else expect(begun).toHaveLength(30);
      },
    ));
});

describe('resuming a training that had stopped early', () => {
  async function stopped(): Promise<MemoryStore> {
    const filepath = new MemoryStore();
    await withTraining({ ...STOPPING, filepath, saveLast: true, stopTraining: true }, async ({ fit }) => {
      await fit(6);
    });
    return filepath;
  }

  it('stops again at once, with the stored weights', async () => {
    const filepath = await stopped();
    await withTraining({ ...STOPPING, filepath, saveLast: true, stopTraining: true }, async (parts) => {
      const { checkpoint, model, fit } = parts;
      const { initialEpoch } = await checkpoint.resume(model);
      expect(initialEpoch).toBe(4);
      expect(checkpoint.isDecided).toBe(true);
      const before = weightValues(model);
      expect(await fit(6, initialEpoch)).toEqual([4]);
      expect(weightValues(model)).toEqual(before);
      expect(checkpoint.history.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3]);
      const { record, model: stored } = await loadCheckpoint(filepath, { epoch: 'last' });
      expect(record.epoch).toBe(3);
      stored.dispose();
    });
  });

  it('continues without `stopTraining`, and the selection stays', async () => {
    const filepath = await stopped();
    await withTraining({ ...STOPPING, filepath, saveLast: true }, async ({ checkpoint, model, fit }) => {
      const { initialEpoch } = await checkpoint.resume(model);
      expect(await fit(6, initialEpoch)).toEqual([4, 5]);
      expect(checkpoint.best?.epoch).toBe(1);
      expect(checkpoint.history).toHaveLength(6);
    });
  });

  it('counts the epochs before the interruption', async () => {
    const filepath = new MemoryStore();
    await withTraining({ ...STOPPING, filepath, saveLast: true, stopTraining: true }, async ({ fit }) => {
      await fit(3);
    });
    await withTraining({ ...STOPPING, filepath, saveLast: true, stopTraining: true }, async (parts) => {
      const { initialEpoch } = await parts.checkpoint.resume(parts.model);
      expect(parts.checkpoint.isDecided).toBe(false);
      expect(await parts.fit(6, initialEpoch)).toEqual([3]);
    });
  });
});

describe('loadCheckpoint of the latest epoch', () => {
  it('restores it, with `saveLast`', () =>
    withTraining(
      { monitor: monitorOf(VALUES), saveLast: true, filepath: new MemoryStore() },
      async (parts) => {
        const { checkpoint, model, fit } = parts;
        await fit(3);
        const last = weightValues(model);
        expect((await checkpoint.loadCheckpoint()).epoch).toBe(1);
        expect(weightValues(model)).not.toEqual(last);
        const record = await checkpoint.loadCheckpoint({ epoch: 'last' });
        expect(record).toEqual(checkpoint.history[2]);
        expect(weightValues(model)).toEqual(last);
      },
    ));

  it('is refused without `saveLast`, and changes nothing', () =>
    withTraining({ monitor: monitorOf(VALUES), filepath: new MemoryStore() }, async (parts) => {
      const { checkpoint, model, fit } = parts;
      await fit(3);
      const before = weightValues(model);
      const error = await rejection(checkpoint.loadCheckpoint({ epoch: 'last' }));
      expect(error.code).toBe('ENTROPY_INVALID_OPTION');
      expect(error.message).toContain('saveLast');
      expect(weightValues(model)).toEqual(before);
    }));
});
