import { afterEach, beforeEach, describe, expect, it, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  EntropyCheckpoint,
  EntropyCheckpointCallback,
  loadCheckpoint,
  type EntropyCheckpointOptions,
} from '../../../src/index.js';
import { changes64 } from '../../support/changes64.js';
import { information64 } from '../../support/information64.js';
import { callbackWith } from '../../support/confidences.js';
import { rejection } from '../../support/errors.js';
import {
  disposeModel,
  expectNoTensorsLeft,
  makeData,
  makeModel,
  useTempFolder,
  weightValues,
} from '../../support/fixtures.js';

const tempFolder = useTempFolder();
const EPOCHS = 20;
const MONITORS: ['consensus' | 'label_wave', 'consensus' | 'previous'][] = [
  ['consensus', 'consensus'],
  ['label_wave', 'previous'],
];

beforeEach(() => {
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

interface Trained {
  readonly checkpoint: EntropyCheckpointCallback;
  readonly model: tf.LayersModel;
  readonly history: tf.History['history'];
  /** The validation predictions after each epoch. */
  readonly predictions: number[][][];
  readonly weights: number[][][];
}

/** @param to the epoch before which it ends. */
async function train(options: EntropyCheckpointOptions, to = EPOCHS): Promise<Trained> {
  const model = makeModel(tf.train.adam(0.1));
  const [train, val] = [makeData(40), makeData(22, 5)];
  const checkpoint = new EntropyCheckpointCallback(options);
  const { initialEpoch } =
    typeof options.filepath === 'string' ? await checkpoint.resume(model) : { initialEpoch: 0 };
  const [predictions, weights] = [[] as number[][][], [] as number[][][]];
  const note = callbackWith('onEpochEnd', async () => {
    const predicted = model.predict(val.x) as tf.Tensor2D;
    predictions.push(await predicted.array());
    predicted.dispose();
    weights.push(weightValues(model));
  });
  const { history } = await model.fit(train.x, train.y, {
    epochs: to,
    initialEpoch,
    batchSize: 8,
    shuffle: false,
    verbose: 0,
    validationData: [val.x, val.y],
    callbacks: [checkpoint, note],
  });
  tf.dispose([train.x, train.y, val.x, val.y]);
  return { checkpoint, model, history, predictions, weights };
}

describe.each(MONITORS)('monitor: %s', (monitor, comparesWith) => {
  it('matches an independent calculation, and keeps and restores the best epoch', async () => {
    await expectNoTensorsLeft(async () => {
      const { checkpoint, model, history, predictions, weights } = await train({ monitor, filepath: null });
      const shares = changes64(predictions, comparesWith);
      const records = checkpoint.history;
      expect(records[0]!.valChanges).toBeNull();
      for (const [i, { valChanges }] of records.slice(1).entries())
        expect(valChanges).toBeCloseTo(shares[i + 1]!, 6);
      expect(new Set(shares).size).toBeGreaterThan(3);
      for (const [i, { valInformation }] of records.entries()) {
        if (monitor === 'label_wave') expect(valInformation).toBeUndefined();
        else expect(valInformation).toBeCloseTo(information64(predictions[i]!), 5);
      }

      // Calculated independently, from the numbers of the records.
      const values = records.map(({ trainEntropy, valEntropy }, i) => {
        if (i === 0) return null;
        if (monitor === 'label_wave') {
          const last = shares.slice(Math.max(1, i - 2), i + 1) as number[];
          return last.reduce((sum, share) => sum + share, 0) / last.length;
        }
        const merit = 1 - shares[i]! - ((records[i - 1]!.valEntropy! + valEntropy!) / 2 - trainEntropy!);
        return merit * Math.min(1, information64(predictions[i]!) / 0.1);
      });
      for (const [i, { value }] of records.entries()) expect(value ?? 0).toBeCloseTo(values[i] ?? 0, 6);
      const patience = monitor === 'label_wave' ? 1 : 7;
      const gain = (value: number): number => (monitor === 'label_wave' ? -value : value);
      let best = 1;
      for (let i = 2; i < EPOCHS && i - best <= patience; i++) {
        if (i - best === patience && gain(records[i]!.value!) <= gain(records[best]!.value!)) break;
        if (gain(records[i]!.value!) > gain(records[best]!.value!)) best = i;
      }
      expect(checkpoint.best?.epoch).toBe(best);
      expect(best).toBeLessThan(EPOCHS - 1);

      expect(history['val_changes']).toHaveLength(EPOCHS - 1);
      expect(history[monitor]).toEqual(records.slice(1).map(({ value }) => value));
      await checkpoint.loadCheckpoint();
      expect(weightValues(model)).toEqual(weights[best]);
      checkpoint.dispose();
      disposeModel(model);
    });
  });

  it('is the same in a resumed run as in an uninterrupted one', async () => {
    const whole = await train({ monitor, filepath: null });
    const options = { monitor, filepath: tempFolder(), saveLast: true };
    await train(options, 3);
    const resumed = await train(options);
    expect(resumed.checkpoint.history.map(({ fit, ...record }) => record)).toEqual(
      whole.checkpoint.history.map(({ fit, ...record }) => record),
    );
    expect(resumed.checkpoint.best?.epoch).toBe(whole.checkpoint.best?.epoch);
    await resumed.checkpoint.loadCheckpoint();
    await whole.checkpoint.loadCheckpoint();
    expect(weightValues(resumed.model)).toEqual(weightValues(whole.model));
  });

  it('stores its monitor state apart from the weights of the model', async () => {
    const folder = tempFolder();
    const { checkpoint } = await train({ monitor, filepath: folder });
    const { model, record } = await loadCheckpoint(folder);
    expect(record).toEqual(checkpoint.best);
    expect(model.weights).toHaveLength(4);
  });

  it('cannot be resumed with another monitor', async () => {
    const folder = tempFolder();
    await train({ monitor, filepath: folder });
    const other = new EntropyCheckpointCallback({ filepath: folder });
    const { code, message } = await rejection(other.resume(makeModel(tf.train.adam(0.1))));
    expect(code).toBe('ENTROPY_MONITOR_MISMATCH');
    expect(message).toContain(`monitor: '${monitor}'`);
  });

  it('is refused without validation, before a weight changes', async () => {
    const model = makeModel();
    const before = weightValues(model);
    const { x, y } = makeData(8);
    const checkpoint = new EntropyCheckpointCallback({ monitor, filepath: null });
    const { code, message } = await rejection(
      model.fit(x, y, { epochs: 1, verbose: 0, callbacks: checkpoint }),
    );
    expect(code).toBe('ENTROPY_UNKNOWN_MONITOR');
    expect(message).toContain('validation');
    expect(weightValues(model)).toEqual(before);
  });

  it('selects no epoch after the choice is made, nor in the next fit', async () => {
    const { checkpoint, model } = await train({ monitor, filepath: null, maxToKeep: 3 });
    const { best, kept } = checkpoint;
    expect(checkpoint.explain()).toMatch(
      monitor === 'label_wave' ? /the epoch after it was not better/ : /none of the 7 epochs/,
    );
    const [data, val] = [makeData(40), makeData(22, 5)];
    await model.fit(data.x, data.y, {
      epochs: 3,
      verbose: 0,
      validationData: [val.x, val.y],
      callbacks: checkpoint,
    });
    expect(checkpoint.best).toBe(best);
    expect(checkpoint.kept).toEqual(kept);
    expect(kept.length).toBeGreaterThan(1);
  });

  it('counts the same in a custom training loop as in fit', async () => {
    const inFit = await train({ monitor, filepath: null });
    const model = makeModel();
    const checkpoint = new EntropyCheckpoint(model, undefined, { monitor, filepath: null });
    const trainRows = tf.fill([4, 4], 0.25);
    await expect(
      (async () => {
        checkpoint.appendOutput(trainRows);
        await checkpoint.saveCheckpoint(0);
      })(),
    ).rejects.toMatchObject({ code: 'ENTROPY_NO_PREDICTIONS' });
    checkpoint.resetOutput();
    for (const [epoch, rows] of inFit.predictions.entries()) {
      checkpoint.appendOutput(trainRows);
      const predicted = tf.tensor2d(rows);
      checkpoint.appendOutput(predicted, 'val');
      predicted.dispose();
      await checkpoint.saveCheckpoint(epoch);
    }
    expect(checkpoint.history.map(({ valChanges }) => valChanges?.toFixed(6))).toEqual(
      inFit.checkpoint.history.map(({ valChanges }) => valChanges?.toFixed(6)),
    );
  });
});

test.each(['consensus', 'label_wave'] as const)(
  '%s counts the same in fitDataset, which validates with `evaluate`',
  async (monitor) => {
    const model = makeModel(tf.train.adam(0.1));
    const rows = async (count: number, seed: number): Promise<tf.data.Dataset<tf.TensorContainer>> => {
      const { x, y } = makeData(count, seed);
      const pairs = (await x.array()).map(async (xs, i) => ({ xs, ys: (await y.array())[i]! }));
      return tf.data.array(await Promise.all(pairs)).batch(8);
    };
    const checkpoint = new EntropyCheckpointCallback({ monitor, filepath: null });
    // Another callback evaluates too, which isn't validation.
    const evaluates = callbackWith('onBatchEnd', async () => {
      const { x, y } = makeData(6, 9);
      tf.dispose(model.evaluate(x, y, { verbose: 0 }));
      return Promise.resolve();
    });
    await model.fitDataset(await rows(40, 1), {
      epochs: 5,
      verbose: 0,
      validationData: await rows(22, 5),
      callbacks: [checkpoint, evaluates],
    });
    const inFit = await train({ monitor, filepath: null }, 5);
    expect(checkpoint.history.map(({ valChanges }) => valChanges?.toFixed(6))).toEqual(
      inFit.checkpoint.history.map(({ valChanges }) => valChanges?.toFixed(6)),
    );
    expect(checkpoint.best?.epoch).toBe(inFit.checkpoint.best?.epoch);
  },
);
