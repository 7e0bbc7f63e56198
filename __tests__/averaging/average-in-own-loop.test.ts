import { describe, expect, it } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint, MemoryStore, type EntropyCheckpointOptions } from '../../src/index.js';
import { disposeTrained } from '../support/dispose-trained.js';
import { rejection, thrownBy } from '../support/errors.js';
import { expectNoTensorsLeft, makeData, makeModel } from '../support/fixtures.js';
import { Average64, valuesOf } from './fixtures/average64.js';

const BATCHES = 17;

interface Loop {
  readonly model: tf.Sequential;
  readonly checkpoint: EntropyCheckpoint;
  /** Trains one epoch, validates it on the average, and ends it. */
  readonly trainEpoch: (epoch: number) => Promise<number>;
}

async function runLoop(
  options: EntropyCheckpointOptions,
  body: (loop: Loop) => Promise<void>,
): Promise<void> {
  const model = makeModel(tf.train.adam(0.05));
  const checkpoint = new EntropyCheckpoint(model, undefined, options);
  const val = makeData(20, 99);
  const validate = (): number =>
    tf.tidy(() => (model.evaluate(val.x, val.y) as tf.Scalar[])[0]!.dataSync()[0]!);
  const trainEpoch = async (epoch: number): Promise<number> => {
    for (let batch = 0; batch < BATCHES; batch++) {
      const { x, y } = makeData(4, 1 + batch);
      tf.dispose(await model.trainOnBatch(x, y));
      tf.dispose([x, y]);
      if (options.averageWeights !== undefined) checkpoint.updateAverage();
    }
    const loss = options.averageWeights === undefined ? validate() : await checkpoint.withAverage(validate);
    await checkpoint.saveCheckpoint(epoch, { val_loss: loss });
    return loss;
  };
  try {
    await body({ model, checkpoint, trainEpoch });
  } finally {
    await checkpoint.flush();
    checkpoint.dispose();
    tf.dispose([val.x, val.y]);
    disposeTrained(model);
  }
}

const withLoop: typeof runLoop = (options, body) => expectNoTensorsLeft(() => runLoop(options, body));

const AVERAGED: EntropyCheckpointOptions = { filepath: null, monitor: 'val_loss', averageWeights: true };

describe('a loop with `updateAverage` and `withAverage`', () => {
  it('validates on the average of the steps, and keeps it', () =>
    withLoop(AVERAGED, async ({ model, checkpoint, trainEpoch }) => {
      const averages: number[][][] = [];
      for (let epoch = 0; epoch < 3; epoch++) {
        const loss = await trainEpoch(epoch);
        const trained = valuesOf(model);
        averages.push(await checkpoint.withAverage(() => valuesOf(model)));
        expect(averages[epoch]).not.toEqual(trained);
        expect(valuesOf(model)).toEqual(trained);
        expect(checkpoint.history[epoch]).toMatchObject({ isAveraged: true, logs: { val_loss: loss } });
      }
      const { epoch } = await checkpoint.loadCheckpoint();
      expect(valuesOf(model)).toEqual(averages[epoch]);
    }));

  it('trains as without them', () =>
    expectNoTensorsLeft(() =>
      runLoop({ filepath: null, monitor: 'val_loss' }, (bare) =>
        runLoop(AVERAGED, async (averaged) => {
          for (let epoch = 0; epoch < 2; epoch++) {
            await bare.trainEpoch(epoch);
            await averaged.trainEpoch(epoch);
          }
          expect(valuesOf(averaged.model)).toEqual(valuesOf(bare.model));
        }),
      ),
    ));

  it('is what the formula says, once the size of an epoch is known', () =>
    withLoop(AVERAGED, async ({ model, checkpoint }) => {
      // All steps of the first epoch see the same weights, so the average begins with them.
      const expected = new Average64();
      for (let i = 0; i < BATCHES; i++) {
        checkpoint.updateAverage();
        expected.endBatch(valuesOf(model), i, BATCHES);
      }
      await checkpoint.saveCheckpoint(0, { val_loss: 1 });
      for (let i = 0; i < BATCHES; i++) {
        const { x, y } = makeData(4, 1 + i);
        tf.dispose(await model.trainOnBatch(x, y));
        tf.dispose([x, y]);
        checkpoint.updateAverage();
      }
      const trained = valuesOf(model);
      const averaged = await checkpoint.withAverage(() => valuesOf(model));
      for (const [i, values] of averaged.entries()) {
        for (const [j, value] of values.entries()) {
          // Between the weights at the beginning and those at the end.
          const bounds = [expected.average[i]![j]!, trained[i]![j]!].sort((a, b) => a - b);
          expect(value).toBeGreaterThan(bounds[0]! - 0.2);
          expect(value).toBeLessThan(bounds[1]! + 0.2);
        }
      }
    }));

  it('is resumed exactly', () =>
    expectNoTensorsLeft(async () => {
      const options = { ...AVERAGED, saveLast: true };
      const store = new MemoryStore();
      await runLoop({ ...options, filepath: new MemoryStore() }, async (whole) => {
        for (let epoch = 0; epoch < 4; epoch++) await whole.trainEpoch(epoch);
        await runLoop({ ...options, filepath: store }, async ({ trainEpoch }) => {
          for (let epoch = 0; epoch < 2; epoch++) await trainEpoch(epoch);
        });
        await runLoop({ ...options, filepath: store }, async ({ model, checkpoint, trainEpoch }) => {
          const { initialEpoch } = await checkpoint.resume();
          expect(initialEpoch).toBe(2);
          for (let epoch = initialEpoch; epoch < 4; epoch++) await trainEpoch(epoch);
          expect(checkpoint.history).toEqual(whole.checkpoint.history);
          expect(valuesOf(model)).toEqual(valuesOf(whole.model));
        });
      });
    }));

  it('returns what the validation returns, and passes on what it throws', () =>
    withLoop(AVERAGED, async ({ checkpoint, trainEpoch }) => {
      await trainEpoch(0);
      expect(await checkpoint.withAverage(() => 7)).toBe(7);
      expect(await checkpoint.withAverage(() => Promise.resolve(8))).toBe(8);
      const failing = checkpoint.withAverage(() => Promise.reject(new Error('no data')));
      await expect(failing).rejects.toThrow('no data');
    }));
});

describe('inside `withAverage`', () => {
  it.each<[string, (checkpoint: EntropyCheckpoint) => unknown]>([
    [
      'updateAverage',
      (checkpoint) => {
        checkpoint.updateAverage();
      },
    ],
    ['saveCheckpoint', (checkpoint) => checkpoint.saveCheckpoint(1, { val_loss: 1 })],
    ['loadCheckpoint', (checkpoint) => checkpoint.loadCheckpoint()],
    ['withAverage', (checkpoint) => checkpoint.withAverage(() => 1)],
  ])('%s is refused', (_name, use) =>
    withLoop(AVERAGED, async ({ model, checkpoint, trainEpoch }) => {
      await trainEpoch(0);
      const trained = valuesOf(model);
      const error = await checkpoint.withAverage(() =>
        rejection(Promise.resolve().then(() => use(checkpoint))),
      );
      expect(error.code).toBe('ENTROPY_INVALID_STATE');
      expect(error.message).toContain('Await `withAverage` before that');
      expect(valuesOf(model)).toEqual(trained);
      expect(checkpoint.history).toHaveLength(1);
    }),
  );

  it('training is refused when it ends, and undone', () =>
    withLoop(AVERAGED, async ({ model, checkpoint, trainEpoch }) => {
      await trainEpoch(0);
      const trained = valuesOf(model);
      const { x, y } = makeData(4, 1);
      const error = await rejection(
        checkpoint.withAverage(async () => {
          tf.dispose(await model.trainOnBatch(x, y));
        }),
      );
      tf.dispose([x, y]);
      expect(error.code).toBe('ENTROPY_INVALID_STATE');
      expect(valuesOf(model)).toEqual(trained);
    }));
});

describe('a loop that forgets', () => {
  it('updateAverage is refused at the end of its epoch', () =>
    withLoop(AVERAGED, async ({ checkpoint }) => {
      const error = await rejection(checkpoint.saveCheckpoint(0, { val_loss: 1 }));
      expect(error.code).toBe('ENTROPY_INVALID_STATE');
      expect(error.message).toContain('Call `updateAverage` after each training step');
      expect(checkpoint.history).toEqual([]);
    }));

  it('withAverage is refused when it appends validation', () =>
    withLoop({ ...AVERAGED, monitor: 'val_entropy' }, async ({ model, checkpoint }) => {
      const { x, y } = makeData(4, 1);
      const output = model.predict(x) as tf.Tensor;
      checkpoint.updateAverage();
      const error = thrownBy(() => {
        checkpoint.appendOutput(output, 'val');
      });
      expect(error.code).toBe('ENTROPY_INVALID_STATE');
      expect(error.message).toContain('Validate inside `withAverage`');
      await checkpoint.withAverage(() => {
        checkpoint.appendOutput(output, 'val');
      });
      await checkpoint.saveCheckpoint(0);
      expect(checkpoint.history[0]!.valEntropy).not.toBeNull();
      tf.dispose([x, y, output]);
    }));
});

describe('without `averageWeights`', () => {
  it('updateAverage and withAverage are refused', () =>
    withLoop({ filepath: null, monitor: 'val_loss' }, async ({ checkpoint }) => {
      const errors = [
        thrownBy(() => {
          checkpoint.updateAverage();
        }),
        await rejection(checkpoint.withAverage(() => 1)),
      ];
      for (const error of errors) {
        expect(error.code).toBe('ENTROPY_INVALID_STATE');
        expect(error.message).toContain('Set `averageWeights`');
      }
    }));

  it('withAverage refuses what is no function', () =>
    withLoop(AVERAGED, async ({ checkpoint }) => {
      // Callers in JavaScript may pass anything.
      const error = await rejection(checkpoint.withAverage(7 as never));
      expect(error.code).toBe('ENTROPY_INVALID_ARGUMENT');
    }));
});
