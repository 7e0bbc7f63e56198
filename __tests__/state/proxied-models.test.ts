import { describe, expect, it } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  EntropyCheckpoint,
  EntropyCheckpointCallback,
  loadCheckpoint,
  MemoryStore,
} from '../../src/index.js';
import { FIT } from '../support/confidences.js';
import { rejection } from '../support/errors.js';
import { disposeModel, expectNoTensorsLeft, makeData, makeModel, weightValues } from '../support/fixtures.js';
import { seenThroughDeepProxy } from '../support/proxy.js';

interface Parts {
  /** Seen through a deep proxy. */
  readonly model: tf.Sequential;
  readonly x: tf.Tensor2D;
  readonly y: tf.Tensor2D;
  /** Holds a checkpoint. */
  readonly store: MemoryStore;
}

const USES: Readonly<Record<string, (parts: Parts) => Promise<unknown>>> = {
  fit: async ({ model, x, y, store }) => {
    const checkpoint = new EntropyCheckpointCallback({ filepath: store });
    await model.fit(x, y, { ...FIT, callbacks: checkpoint }).finally(() => {
      checkpoint.dispose();
    });
  },
  resume: async ({ model, store }) => {
    const checkpoint = new EntropyCheckpointCallback({ filepath: store });
    await checkpoint.resume(model).finally(() => {
      checkpoint.dispose();
    });
  },
  loadCheckpoint: ({ model, store }) => loadCheckpoint(store, { model }),
  'a custom training loop': async ({ model, store }) => {
    const checkpoint = new EntropyCheckpoint(model, undefined, { filepath: store, monitor: 'loss' });
    await checkpoint.saveCheckpoint(0, { loss: 1 }).finally(() => {
      checkpoint.dispose();
    });
  },
};

describe('a model that is seen through a deep proxy', () => {
  it.each(Object.entries(USES))('is refused with a remedy: %s', async (_name, use) => {
    await expectNoTensorsLeft(async () => {
      const model = makeModel();
      const { x, y } = makeData(24);
      const store = new MemoryStore();
      const trained = new EntropyCheckpointCallback({ filepath: store, saveLast: true });
      await model.fit(x, y, { ...FIT, callbacks: trained });
      trained.dispose();
      const before = weightValues(model);
      const { code, message } = await rejection(use({ model: seenThroughDeepProxy(model), x, y, store }));
      expect(code).toBe('ENTROPY_UNSUPPORTED_MODEL');
      expect(message).toContain('Keep the model out of deep reactive state');
      expect(weightValues(model)).toEqual(before);
      // The store isn't locked.
      await store.open();
      store.close();
      tf.dispose([x, y]);
      disposeModel(model);
    });
  });
});

it('this package is left alone in a deep proxy, as Vue leaves what is marked', () => {
  const checkpoint = new EntropyCheckpointCallback({ filepath: new MemoryStore() });
  expect(seenThroughDeepProxy({ checkpoint }).checkpoint).toBe(checkpoint);
  checkpoint.dispose();
});
