import { afterEach, beforeEach, describe, expect, it, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, type EntropyCheckpointOptions } from '../../src/index.js';
import { internalsOf } from '../../src/tfjs-internals.js';
import { callbackWith } from '../support/confidences.js';
import { disposeModel, seededDense } from '../support/fixtures.js';

let warn: jest.SpiedFunction<typeof console.warn>;

beforeEach(() => {
  warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

const NUM_FEATURES = 5;
const VAL_ROWS = 21;

/** The largest difference between prediction and label in each row. */
const farthest = (yTrue: tf.Tensor, yPred: tf.Tensor): tf.Tensor => tf.max(tf.abs(tf.sub(yTrue, yPred)), -1);

interface Head {
  readonly units: number;
  readonly activation: 'softmax' | 'sigmoid' | 'linear';
  readonly loss: string;
  readonly metrics: (string | typeof farthest)[];
}

const CLASSES: Head = {
  units: 4,
  activation: 'softmax',
  loss: 'categoricalCrossentropy',
  metrics: ['accuracy', farthest],
};
const NUMBERS: Head = { units: 2, activation: 'linear', loss: 'meanSquaredError', metrics: ['mae'] };
const YES_NO: Head = {
  units: 1,
  activation: 'sigmoid',
  loss: 'binaryCrossentropy',
  metrics: ['accuracy', 'mse'],
};
const HEADS: Record<string, Head> = { cls: CLASSES, num: NUMBERS, yes: YES_NO };

function makeModel(names: readonly string[]): tf.LayersModel {
  const input = tf.input({ shape: [NUM_FEATURES] });
  const hidden = seededDense(6, 3, { activation: 'tanh' }).apply(input);
  const outputs = names.map((name, i) => {
    const { units, activation } = HEADS[name]!;
    return seededDense(units, 4 + i, { activation, name }).apply(hidden) as tf.SymbolicTensor;
  });
  const model = tf.model({ inputs: input, outputs });
  const of = <K extends 'loss' | 'metrics'>(key: K): Record<string, Head[K]> =>
    Object.fromEntries(names.map((name) => [name, HEADS[name]![key]]));
  model.compile({ optimizer: tf.train.sgd(0.2), loss: of('loss'), metrics: of('metrics') as never });
  return model;
}

function makeLabels(name: string, rows: number): tf.Tensor2D {
  const { units } = HEADS[name]!;
  if (name !== 'cls') {
    const values = tf.randomUniform<tf.Rank.R2>([rows, units], 0, 1, 'float32', 9);
    return name === 'num' ? values : tf.tidy(() => tf.round(values));
  }
  const classes = Array.from({ length: rows }, (_, i) => (i * 7) % units);
  return tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(classes, 'int32'), units), 'float32') as tf.Tensor2D);
}

interface Data {
  readonly x: tf.Tensor2D;
  readonly y: tf.Tensor2D[];
}

function makeData(names: readonly string[], rows: number, seed: number): Data {
  const x = tf.randomUniform<tf.Rank.R2>([rows, NUM_FEATURES], -1, 1, 'float32', seed);
  return { x, y: names.map((name) => makeLabels(name, rows)) };
}

/** What each value is by its name, in float64. */
function rightValues(model: tf.LayersModel, { x, y }: Data): Record<string, number> {
  const values: Record<string, number> = {};
  const predictions = tf.tidy(() =>
    [model.predict(x)].flat().map((output) => output.arraySync()),
  ) as number[][][];
  const meanOf = (rows: readonly number[]): number => rows.reduce((sum, row) => sum + row, 0) / rows.length;
  for (const [i, name] of model.outputNames.entries()) {
    const labels = y[i]!.arraySync();
    const mean = (rowOf: (p: number[], t: number[]) => number): number =>
      meanOf(predictions[i]!.map((row, r) => rowOf(row, labels[r]!)));
    const indexOfMax = (row: readonly number[]): number => row.indexOf(Math.max(...row));
    const differences = (p: number[], t: number[]): number[] => p.map((value, k) => Math.abs(value - t[k]!));
    const squares = (p: number[], t: number[]): number => meanOf(differences(p, t).map((d) => d * d));
    if (name === 'cls') {
      values['val_cls_loss'] = mean((p, t) => -t.reduce((sum, label, k) => sum + label * Math.log(p[k]!), 0));
      values['val_cls_acc'] = mean((p, t) => (indexOfMax(p) === indexOfMax(t) ? 1 : 0));
      values['val_cls_farthest'] = mean((p, t) => Math.max(...differences(p, t)));
    } else if (name === 'num') {
      values['val_num_loss'] = mean(squares);
      values['val_num_mae'] = mean((p, t) => meanOf(differences(p, t)));
    } else {
      values['val_yes_loss'] = mean(([p], [t]) => -Math.log(t === 1 ? p! : 1 - p!));
      values['val_yes_acc'] = mean(([p], [t]) => (p! > 0.5 === (t === 1) ? 1 : 0));
      values['val_yes_mse'] = mean(squares);
    }
  }
  values['val_loss'] = model.outputNames.reduce((sum, name) => sum + values[`val_${name}_loss`]!, 0);
  return values;
}

const TRAINERS = {
  fit: (model, train, validation, callbacks) =>
    model.fit(train.x, train.y, {
      epochs: 3,
      batchSize: 8,
      verbose: 0,
      validationData: [validation.x, validation.y],
      callbacks,
    }),
  'fit with class weights': (model, train, validation, callbacks) =>
    model.fit(train.x, train.y, {
      epochs: 3,
      batchSize: 8,
      verbose: 0,
      classWeight: { cls: { 0: 1, 1: 5, 2: 0.5, 3: 2 } } as never,
      validationData: [validation.x, validation.y],
      callbacks,
    }),
  'fitDataset with tensors': (model, train, validation, callbacks) =>
    model.fitDataset(batchesOf(train, 8), {
      epochs: 3,
      verbose: 0,
      validationData: [validation.x, validation.y] as never,
      validationBatchSize: 6,
      callbacks,
    }),
  'fitDataset with a dataset': (model, train, validation, callbacks) =>
    model.fitDataset(batchesOf(train, 8), {
      epochs: 3,
      verbose: 0,
      validationData: batchesOf(validation, 8),
      callbacks,
    }),
} satisfies Record<
  string,
  (
    model: tf.LayersModel,
    train: Data,
    validation: Data,
    callbacks: tf.CustomCallback[],
  ) => Promise<tf.History>
>;

function batchesOf({ x, y }: Data, batchSize: number): tf.data.Dataset<tf.TensorContainer> {
  const rows = x.shape[0];
  return tf.data.generator(function* () {
    for (let start = 0; start < rows; start += batchSize) {
      const size = Math.min(batchSize, rows - start);
      const slice = (tensor: tf.Tensor2D): tf.Tensor => tf.slice(tensor, [start, 0], [size, tensor.shape[1]]);
      yield { xs: slice(x), ys: y.map(slice) };
    }
  } as never);
}

interface Trained {
  readonly checkpoint: EntropyCheckpointCallback;
  readonly history: tf.History;
  /** The right values of each epoch. */
  readonly right: Record<string, number>[];
}

interface Training extends EntropyCheckpointOptions {
  readonly outputNames: readonly string[];
  readonly trainer?: keyof typeof TRAINERS;
  readonly earlier?: tf.CustomCallback[];
  readonly prepare?: (model: tf.LayersModel) => void;
}

/** Runs a training, and expects that it leaves as many tensors as without the callback. */
async function train(
  { outputNames, trainer = 'fit', earlier = [], prepare, ...options }: Training,
  use: (trained: Trained) => void,
): Promise<void> {
  const data = makeData(outputNames, 24, 1);
  const validation = makeData(outputNames, VAL_ROWS, 2);
  const leftBy = async (
    callbacksFor: (model: tf.LayersModel) => tf.CustomCallback[],
    then: (history: tf.History) => void,
  ): Promise<number> => {
    const { numTensors } = tf.memory();
    const model = makeModel(outputNames);
    prepare?.(model);
    then(await TRAINERS[trainer](model, data, validation, callbacksFor(model)));
    disposeModel(model);
    return tf.memory().numTensors - numTensors;
  };
  const right: Record<string, number>[] = [];
  const checkpoint = new EntropyCheckpointCallback({ filepath: null, ...options });
  const left = await leftBy(
    (model) => [
      ...earlier,
      checkpoint,
      callbackWith('onEpochEnd', () => right.push(rightValues(model, validation))),
    ],
    (history) => {
      use({ checkpoint, history, right });
      checkpoint.dispose();
    },
  );
  // With several outputs, `fitDataset` itself leaves scalars.
  expect(left).toBe(
    await leftBy(
      () => [],
      () => undefined,
    ),
  );
  tf.dispose([data, validation] as never);
}

function valuesOf({ checkpoint: { history } }: Trained, names: readonly string[]): Record<string, number>[] {
  return history.map(({ logs }) => Object.fromEntries(names.map((name) => [name, logs[name]!])));
}

function close(values: Record<string, number>[]): object[] {
  return values.map((epoch) =>
    Object.fromEntries(Object.entries(epoch).map(([name, value]) => [name, expect.closeTo(value, 5)])),
  );
}

const OUTPUT_NAMES = [
  ['cls', 'num'],
  ['num', 'cls'],
  ['cls', 'num', 'yes'],
] as const;

describe.each(Object.keys(TRAINERS) as (keyof typeof TRAINERS)[])('validation values of %s', (trainer) => {
  test.each(OUTPUT_NAMES)('have their right names with outputs %s and %s, %s', (...outputNames) =>
    train({ outputNames: outputNames.filter(Boolean), trainer }, (trained) => {
      const { right, checkpoint } = trained;
      const names = Object.keys(right[0]!);
      expect(valuesOf(trained, names)).toEqual(close(right));
      const validation = Object.keys(checkpoint.history[0]!.logs).filter((name) => name.startsWith('val_'));
      expect(validation.sort()).toEqual([...names].sort());
    }),
  );
});

describe('a monitored validation value of a model with several outputs', () => {
  test.each([
    ['val_cls_acc', 'max'],
    ['val_loss', 'min'],
    ['val_num_mae', 'min'],
    ['val_cls_farthest', 'min'],
  ] as const)('%s is the right one, and selects the epoch', (monitor, mode) =>
    train({ outputNames: ['cls', 'num'], monitor, mode }, ({ checkpoint, right }) => {
      const values = right.map((epoch) => epoch[monitor]!);
      expect(checkpoint.history.map(({ value }) => value)).toEqual(values.map((v) => expect.closeTo(v, 5)));
      const best = mode === 'max' ? Math.max(...values) : Math.min(...values);
      expect(values[checkpoint.best!.epoch]).toBeCloseTo(best, 4);
    }),
  );

  it('is what a `monitor` function sees', () =>
    train(
      { outputNames: ['cls', 'num'], monitor: ({ logs }) => logs['val_num_mae']!, mode: 'min' },
      ({ checkpoint, right }) => {
        const values = right.map((epoch) => expect.closeTo(epoch['val_num_mae']!, 5));
        expect(checkpoint.history.map(({ value }) => value)).toEqual(values);
      },
    ));

  it('is right after a callback that has read the logs', () => {
    const reads = new tf.CustomCallback({ onEpochEnd: () => undefined });
    return train({ outputNames: ['cls', 'num'], earlier: [reads] }, (trained) => {
      expect(valuesOf(trained, Object.keys(trained.right[0]!))).toEqual(close(trained.right));
    });
  });

  it('is what an earlier callback has put in its place', () => {
    const changes = callbackWith('onEpochEnd', (epoch, logs) => {
      (logs['val_loss'] as unknown as tf.Scalar).dispose();
      logs['val_loss'] = 100 + epoch;
    });
    return train(
      { outputNames: ['cls', 'num'], earlier: [changes], monitor: 'val_loss' },
      ({ checkpoint }) => {
        expect(checkpoint.history.map(({ value }) => value)).toEqual([100, 101, 102]);
      },
    );
  });
});

const aboutNames = (): unknown[] =>
  warn.mock.calls.flat().filter((text) => String(text).includes('under the names of others'));

describe('what TensorFlow.js logs under wrong names', () => {
  it('stays as it is in the history of `fit`, with one warning', () =>
    train({ outputNames: ['cls', 'num'] }, ({ history: { history }, right, checkpoint }) => {
      expect(history['val_cls_loss']).toEqual(right.map((epoch) => expect.closeTo(epoch['val_loss']!, 5)));
      expect(checkpoint.history[2]!.logs['val_cls_loss']).toBeCloseTo(right[2]!['val_cls_loss']!, 5);
      expect(aboutNames()).toHaveLength(1);
    }));

  it('is left alone if a version of it logs the right values', () => {
    /** Returns the total loss once, as a version without the error would. */
    const mend = (model: tf.LayersModel): void => {
      const internals = internalsOf(model);
      const { makeTestFunction } = internals;
      internals.makeTestFunction = () => {
        makeTestFunction.call(model);
        const { testFunction } = internals;
        internals.testFunction = (data) => testFunction(data).slice(1);
      };
    };
    return train({ outputNames: ['cls', 'num'], prepare: mend }, (trained) => {
      const { history, right } = trained;
      expect(valuesOf(trained, Object.keys(right[0]!))).toEqual(close(right));
      expect(history.history['val_loss']).toEqual(
        right.map((epoch) => expect.closeTo(epoch['val_loss']!, 5)),
      );
      expect(aboutNames()).toHaveLength(0);
    });
  });

  it('is not recorded if it is unknown what it is, and not monitored', async () => {
    /** Returns a value that no name is known for. */
    const extend = (model: tf.LayersModel): void => {
      const internals = internalsOf(model);
      const { makeTestFunction } = internals;
      internals.makeTestFunction = () => {
        makeTestFunction.call(model);
        const { testFunction } = internals;
        internals.testFunction = (data) => [...testFunction(data), tf.scalar(0)];
      };
    };
    await train({ outputNames: ['cls', 'num'], prepare: extend }, ({ checkpoint }) => {
      expect(Object.keys(checkpoint.history[0]!.logs).filter((name) => name.startsWith('val_'))).toEqual([]);
    });
    const refused = train(
      { outputNames: ['cls', 'num'], prepare: extend, monitor: 'val_loss' },
      () => undefined,
    );
    await expect(refused).rejects.toMatchObject({ code: 'ENTROPY_UNKNOWN_MONITOR' });
  });
});

test('equal names of `fitDataset` are numbered, as `fit` announces them', async () => {
  const { numTensors } = tf.memory();
  const { x, y } = makeData(['cls'], 16, 1);
  const model = tf.sequential({ layers: [seededDense(4, 3, { inputShape: [5], activation: 'softmax' })] });
  const acc = (yTrue: tf.Tensor): tf.Tensor => tf.scalar(yTrue.shape[0]);
  model.compile({
    optimizer: tf.train.sgd(0),
    loss: 'categoricalCrossentropy',
    metrics: ['accuracy', acc],
  });
  const checkpoint = new EntropyCheckpointCallback({ filepath: null, monitor: 'val_acc_1', mode: 'max' });
  const dataset = batchesOf({ x, y: y.slice(0, 1) }, 8).map((batch) => {
    const { xs, ys } = batch as unknown as { xs: tf.Tensor; ys: tf.Tensor[] };
    return { xs, ys: ys[0]! };
  });
  await model.fitDataset(dataset, {
    epochs: 2,
    verbose: 0,
    validationData: dataset,
    callbacks: checkpoint,
  });
  const { logs, value } = checkpoint.history[0]!;
  expect(Object.keys(logs).sort()).toEqual(['acc_0', 'acc_1', 'loss', 'val_acc_0', 'val_acc_1', 'val_loss']);
  expect(value).toBe(8);
  expect(logs['val_acc_0']).toBeLessThanOrEqual(1);
  checkpoint.dispose();
  disposeModel(model);
  tf.dispose([x, ...y]);
  // `fitDataset` itself leaves the scalar that it has replaced by another of the same name.
  expect(tf.memory().numTensors - numTensors).toBe(2);
});
