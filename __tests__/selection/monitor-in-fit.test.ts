import { describe, expect, it, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  EntropyCheckpointCallback,
  type EntropyCheckpointOptions,
  type MonitoredEpoch,
} from '../../src/index.js';
import { MemoryStore } from '../../src/stores/memory-store.js';
import { callbackWith, FIT } from '../support/confidences.js';
import { rejection } from '../support/errors.js';
import { disposeModel, expectNoTensorsLeft, makeData, makeModel, weightValues } from '../support/fixtures.js';

/** Trains between an earlier callback and a later one, and frees everything. */
async function withFit(
  options: EntropyCheckpointOptions,
  before: readonly tf.CustomCallback[],
  body: (
    fitted: Promise<unknown>,
    checkpoint: EntropyCheckpointCallback,
    model: tf.Sequential,
  ) => Promise<void>,
): Promise<void> {
  await expectNoTensorsLeft(async () => {
    const model = makeModel('adam');
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: null, ...options });
    await body(model.fit(x, y, { ...FIT, callbacks: [...before, checkpoint] }), checkpoint, model);
    checkpoint.dispose();
    tf.dispose([x, y]);
    disposeModel(model);
  });
}

/** Writes a value to the logs of each epoch. */
const adds = (name: string, values: readonly (number | null)[]): tf.CustomCallback =>
  callbackWith('onEpochEnd', (epoch, logs) => {
    const value = values[epoch] ?? null;
    if (value !== null) logs[name] = value;
  });

it('monitors accuracy and loss of validation together', () =>
  withFit({ monitor: 'val_acc_and_loss' }, [], async (fitted, checkpoint) => {
    await fitted;
    const { history } = checkpoint;
    for (const { value, logs } of history)
      expect(value).toBeCloseTo(logs['val_acc']! - (0.1 * logs['val_loss']!) / Math.log(4), 12);
    expect(checkpoint.best!.value).toBe(Math.max(...history.map(({ value }) => value!)));
  }));

describe('a value that an earlier callback adds to `logs`', () => {
  const values = [0.1, 0.9, 0.5, 0.7];

  it('selects the epoch, if `mode` is set', () =>
    withFit({ monitor: 'f1', mode: 'max' }, [adds('f1', values)], async (fitted, checkpoint) => {
      await fitted;
      expect(checkpoint.best?.epoch).toBe(1);
      expect(checkpoint.history.map(({ value }) => value)).toEqual(values);
      expect(checkpoint.best?.logs['f1']).toBe(0.9);
    }));

  it('may be a scalar', async () => {
    // `fit` frees it, like its own scalars.
    const add = callbackWith('onEpochEnd', (epoch, logs) => {
      (logs as Record<string, unknown>)['f1'] = tf.scalar(values[epoch]!);
    });
    await withFit({ monitor: 'f1', mode: 'min' }, [add], async (fitted, checkpoint) => {
      await fitted;
      expect(checkpoint.best?.epoch).toBe(0);
    });
  });

  it('is not awaited without `mode`: its name is refused before training', () =>
    withFit({ monitor: 'gain_error' }, [adds('gain_error', values)], async (fitted, _checkpoint, model) => {
      const before = weightValues(model);
      const error = await rejection(fitted);
      expect(error.code).toBe('ENTROPY_UNKNOWN_MONITOR');
      expect(error.message).toContain('set `mode:');
      expect(weightValues(model)).toEqual(before);
    }));

  it('must be there at the end of the first epoch; the error names the values that are', () =>
    withFit({ monitor: 'f1', mode: 'max' }, [adds('f2', values)], async (fitted, checkpoint) => {
      const error = await rejection(fitted);
      expect(error.code).toBe('ENTROPY_UNKNOWN_MONITOR');
      for (const name of ['f1', 'f2', 'val_acc', 'val_loss']) expect(error.message).toContain(name);
      expect(checkpoint.history).toHaveLength(0);
    }));

  it('may be missing later: that epoch is recorded, and never the best', () =>
    withFit({ monitor: 'f1', mode: 'max' }, [adds('f1', [0.2, null, 0.3])], async (fitted, checkpoint) => {
      await fitted;
      expect(checkpoint.history.map(({ value }) => value)).toEqual([0.2, null, 0.3, null]);
      expect(checkpoint.best?.epoch).toBe(2);
    }));

  it('that is added by a later callback is refused', async () => {
    const model = makeModel();
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: null, monitor: 'f1', mode: 'max' });
    const fitted = model.fit(x, y, { ...FIT, callbacks: [checkpoint, adds('f1', values)] });
    expect((await rejection(fitted)).code).toBe('ENTROPY_UNKNOWN_MONITOR');
    checkpoint.dispose();
  });
});

describe('a function', () => {
  it('selects the epoch, from the record without value and isBest', () => {
    const seen: MonitoredEpoch[] = [];
    const monitor = (epoch: MonitoredEpoch): number => {
      seen.push(epoch);
      return Math.abs(epoch.epoch - 2);
    };
    return withFit({ monitor, mode: 'min' }, [], async (fitted, checkpoint) => {
      await fitted;
      expect(checkpoint.best?.epoch).toBe(2);
      expect(seen.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3]);
      expect(seen[0]).toEqual(
        expect.objectContaining({ entropy: expect.any(Number), valEntropy: expect.any(Number) }),
      );
      expect(Object.keys(seen[0]!.logs)).toEqual(expect.arrayContaining(['loss', 'val_acc']));
      expect(seen[0]).not.toHaveProperty('isBest');
    });
  });

  it.each([null, NaN, Infinity])('may return %p: that epoch is recorded, and never the best', (none) =>
    withFit(
      { monitor: ({ epoch }) => (epoch === 1 ? 5 : none), mode: 'max' },
      [],
      async (fitted, checkpoint) => {
        await fitted;
        expect(checkpoint.best?.epoch).toBe(1);
        expect(checkpoint.history).toHaveLength(4);
      },
    ),
  );

  it.each(['0.5', true, { value: 1 }])(
    'that returns %p makes `fit` reject, with the value in the message',
    (wrong) =>
      withFit({ monitor: (() => wrong) as never, mode: 'max' }, [], async (fitted) => {
        const error = await rejection(fitted);
        expect(error.code).toBe('ENTROPY_INVALID_OPTION');
        expect(error.message).toContain('return a number or null');
      }),
  );

  it('that throws makes `fit` reject with its error, and leaves no tensor', () =>
    withFit(
      {
        monitor: () => {
          throw new Error('my bug');
        },
        mode: 'max',
      },
      [],
      async (fitted) => {
        await expect(fitted).rejects.toThrow('my bug');
      },
    ));

  it('is resumed by a function, and by nothing else', async () => {
    const filepath = new MemoryStore();
    const monitor = ({ epoch }: MonitoredEpoch): number => epoch;
    await withFit({ filepath, monitor, mode: 'max' }, [], async (fitted) => {
      await fitted;
    });
    await withFit({ filepath: null }, [], async (fitted, _checkpoint, model) => {
      await fitted;
      const resumed = new EntropyCheckpointCallback({ filepath, monitor, mode: 'max' });
      expect(await resumed.resume(model)).toEqual({ initialEpoch: 4, initialBatch: 0 });
      resumed.dispose();
      const other = new EntropyCheckpointCallback({ filepath });
      expect((await rejection(other.resume(model))).code).toBe('ENTROPY_MONITOR_MISMATCH');
      other.dispose();
    });
  });
});

test.each(['entropy', 'train_entropy', 'val_entropy', 'val_acc', 'val_loss', 'loss', 'acc'] as const)(
  '%s is the value of every epoch, as it is logged',
  (monitor) =>
    withFit({ monitor }, [], async (fitted, checkpoint) => {
      const { history } = (await fitted) as tf.History;
      expect(checkpoint.history.map(({ value }) => value)).toEqual(history[monitor]);
      expect(checkpoint.history).toHaveLength(4);
    }),
);
