import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint, EntropyCheckpointCallback, MemoryStore } from '../src/index.js';
import { callbackWith, FIT, HOOKS } from './support/confidences.js';
import { expectNoTensorsLeft, makeData, makeModel } from './support/fixtures.js';
import { seenThroughProxy } from './support/proxy.js';

let warn: jest.SpiedFunction<typeof console.warn>;

beforeEach(() => {
  warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

interface Parts {
  readonly model: tf.Sequential;
  readonly x: tf.Tensor2D;
  readonly y: tf.Tensor2D;
  readonly fit: (callbacks: tf.CustomCallback | tf.CustomCallback[]) => Promise<tf.History>;
}

/** Runs `body` with a small model and data, frees them, and expects that no tensor is left. */
async function withModel(body: (parts: Parts) => Promise<void>): Promise<void> {
  await expectNoTensorsLeft(async () => {
    const model = makeModel(tf.train.sgd(0.1));
    const { x, y } = makeData(24);
    const { optimizer } = model;
    try {
      await body({
        model,
        x,
        y,
        fit: (callbacks) => model.fit(x, y, { ...FIT, epochs: 2, callbacks }),
      });
    } finally {
      optimizer.dispose();
      model.dispose();
      tf.dispose([x, y]);
    }
  });
}

describe('seen through a proxy', () => {
  it('a callback keeps the best epoch of `fit`, in a store that is seen through one as well', () =>
    withModel(async ({ fit }) => {
      const filepath = seenThroughProxy(new MemoryStore());
      const checkpoint = seenThroughProxy(
        new EntropyCheckpointCallback({ filepath, restoreBestWeights: true }),
      );
      await fit(checkpoint);
      expect(checkpoint.history).toHaveLength(2);
      expect(await checkpoint.loadCheckpoint()).toEqual(checkpoint.best);
      expect(checkpoint.explain()).toContain('was kept');
      await checkpoint.flush();
      checkpoint.dispose();
      expect(warn.mock.calls.flat().join()).not.toMatch(/disposed/);
    }));

  it('a checkpoint of a custom training loop scores, saves and loads', () =>
    withModel(async ({ model, x }) => {
      const checkpoint = seenThroughProxy(new EntropyCheckpoint(model, undefined, { filepath: null }));
      tf.tidy(() => {
        checkpoint.appendOutput(model.predict(x) as tf.Tensor);
      });
      expect(await checkpoint.saveCheckpoint(0)).toBe(true);
      expect(await checkpoint.loadCheckpoint()).toEqual(checkpoint.best);
      checkpoint.dispose();
    }));
});

describe('a hook that is called outside `fit`', () => {
  it('says so, however it is called', async () => {
    const checkpoint = new EntropyCheckpointCallback({ filepath: null });
    // eslint-disable-next-line @typescript-eslint/unbound-method -- that's what is tested.
    const { onTrainBegin } = checkpoint;
    for (const call of [() => onTrainBegin(), () => checkpoint.onTrainBegin()]) {
      await expect(Promise.resolve().then(call)).rejects.toMatchObject({
        code: 'ENTROPY_INVALID_STATE',
        message: expect.stringContaining('Pass this callback to `fit`'),
      });
    }
  });

  it('does nothing at the end of a batch or an epoch', async () => {
    // eslint-disable-next-line @typescript-eslint/unbound-method -- that's what is tested.
    const { onBatchEnd, onEpochEnd } = new EntropyCheckpointCallback({ filepath: null });
    await onBatchEnd(0);
    await onEpochEnd(0);
    expect(tf.memory().numTensors).toBe(0);
  });
});

describe('dispose', () => {
  const PLACES = HOOKS.flatMap((hook) => [[hook, 'before'] as const, [hook, 'after'] as const]);
  const OPTIONS = { saveLast: true, maxToKeep: 2, restoreBestWeights: true };

  it.each(PLACES)('in %s of a callback %s this one holds no tensor and no lock', (hook, place) =>
    withModel(async ({ fit }) => {
      const { numTensors } = tf.memory();
      const filepath = new MemoryStore();
      const checkpoint = new EntropyCheckpointCallback({ filepath, ...OPTIONS });
      const disposes = callbackWith(hook, () => {
        checkpoint.dispose();
      });
      await fit(place === 'before' ? [disposes, checkpoint] : [checkpoint, disposes]);
      await checkpoint.flush();
      expect(tf.memory().numTensors).toBe(numTensors);
      await filepath.open();
      filepath.close();
    }),
  );

  // The turns of the event loop pass while `fit` prepares, loads code, opens the store, trains, saves and ends.
  it.each([0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 80, 120])(
    'after %d turns of the event loop holds no tensor and no lock',
    (turns) =>
      withModel(async ({ fit }) => {
        const { numTensors } = tf.memory();
        const filepath = new MemoryStore();
        const checkpoint = new EntropyCheckpointCallback({ filepath, ...OPTIONS });
        const fitted = fit(checkpoint);
        for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
        checkpoint.dispose();
        checkpoint.dispose();
        await fitted;
        await checkpoint.flush();
        expect(tf.memory().numTensors).toBe(numTensors);
        await filepath.open();
        filepath.close();
      }),
  );

  it('before `fit` makes it train without the callback, and says so once', () =>
    withModel(async ({ fit }) => {
      const checkpoint = new EntropyCheckpointCallback({ filepath: null });
      checkpoint.dispose();
      await fit(checkpoint);
      await fit(checkpoint);
      expect(checkpoint.history).toEqual([]);
      expect(warn.mock.calls.flat()).toEqual([expect.stringMatching(/was disposed.*Make a new instance/)]);
    }));

  it('while the state before an epoch is captured holds nothing', () =>
    withModel(async ({ model, x, y }) => {
      const { numTensors } = tf.memory();
      const checkpoint = new EntropyCheckpointCallback({
        filepath: null,
        monitor: 'loss',
        patience: 1,
        minDelta: 1e9,
        stopTraining: true,
      });
      await model.fit(x, y, { ...FIT, epochs: 3, callbacks: checkpoint });
      expect(checkpoint.isDecided).toBe(true);
      const fitted = model.fit(x, y, { ...FIT, epochs: 3, callbacks: checkpoint });
      const begin = checkpoint.onEpochBegin.bind(checkpoint);
      checkpoint.onEpochBegin = async (epoch) => {
        const begun = begin(epoch);
        checkpoint.dispose();
        await begun;
      };
      await fitted;
      expect(tf.memory().numTensors).toBe(numTensors);
    }));
});
