import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  EntropyCheckpoint,
  loadCheckpoint,
  MemoryStore,
  type EntropyCheckpointOptions,
} from '../../src/index.js';
import { disposeTrained } from '../support/dispose-trained.js';
import { rejection } from '../support/errors.js';
import { expectNoTensorsLeft } from '../support/fixtures.js';
import { storedEpochs } from '../support/stored-epochs.js';

// Each row of the table in docs/resume.md.

beforeEach(() => {
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

/** `epochs`: the monitored values of the epochs that are trained first. */
interface Trained {
  readonly checkpoint: EntropyCheckpoint;
  readonly optimizer: tf.AdamOptimizer;
  /** Ends the next epoch. @returns whether it's the best. */
  readonly end: (value: number) => Promise<boolean>;
  readonly dispose: () => void;
}

function start(store: MemoryStore, options: EntropyCheckpointOptions): Trained {
  const layer = tf.layers.dense({ units: 2, inputShape: [1], activation: 'softmax' });
  const model = tf.sequential({ layers: [layer] });
  const optimizer = tf.train.adam(0.1);
  model.compile({ optimizer, loss: 'categoricalCrossentropy' });
  const checkpoint = new EntropyCheckpoint(model, optimizer, {
    filepath: store,
    monitor: 'val_acc',
    ...options,
  });
  return {
    checkpoint,
    optimizer,
    async end(value) {
      tf.tidy(() => {
        optimizer.minimize(() => tf.sum(model.apply(tf.ones([1, 1])) as tf.Tensor).asScalar());
      });
      return checkpoint.saveCheckpoint(checkpoint.history.length, { val_acc: value, loss: -value });
    },
    dispose() {
      checkpoint.dispose();
      disposeTrained(model);
    },
  };
}

/** Trains epochs with these values by one instance, resumes with other options, and runs `body`. */
async function resumed(
  values: readonly number[],
  before: EntropyCheckpointOptions,
  after: EntropyCheckpointOptions,
  body: (second: Trained, store: MemoryStore, initialEpoch: number) => Promise<void>,
): Promise<void> {
  await expectNoTensorsLeft(async () => {
    const store = new MemoryStore();
    const first = start(store, before);
    for (const value of values) await first.end(value);
    await first.checkpoint.flush();
    first.dispose();
    const second = start(store, after);
    const { initialEpoch } = await second.checkpoint.resume();
    await body(second, store, initialEpoch);
    second.dispose();
    await second.checkpoint.flush();
  });
}

const LAST: EntropyCheckpointOptions = { saveLast: true };

describe('initialThreshold', () => {
  it('does not matter where a best epoch is stored', () =>
    resumed([0.5, 0.4], LAST, { ...LAST, initialThreshold: 0.9 }, async ({ checkpoint, end }) => {
      expect(checkpoint.best?.epoch).toBe(0);
      expect(await end(0.6)).toBe(true);
    }));

  it('must be beaten where none is', () =>
    resumed(
      [0.5],
      { ...LAST, initialThreshold: 0.8 },
      { ...LAST, initialThreshold: 0.6 },
      async ({ checkpoint, end }) => {
        expect(checkpoint.best).toBeNull();
        expect(await end(0.55)).toBe(false);
        expect(await end(0.65)).toBe(true);
      },
    ));
});

it('minDelta: new epochs must beat the stored best by it', () =>
  resumed([0.4, 0.45, 0.5], {}, { minDelta: 0.1 }, async ({ checkpoint, end }) => {
    expect(checkpoint.best?.epoch).toBe(2);
    expect(await end(0.59)).toBe(false);
    expect(await end(0.61)).toBe(true);
  }));

it.each<[string, EntropyCheckpointOptions]>([
  ['mode', { mode: 'min' }],
  ['monitor', { monitor: 'loss' }],
])('%s: another one is refused, and nothing is changed', (_name, after) =>
  expectNoTensorsLeft(async () => {
    const store = new MemoryStore();
    const first = start(store, LAST);
    for (const value of [0.5, 0.4]) await first.end(value);
    await first.checkpoint.flush();
    first.dispose();
    const second = start(store, { ...LAST, ...after });
    expect((await rejection(second.checkpoint.resume())).code).toBe('ENTROPY_MONITOR_MISMATCH');
    expect(second.checkpoint.history).toEqual([]);
    expect(second.optimizer.iterations).toBe(0);
    expect(await storedEpochs(store)).toEqual({ best: 0, last: 1 });
    second.dispose();
  }),
);

describe('maxToKeep', () => {
  it('larger: the stored epochs stay, and more are kept from now on', () =>
    resumed([0.4, 0.6, 0.5], LAST, { ...LAST, maxToKeep: 3 }, async ({ checkpoint, end }, store) => {
      // Epoch 2 is stored for resuming alone, and epoch 0 not at all.
      expect(checkpoint.kept.map(({ epoch }) => epoch)).toEqual([1]);
      expect(await storedEpochs(store)).toEqual({ best: 1, 'epoch-1': 1, last: 2 });
      await end(0.3);
      await checkpoint.flush();
      expect(await storedEpochs(store)).toEqual({ best: 1, 'epoch-1': 1, 'epoch-3': 3, last: 3 });
    }));

  it('smaller: the surplus is no longer kept, and the next save removes it', () =>
    resumed([0.4, 0.6, 0.5], { maxToKeep: 3 }, {}, async ({ checkpoint, end }, store) => {
      expect(checkpoint.kept.map(({ epoch }) => epoch)).toEqual([1]);
      expect(Object.keys(await storedEpochs(store))).toHaveLength(4);
      await end(0.7);
      await checkpoint.flush();
      expect(await storedEpochs(store)).toEqual({ best: 3 });
    }));
});

describe('keepEvery', () => {
  const stored = { best: 2, 'periodic-epoch-1': 1, 'periodic-epoch-3': 3 };

  it.each<[string, number[], EntropyCheckpointOptions]>([
    ['the same', [2, 1, 3, 5], { keepEvery: 2 }],
    ['another number', [2, 1, 3, 4], { keepEvery: 5 }],
    ['left out', [2, 1, 3], {}],
  ])('%s: the stored epochs stay', (_name, kept, after) =>
    resumed(
      [0.4, 0.3, 0.6, 0.5],
      { keepEvery: 2 },
      after,
      async ({ checkpoint, end }, store, initialEpoch) => {
        expect(initialEpoch).toBe(4);
        expect(await storedEpochs(store)).toEqual(stored);
        for (const value of [0.5, 0.4]) await end(value);
        await checkpoint.flush();
        expect(checkpoint.kept.map(({ epoch }) => epoch)).toEqual(kept);
        for (const epoch of kept) expect((await checkpoint.loadCheckpoint({ epoch })).epoch).toBe(epoch);
        expect(await storedEpochs(store)).toMatchObject(stored);
      },
    ),
  );

  it('set now: the epochs from now on are kept', () =>
    resumed([0.4, 0.3], LAST, { ...LAST, keepEvery: 2 }, async ({ checkpoint, end }, store) => {
      for (const value of [0.5, 0.45]) await end(value);
      await checkpoint.flush();
      expect(await storedEpochs(store)).toEqual({ best: 2, 'periodic-epoch-3': 3, last: 3 });
    }));
});

it('startFromEpoch: the stored best stays, and new epochs before it are not selected', () =>
  resumed([0.5, 0.4], LAST, { ...LAST, startFromEpoch: 3 }, async ({ checkpoint, end }) => {
    expect(checkpoint.best?.epoch).toBe(0);
    expect(await end(0.9)).toBe(false);
    expect(await end(0.8)).toBe(true);
    expect(checkpoint.best?.epoch).toBe(3);
  }));

describe('patience', () => {
  it('smaller: the epochs since the best one count, so the choice may be made', () =>
    resumed([0.5, 0.4, 0.3], LAST, { ...LAST, patience: 2 }, async ({ checkpoint, end }) => {
      expect(checkpoint.isDecided).toBe(true);
      expect(await end(0.9)).toBe(false);
    }));

  it('larger: the choice is open again', () =>
    resumed(
      [0.5, 0.4, 0.3],
      { ...LAST, patience: 2 },
      { ...LAST, patience: 4 },
      async ({ checkpoint, end }) => {
        expect(checkpoint.isDecided).toBe(false);
        expect(await end(0.9)).toBe(true);
      },
    ));
});

describe('saveLast', () => {
  it('set: the best epoch is resumed, and stored as the latest at once', () =>
    resumed([0.4, 0.5, 0.3], {}, LAST, async (_second, store, initialEpoch) => {
      expect(initialEpoch).toBe(2);
      expect(await storedEpochs(store)).toEqual({ best: 1, last: 1 });
    }));

  it('left out: the latest epoch is resumed, and the next save removes it', () =>
    resumed([0.5, 0.4], LAST, {}, async ({ checkpoint, end }, store, initialEpoch) => {
      expect(initialEpoch).toBe(2);
      await end(0.3);
      await checkpoint.flush();
      expect(await storedEpochs(store)).toEqual({ best: 0, last: 1 });
      await end(0.6);
      await checkpoint.flush();
      expect(await storedEpochs(store)).toEqual({ best: 3 });
    }));
});

describe('includeOptimizer', () => {
  const withOptimizer = async (store: MemoryStore): Promise<string> => {
    const other = start(new MemoryStore(), {});
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [1] })] });
    const outcome = await loadCheckpoint(store, { model, optimizer: other.optimizer }).then(
      () => 'stored',
      (error: unknown) => (error as { code: string }).code,
    );
    model.dispose();
    other.dispose();
    return outcome;
  };

  it('left out before: the optimizer begins anew, and is stored from now on', () =>
    resumed([0.5], { includeOptimizer: false }, {}, async ({ checkpoint, optimizer, end }, store) => {
      expect(optimizer.iterations).toBe(0);
      expect(await withOptimizer(store)).toBe('ENTROPY_OPTIMIZER_MISMATCH');
      await end(0.6);
      await checkpoint.flush();
      expect(await withOptimizer(store)).toBe('stored');
    }));

  it('left out now: its state is restored, and not stored any more', () =>
    resumed([0.4, 0.5], {}, { includeOptimizer: false }, async ({ checkpoint, optimizer, end }, store) => {
      expect(optimizer.iterations).toBe(2);
      await end(0.6);
      await checkpoint.flush();
      expect(await withOptimizer(store)).toBe('ENTROPY_OPTIMIZER_MISMATCH');
    }));
});
