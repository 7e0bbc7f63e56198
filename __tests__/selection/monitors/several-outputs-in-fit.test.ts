import { afterEach, beforeEach, describe, expect, it, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  EntropyCheckpoint,
  EntropyCheckpointCallback,
  MemoryStore,
  type EntropyCheckpointOptions,
} from '../../../src/index.js';
import { changes64 } from '../../support/changes64.js';
import { callbackWith } from '../../support/confidences.js';
import { entropyOfProbabilities, mean } from '../../support/entropy64.js';
import { rejection, thrownBy } from '../../support/errors.js';
import { disposeModel, expectNoTensorsLeft, seededDense } from '../../support/fixtures.js';
import { information64 } from '../../support/information64.js';

beforeEach(() => {
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

const ROWS = 22;
const STEPS = 3;

/** An output of classes for each example, or for each of its steps. */
interface Output {
  readonly classes: number;
  readonly hasSteps?: boolean;
}

function makeModel(outputs: readonly Output[]): tf.LayersModel {
  const input = tf.input({ shape: [4] });
  const heads = outputs.map(({ classes, hasSteps = false }, i) => {
    const activation = classes === 1 ? 'sigmoid' : 'softmax';
    const layer = seededDense(classes, 5 + i, { activation, name: `out${i}` });
    const steps = hasSteps ? tf.layers.repeatVector({ n: STEPS }).apply(input) : input;
    return layer.apply(steps) as tf.SymbolicTensor;
  });
  const model = tf.model({ inputs: input, outputs: heads });
  // A scalar: TensorFlow.js adds the losses of the outputs before it averages them.
  const ofClasses = (yTrue: tf.Tensor, yPred: tf.Tensor): tf.Tensor =>
    tf.mean(tf.metrics.categoricalCrossentropy(yTrue, yPred));
  const loss = outputs.map(({ classes }) => (classes === 1 ? 'binaryCrossentropy' : ofClasses));
  model.compile({ optimizer: tf.train.sgd(0.5), loss: loss as string[] });
  return model;
}

function makeData(outputs: readonly Output[]): { x: tf.Tensor2D; y: tf.Tensor[] } {
  const x = tf.randomUniform<tf.Rank.R2>([ROWS, 4], -2, 2, 'float32', 5);
  const y = outputs.map(({ classes, hasSteps = false }, i) =>
    tf.tidy(() => {
      const shape = hasSteps ? [ROWS, STEPS] : [ROWS];
      const labels = tf.cast(
        tf.floor(tf.randomUniform(shape, 0, Math.max(2, classes), 'float32', i)),
        'int32',
      );
      return tf.cast(classes === 1 ? tf.expandDims(labels, -1) : tf.oneHot(labels, classes), 'float32');
    }),
  );
  return { x, y };
}

/** The probabilities of each output, row by row. */
function probabilitiesOf(model: tf.LayersModel, x: tf.Tensor): number[][][] {
  return tf.tidy(() =>
    [model.predict(x)].flat().map((output) => {
      const rows = tf.reshape<tf.Rank.R2>(output, [-1, output.shape.at(-1)!]).arraySync();
      return rows.map((row) => (row.length === 1 ? [row[0]!, 1 - row[0]!] : row));
    }),
  );
}

type Options = EntropyCheckpointOptions & { monitor: 'consensus' | 'label_wave' };

/** Trains by several calls, each with a new instance that resumes. @returns the records, and the predictions. */
async function train(
  outputs: readonly Output[],
  options: Options,
  calls: readonly number[],
): Promise<{ records: EntropyCheckpointCallback['history']; predictions: number[][][][] }> {
  const { x, y } = makeData(outputs);
  const predictions: number[][][][] = [];
  let records: EntropyCheckpointCallback['history'] = [];
  const filepath = new MemoryStore();
  for (const epochs of calls) {
    const model = makeModel(outputs);
    const checkpoint = new EntropyCheckpointCallback({ filepath, saveLast: true, ...options });
    const { initialEpoch } = await checkpoint.resume(model);
    const notes = callbackWith('onEpochEnd', () => predictions.push(probabilitiesOf(model, x)));
    await model.fit(x, y, {
      epochs,
      initialEpoch,
      batchSize: 8,
      verbose: 0,
      shuffle: false,
      validationData: [x, y],
      callbacks: [checkpoint, notes],
    });
    records = checkpoint.history;
    checkpoint.dispose();
    disposeModel(model);
  }
  tf.dispose([x, ...y]);
  return { records, predictions };
}

const MODELS: [string, Output[]][] = [
  ['3 and 5 classes', [{ classes: 3 }, { classes: 5 }]],
  ['5 and 3 classes', [{ classes: 5 }, { classes: 3 }]],
  ['1 unit and 4 classes', [{ classes: 1 }, { classes: 4 }]],
  ['twice 3 classes', [{ classes: 3 }, { classes: 3 }]],
  [
    'three outputs, one of them of sequences',
    [{ classes: 3 }, { classes: 2, hasSteps: true }, { classes: 4 }],
  ],
];

describe.each(MODELS)('a model with %s', (_name, outputs) => {
  test.each(['consensus', 'label_wave'] as const)(
    'is compared by `monitor: %s` for each output, and averaged over them',
    (monitor) =>
      expectNoTensorsLeft(async () => {
        for (const rememberedRows of [10_000, 10]) {
          const { records, predictions } = await train(outputs, { monitor, rememberedRows }, [5]);
          const comparesWith = monitor === 'consensus' ? 'consensus' : 'previous';
          const remembered = outputs.map((_output, i) =>
            predictions.map((epoch) => epoch[i]!.slice(0, rememberedRows)),
          );
          const changes = remembered.map((epochs) => changes64(epochs, comparesWith));
          expect(records.map(({ valChanges }) => valChanges)).toEqual(
            records.map((_record, epoch) =>
              epoch === 0 ? null : expect.closeTo(mean(changes.map((of) => of[epoch]!)), 5),
            ),
          );
          if (monitor !== 'consensus') continue;
          expect(records.map(({ valInformation }) => valInformation)).toEqual(
            records.map((_record, epoch) =>
              expect.closeTo(mean(remembered.map((epochs) => information64(epochs[epoch]!))), 4),
            ),
          );
        }
      }),
  );

  test.each(['consensus', 'label_wave'] as const)('is resumed exactly with `monitor: %s`', (monitor) =>
    expectNoTensorsLeft(async () => {
      const options = { monitor, rememberedRows: 30 };
      const whole = await train(outputs, options, [5]);
      const resumed = await train(outputs, options, [2, 5]);
      expect(resumed.records.map(({ value }) => value)).toEqual(whole.records.map(({ value }) => value));
      expect(whole.records.filter(({ value }) => value !== null)).toHaveLength(4);
    }),
  );

  it('has the entropy of all rows of all outputs', () =>
    expectNoTensorsLeft(async () => {
      const { records, predictions } = await train(outputs, { monitor: 'label_wave' }, [2]);
      for (const [epoch, { valEntropy }] of records.entries()) {
        const rows = predictions[epoch]!.flat();
        expect(valEntropy).toBeCloseTo(mean(rows.map((row) => entropyOfProbabilities(row))), 5);
      }
    }));
});

it('refuses outputs whose rows are not known, and names the option that helps', () =>
  expectNoTensorsLeft(async () => {
    const input = tf.input({ shape: [null, 4] });
    const heads = [0, 1].map(
      (i) => seededDense(3, i, { activation: 'softmax', name: `s${i}` }).apply(input) as tf.SymbolicTensor,
    );
    const model = tf.model({ inputs: input, outputs: heads });
    model.compile({ optimizer: tf.train.sgd(0.1), loss: 'categoricalCrossentropy' });
    const [x, y] = [tf.ones([6, 2, 4]), tf.ones([6, 2, 3])];
    const fitWith = (options: EntropyCheckpointOptions): Promise<tf.History> => {
      const callbacks = new EntropyCheckpointCallback({ filepath: null, monitor: 'consensus', ...options });
      const data = { validationData: [x, [y, y]] as [tf.Tensor, tf.Tensor[]] };
      return model.fit(x, [y, y], { epochs: 2, verbose: 0, ...data, callbacks }).finally(() => {
        callbacks.dispose();
      });
    };
    const { code, message } = await rejection(fitWith({}));
    expect(code).toBe('ENTROPY_INVALID_OPTION');
    expect(message).toContain('`outputs`');
    await fitWith({ outputs: ['s1'] });
    disposeModel(model);
    tf.dispose([x, y]);
  }));

it('a custom training loop refuses rows of different classes for the consensus, and counts none of them', () =>
  expectNoTensorsLeft(async () => {
    const model = makeModel([{ classes: 3 }, { classes: 5 }]);
    const checkpoint = new EntropyCheckpoint(model, undefined, { filepath: null, monitor: 'consensus' });
    const [three, five] = [tf.fill([4, 3], 1 / 3), tf.fill([4, 5], 1 / 5)];
    checkpoint.appendOutput(three, 'val');
    const { code, message } = thrownBy(() => {
      checkpoint.appendOutput(five, 'val');
    });
    expect(code).toBe('ENTROPY_INVALID_PREDICTIONS');
    expect(message).toContain('got 3 classes and then 5');
    checkpoint.appendOutput(three, 'train');
    await checkpoint.saveCheckpoint(0);
    expect(checkpoint.history[0]!.valEntropy).toBeCloseTo((2 / 3) * Math.log(3), 5);
    checkpoint.dispose();
    disposeModel(model);
    tf.dispose([three, five]);
  }));
