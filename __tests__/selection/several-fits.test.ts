import { afterEach, beforeEach, describe, expect, it, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  EntropyCheckpointCallback,
  loadCheckpoint,
  MemoryStore,
  type EntropyCheckpointOptions,
} from '../../src/index.js';
import { callbackWith, FIT, setConfidence } from '../support/confidences.js';
import { disposeModel, expectNoTensorsLeft, makeData, makeModel, weightValues } from '../support/fixtures.js';

let warn: jest.SpiedFunction<typeof console.warn>;

beforeEach(() => {
  warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

/** The epochs and the initial epoch of each call. */
type Calls = readonly (readonly [epochs: number, initialEpoch: number])[];

interface Trained {
  readonly checkpoint: EntropyCheckpointCallback;
  readonly model: tf.Sequential;
  /** The weights after each epoch. */
  readonly weights: number[][][];
}

async function trainBy(
  calls: Calls,
  options: EntropyCheckpointOptions,
  use: (trained: Trained) => Promise<void> | void,
): Promise<void> {
  await expectNoTensorsLeft(async () => {
    const model = makeModel('adam');
    const { x, y } = makeData(32);
    const checkpoint = new EntropyCheckpointCallback({ filepath: null, ...options });
    const weights: number[][][] = [];
    const notes = callbackWith('onEpochEnd', () => weights.push(weightValues(model)));
    for (const [epochs, initialEpoch] of calls) {
      await model.fit(x, y, { ...FIT, epochs, initialEpoch, callbacks: [checkpoint, notes] });
    }
    await use({ checkpoint, model, weights });
    checkpoint.dispose();
    disposeModel(model);
    tf.dispose([x, y]);
  });
}

const SIX = [[6, 0]] as const;
const SIX_TIMES_ONE = Array.from({ length: 6 }, () => [1, 0] as const);
const numbersOf = ({ checkpoint }: Trained): number[] => checkpoint.history.map(({ epoch }) => epoch);

describe('the epochs of several `fit` calls', () => {
  test.each<[string, Calls, number[], number[]]>([
    ['one epoch each', SIX_TIMES_ONE, [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]],
    [
      'two epochs each',
      [
        [2, 0],
        [2, 0],
      ],
      [0, 1, 2, 3],
      [0, 0, 1, 1],
    ],
    [
      'an `initialEpoch` that continues',
      [
        [2, 0],
        [4, 2],
      ],
      [0, 1, 2, 3],
      [0, 0, 1, 1],
    ],
    [
      'an `initialEpoch` that leaves some out',
      [
        [1, 0],
        [6, 4],
        [1, 0],
      ],
      [0, 4, 5, 6],
      [0, 1, 1, 2],
    ],
  ])('are counted on: %s', (_how, calls, epochs, fits) =>
    trainBy(calls, {}, (trained) => {
      expect(numbersOf(trained)).toEqual(epochs);
      expect(trained.checkpoint.history.map(({ fit }) => fit)).toEqual(fits);
    }),
  );

  test.each<[string, EntropyCheckpointOptions]>([
    ['consensus', { monitor: 'consensus', patience: 2 }],
    ['label_wave', { monitor: 'label_wave' }],
    ['patience', { monitor: 'val_acc', patience: 2 }],
    ['startFromEpoch', { startFromEpoch: 3 }],
    ['maxToKeep', { monitor: 'loss', maxToKeep: 3 }],
  ])('are selected as those of a single call: %s', async (_what, options) => {
    const selections: object[] = [];
    for (const calls of [SIX, SIX_TIMES_ONE]) {
      await trainBy(calls, options, ({ checkpoint }) => {
        const { history, kept, isDecided } = checkpoint;
        selections.push({
          values: history.map(({ epoch, value, isBest }) => ({ epoch, value, isBest })),
          kept: kept.map(({ epoch }) => epoch),
          isDecided,
        });
      });
    }
    expect(selections[1]).toEqual(selections[0]);
  });

  it('are loaded by their numbers, in memory and from a store', async () => {
    for (const filepath of [null, new MemoryStore()]) {
      await trainBy(SIX_TIMES_ONE, { filepath, maxToKeep: 6 }, async ({ checkpoint, model, weights }) => {
        expect(checkpoint.kept).toHaveLength(6);
        for (const { epoch, fit } of checkpoint.kept) {
          expect(await checkpoint.loadCheckpoint({ epoch })).toBe(checkpoint.history[fit]);
          expect(weightValues(model)).toEqual(weights[epoch]);
          if (filepath === null) continue;
          const loaded = await loadCheckpoint(filepath, { epoch });
          expect(loaded.record.fit).toBe(fit);
          expect(weightValues(loaded.model)).toEqual(weights[epoch]);
          loaded.model.dispose();
        }
      });
    }
  });

  it('have different texts', async () => {
    const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
    await trainBy(SIX_TIMES_ONE, { monitor: 'loss', verbose: 1 }, async ({ checkpoint }) => {
      expect(checkpoint.explain()).toContain('Epoch 5, counted over all 6 calls of `fit`, was kept');
      const saved = log.mock.calls.map(([text]) => String(text)).filter((text) => text.includes('saved to'));
      const printed = saved.map((text) => /epoch \d+/.exec(text)![0]);
      expect(printed).toEqual([0, 1, 2, 3, 4, 5].map((epoch) => `epoch ${epoch}`));
      const rows = [...(await checkpoint.report()).matchAll(/<th scope="row">(?<name>[^<]*)</g)];
      expect(rows.map(({ groups }) => groups!['name'])).toEqual(['0', '1', '2', '3', '4', '5']);
    });
  });

  it('keep their number if one was cut short and is run again', () => {
    let stops = true;
    return expectNoTensorsLeft(async () => {
      const model = makeModel();
      const { x, y } = makeData(32);
      const checkpoint = new EntropyCheckpointCallback({ filepath: null });
      const stop = callbackWith('onBatchEnd', () => {
        if (stops && checkpoint.history.length === 1) model.stopTraining = true;
      });
      await model.fit(x, y, { ...FIT, epochs: 3, callbacks: [checkpoint, stop] });
      stops = false;
      await model.fit(x, y, { ...FIT, epochs: 3, initialEpoch: 1, callbacks: [checkpoint, stop] });
      const names = checkpoint.history.map(({ epoch, fit, value }) => [fit, epoch, value !== null]);
      expect(names).toEqual([
        [0, 0, true],
        [0, 1, false],
        [1, 1, true],
        [1, 2, true],
      ]);
      expect(await checkpoint.report()).toContain('<th scope="row">1·1<');
      checkpoint.dispose();
      disposeModel(model);
      tf.dispose([x, y]);
    });
  });

  it('are resumed by another call that begins at 0, or at the next number', async () => {
    for (const [epochs, initialEpoch] of [
      [1, 0],
      [4, 3],
    ] as const) {
      const filepath = new MemoryStore();
      const options = { filepath, saveLast: true };
      await trainBy(SIX_TIMES_ONE.slice(0, 3), options, () => undefined);
      await expectNoTensorsLeft(async () => {
        const model = makeModel('adam');
        const { x, y } = makeData(32);
        const checkpoint = new EntropyCheckpointCallback(options);
        expect(await checkpoint.resume(model)).toEqual({ initialEpoch: 3, initialBatch: 0 });
        await model.fit(x, y, { ...FIT, epochs, initialEpoch, callbacks: checkpoint });
        expect(checkpoint.history.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3]);
        checkpoint.dispose();
        disposeModel(model);
        tf.dispose([x, y]);
      });
    }
  });
});

describe('the warnings of several `fit` calls', () => {
  const printed = (part: string): number =>
    warn.mock.calls.flat().filter((text) => String(text).includes(part)).length;

  it('are given once an instance', async () => {
    const model = makeModel(tf.train.sgd(0));
    const entropy = (_yTrue: tf.Tensor, yPred: tf.Tensor): tf.Tensor => tf.mean(yPred);
    model.compile({ optimizer: tf.train.sgd(0), loss: 'categoricalCrossentropy', metrics: [entropy] });
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: null });
    const scales = [2, 3, 4, 1, 5];
    const set = callbackWith('onEpochBegin', () => {
      setConfidence(model, scales.shift()!);
    });
    for (let i = 0; i < 5; i++) await model.fit(x, y, { ...FIT, epochs: 1, callbacks: [set, checkpoint] });
    expect(checkpoint.best?.epoch).toBe(3);
    expect(printed('is the first that could be selected')).toBe(1);
    expect(printed('its own metric named "entropy"')).toBe(1);
    checkpoint.dispose();
  });

  it('do not come before an epoch could be selected', () =>
    trainBy(SIX_TIMES_ONE, { startFromEpoch: 4 }, ({ checkpoint }) => {
      expect(checkpoint.best?.epoch).toBeGreaterThanOrEqual(4);
      expect(printed('was selected')).toBe(0);
    }));

  it('say once that nothing could be selected', () =>
    trainBy(SIX_TIMES_ONE, { initialThreshold: 9 }, () => {
      expect(printed('was selected')).toBe(1);
    }));
});
