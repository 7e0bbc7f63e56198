import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  EntropyCheckpoint,
  EntropyCheckpointCallback,
  type EntropyCheckpointOptions,
} from '../../src/index.js';
import { callbackWith, FIT } from '../support/confidences.js';
import { rejection } from '../support/errors.js';
import { disposeModel, expectNoTensorsLeft, makeData, makeModel, weightValues } from '../support/fixtures.js';

let warn: jest.SpiedFunction<typeof console.warn>;

beforeEach(() => {
  warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

const warnings = (): string => warn.mock.calls.flat().join('\n');

type Use = (checkpoint: EntropyCheckpointCallback, history: tf.Logs) => Promise<void> | void;

/** Trains a model that has a metric of this name, whose value is 7. If `fit` is rejected, no weight has changed. */
async function trainWith(
  metricName: string,
  options: EntropyCheckpointOptions,
  use: Use,
  earlier: tf.CustomCallback[] = [],
): Promise<void> {
  await expectNoTensorsLeft(async () => {
    const model = makeModel();
    const metric = Object.defineProperty(() => tf.scalar(7), 'name', { value: metricName });
    const { optimizer } = model;
    model.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: [metric] });
    const { x, y } = makeData(24);
    const before = weightValues(model);
    const checkpoint = new EntropyCheckpointCallback({ filepath: null, ...options });
    try {
      const { history } = await model.fit(x, y, { ...FIT, callbacks: [...earlier, checkpoint] });
      await use(checkpoint, history as unknown as tf.Logs);
    } catch (error) {
      expect(weightValues(model)).toEqual(before);
      throw error;
    } finally {
      checkpoint.dispose();
      disposeModel(model);
      tf.dispose([x, y]);
    }
  });
}

describe('a metric of the model with the name of a value of this package', () => {
  it('is recorded in `logs`, beside that value', () =>
    trainWith('entropy', {}, (checkpoint, history) => {
      for (const { entropy, valEntropy, value, logs } of checkpoint.history) {
        expect(logs).toMatchObject({ entropy: 7, val_entropy: 7 });
        expect(entropy).toBeLessThan(1);
        expect(valEntropy).toBeLessThan(1);
        expect(value).toBe(entropy);
      }
      expect(history['entropy']).toEqual([7, 7, 7, 7]);
      expect(warnings()).toContain('The model has its own metric named "val_entropy"');
    }));

  it('is monitored by a name that is no monitor of this package', () =>
    trainWith('changes', { monitor: 'val_changes', mode: 'min' }, (checkpoint) => {
      expect(checkpoint.history.map(({ value }) => value)).toEqual([7, 7, 7, 7]);
      expect(checkpoint.best?.epoch).toBe(0);
    }));

  it.each([
    ['entropy', 'entropy'],
    ['entropy', 'val_entropy'],
    ['consensus', 'consensus'],
    ['label_wave', 'label_wave'],
  ])(
    '%s makes `monitor: %s` ambiguous, which is refused before a weight changes',
    async (metric, monitor) => {
      const { code, message } = await rejection(trainWith(metric, { monitor }, () => undefined));
      expect(code).toBe('ENTROPY_INVALID_OPTION');
      expect(message).toMatch(/Rename the metric/);
    },
  );

  it('is monitored by a function, as the refusal says', () =>
    trainWith('consensus', { monitor: ({ logs }) => logs['consensus']!, mode: 'max' }, (checkpoint) => {
      expect(checkpoint.history.map(({ value }) => value)).toEqual([7, 7, 7, 7]);
    }));

  it('has its own column and chart in the report', () =>
    trainWith('entropy', {}, async (checkpoint) => {
      const page = await checkpoint.report();
      const columns = [...page.matchAll(/<th scope="col">(?<name>[^<]*)</g)].map(
        ({ groups }) => groups!['name'],
      );
      expect(columns).toContain('entropy');
      expect(columns).toContain('entropy (metric)');
      expect(new Set(columns).size).toBe(columns.length);
      expect(page).toContain('<h2>Entropy (metric)</h2>');
    }));
});

describe('a value that an earlier callback adds under such a name', () => {
  const adding = callbackWith('onEpochEnd', (epoch, logs) => {
    Object.assign(logs, { consensus: 100 + epoch, val_changes: epoch });
  });

  it('stays in `logs`, is recorded, and is not the monitored one', () =>
    trainWith(
      'other',
      { monitor: 'consensus' },
      (checkpoint, history) => {
        expect(history['consensus']).toEqual([100, 101, 102, 103]);
        for (const [epoch, { value, valChanges, logs }] of checkpoint.history.entries()) {
          expect(logs).toMatchObject({ consensus: 100 + epoch, val_changes: epoch });
          if (epoch > 0) expect(Math.abs(value!)).toBeLessThan(2);
          if (epoch > 1) expect(valChanges).toBeLessThanOrEqual(1);
        }
        expect(warnings()).toContain('An earlier callback has its own value named "consensus"');
      },
      [adding],
    ));

  it('is monitored if it is no monitor of this package', () =>
    trainWith(
      'other',
      { monitor: 'val_changes', mode: 'max' },
      (checkpoint) => {
        expect(checkpoint.history.map(({ value }) => value)).toEqual([0, 1, 2, 3]);
      },
      [adding],
    ));
});

it('values of another instance of this package are not recorded as metrics', async () => {
  const other = new EntropyCheckpointCallback({ filepath: null, monitor: 'consensus' });
  await trainWith(
    'other',
    {},
    (checkpoint) => {
      const names = ['loss', 'other', 'val_loss', 'val_other'];
      for (const { logs } of checkpoint.history) expect(Object.keys(logs).sort()).toEqual(names);
      expect(warnings()).not.toContain('its own');
      other.dispose();
    },
    [other],
  );
});

it('a custom training loop may log a value under such a name, which is not the monitored one', async () => {
  const model = makeModel();
  const checkpoint = new EntropyCheckpoint(model, undefined, { filepath: null });
  const output = tf.tensor2d([[0.5, 0.5, 0, 0]]);
  checkpoint.appendOutput(output);
  await checkpoint.saveCheckpoint(0, { entropy: 9 });
  expect(checkpoint.best).toMatchObject({ value: expect.closeTo(Math.LN2, 5), logs: { entropy: 9 } });
  checkpoint.dispose();
});
