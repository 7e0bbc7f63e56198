import { describe, expect, it, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  EntropyCheckpointCallback,
  loadCheckpoint,
  MemoryStore,
  type EntropyCheckpointOptions,
} from '../../src/index.js';
import { disposeTrained as disposeParts } from '../support/dispose-trained.js';
import { rejection } from '../support/errors.js';
import {
  expectNoTensorsLeft,
  makeData,
  makeModel,
  NUM_CLASSES,
  NUM_FEATURES,
  seededDense,
} from '../support/fixtures.js';
import { AverageRecorder, setValues, valuesOf } from './fixtures/average64.js';

const ROWS = 75;
const BATCH_SIZE = 4;
/** 19: an update is due after every second one. */
const BATCHES = Math.ceil(ROWS / BATCH_SIZE);
const EPOCHS = 2;
const LOSS = { loss: 'categoricalCrossentropy', metrics: ['accuracy'] };

function functional(layers: (input: tf.SymbolicTensor) => tf.SymbolicTensor): tf.LayersModel {
  const input = tf.input({ shape: [NUM_FEATURES] });
  const model = tf.model({ inputs: input, outputs: layers(input) });
  model.compile({ optimizer: tf.train.adam(0.05), ...LOSS });
  return model;
}

const softmax = (): tf.layers.Layer => seededDense(NUM_CLASSES, 7, { activation: 'softmax' });

const MODELS: Readonly<Record<string, () => tf.LayersModel>> = {
  'a Sequential': () => makeModel(tf.train.sgd(0.5)),
  'a functional model with batch normalisation': () =>
    functional((input) => {
      const hidden = tf.layers.batchNormalization().apply(seededDense(5, 3).apply(input));
      return softmax().apply(hidden) as tf.SymbolicTensor;
    }),
  'a model with a frozen layer': () =>
    functional((input) => {
      const hidden = seededDense(5, 3, { trainable: false }).apply(input);
      return softmax().apply(hidden) as tf.SymbolicTensor;
    }),
  'a model with a shared layer': () =>
    functional((input) => {
      const shared = seededDense(NUM_FEATURES, 3, { activation: 'tanh' });
      return softmax().apply(shared.apply(shared.apply(input))) as tf.SymbolicTensor;
    }),
  'a model in a model': () => {
    const inner = tf.sequential({
      layers: [seededDense(5, 3, { inputShape: [NUM_FEATURES], activation: 'tanh' })],
    });
    return functional((input) => softmax().apply(inner.apply(input)) as tf.SymbolicTensor);
  },
};

function disposeOptimizer(model: tf.LayersModel): void {
  (model.optimizer as tf.Optimizer & { c: tf.Tensor }).c.dispose();
}

/** TensorFlow.js forgets the weights of shared layers. */
function disposeTrained(model: tf.LayersModel): void {
  const weights = model.weights.map((weight) => weight.read() as tf.Variable);
  disposeParts(model);
  for (const weight of weights) if (!weight.isDisposed) weight.dispose();
}

interface TrainingData {
  readonly x: tf.Tensor2D;
  readonly y: tf.Tensor2D;
  readonly val: { readonly x: tf.Tensor2D; readonly y: tf.Tensor2D };
}

type Train = (
  model: tf.LayersModel,
  data: TrainingData,
  callbacks: tf.CustomCallback[],
) => Promise<tf.History>;

const datasetOf = ({ x, y }: { x: tf.Tensor2D; y: tf.Tensor2D }): tf.data.Dataset<tf.TensorContainer> =>
  tf.data.zip({ xs: tf.data.array(x.arraySync()), ys: tf.data.array(y.arraySync()) }).batch(BATCH_SIZE);

const fitDataset =
  (validationOf: (data: TrainingData) => object, batchesPerEpoch?: number): Train =>
  (model, data, callbacks) =>
    model.fitDataset(datasetOf(data), {
      epochs: EPOCHS,
      ...(batchesPerEpoch !== undefined && { batchesPerEpoch }),
      ...validationOf(data),
      verbose: 0,
      callbacks,
    });

const TRAININGS: Readonly<Record<string, Train>> = {
  fit: (model, { x, y, val }, callbacks) =>
    model.fit(x, y, {
      epochs: EPOCHS,
      batchSize: BATCH_SIZE,
      validationData: [val.x, val.y],
      shuffle: false,
      verbose: 0,
      callbacks,
    }),
  'fitDataset with a validation dataset': fitDataset(({ val }) => ({ validationData: datasetOf(val) })),
  'fitDataset with validation tensors': fitDataset(({ val }) => ({
    validationData: [val.x, val.y],
    validationBatchSize: 8,
  })),
};

async function withData(body: (data: TrainingData) => Promise<void>): Promise<void> {
  await expectNoTensorsLeft(async () => {
    const data = { ...makeData(ROWS, 1), val: makeData(20, 5) };
    await body(data);
    tf.dispose([data.x, data.y, data.val.x, data.val.y]);
  });
}

/** Loss and accuracy of the model as it is. */
const evaluateOn =
  (model: tf.LayersModel, { val }: TrainingData): (() => number[]) =>
  () =>
    tf.tidy(() => (model.evaluate(val.x, val.y) as tf.Scalar[]).map((value) => value.dataSync()[0]!));

/** A checkpoint in memory that averages the weights. */
function averaging(options: EntropyCheckpointOptions = {}): EntropyCheckpointCallback {
  return new EntropyCheckpointCallback({
    filepath: null,
    monitor: 'val_loss',
    averageWeights: true,
    ...options,
  });
}

/** Expects the validation losses of the checkpoint to be those of the recorded averages. */
function expectValidatedOn({ epochs }: AverageRecorder, { history }: EntropyCheckpointCallback): void {
  expect(history).toHaveLength(epochs.length);
  for (const [epoch, { values }] of epochs.entries()) {
    expect(history[epoch]!.logs['val_loss']).toBeCloseTo(values[0]!, 5);
  }
}

function expectClose(got: readonly number[][], expected: readonly number[][], tolerance = 1e-5): void {
  expect(got.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
  for (const [i, values] of got.entries()) {
    for (const [j, value] of values.entries()) {
      expect(Math.abs(value - expected[i]![j]!)).toBeLessThan(tolerance);
    }
  }
}

describe.each(Object.entries(MODELS))('averageWeights with %s', (_model, make) => {
  test.each(Object.entries(TRAININGS))('in %s', async (_training, train) => {
    await withData(async (data) => {
      const bare = make();
      await train(bare, data, []);
      const model = make();
      const recorder = new AverageRecorder(BATCHES, evaluateOn(model, data));
      const checkpoint = averaging({ maxToKeep: EPOCHS });
      const { history } = await train(model, data, [checkpoint, recorder]);
      // Training is what it is without it, to the bit.
      expect(valuesOf(model)).toEqual(valuesOf(bare));
      // Validation is that of the average.
      for (const [epoch, { values, average, trained }] of recorder.epochs.entries()) {
        expectClose(
          [[history['val_loss']![epoch] as number, history['val_acc']![epoch] as number]],
          [values],
        );
        expect(average).not.toEqual(trained);
        expect(checkpoint.history[epoch]).toMatchObject({ isAveraged: true });
      }
      // A checkpoint is the average, and predicts as validation did.
      for (const { epoch, logs } of checkpoint.kept) {
        await checkpoint.loadCheckpoint({ epoch });
        expectClose(valuesOf(model), recorder.epochs[epoch]!.average);
        expectClose([evaluateOn(model, data)()], [[logs['val_loss']!, logs['val_acc']!]], 1e-6);
      }
      checkpoint.dispose();
      disposeTrained(model);
      disposeTrained(bare);
    });
  });
});

describe('averageWeights', () => {
  const settings = { decay: 0.3, updatesPerEpoch: 3 };

  it('has settings', () =>
    withData(async (data) => {
      const model = makeModel(tf.train.sgd(0.5));
      const recorder = new AverageRecorder(BATCHES, evaluateOn(model, data), settings);
      const checkpoint = averaging({ averageWeights: settings });
      await TRAININGS['fit']!(model, data, [checkpoint, recorder]);
      expectValidatedOn(recorder, checkpoint);
      checkpoint.dispose();
      disposeTrained(model);
    }));

  it('averages where there is no validation', () =>
    withData(async (data) => {
      const model = makeModel(tf.train.sgd(0.5));
      const recorder = new AverageRecorder(BATCHES, () => []);
      const checkpoint = averaging({ monitor: 'loss' });
      await model.fit(data.x, data.y, {
        epochs: EPOCHS,
        batchSize: BATCH_SIZE,
        verbose: 0,
        callbacks: [recorder, checkpoint],
      });
      const { epoch } = await checkpoint.loadCheckpoint();
      expectClose(valuesOf(model), recorder.epochs[epoch]!.average);
      checkpoint.dispose();
      disposeTrained(model);
    }));

  it("leaves another callback's own evaluation on the trained weights, and does not count it", () =>
    withData(async (data) => {
      const model = makeModel(tf.train.sgd(0.5));
      const evaluate = evaluateOn(model, data);
      const seen: number[][] = [];
      const expected: number[][] = [];
      const evaluating = new tf.CustomCallback({
        onEpochEnd: async () => {
          seen.push(evaluate());
          return Promise.resolve();
        },
        onBatchEnd: async () => {
          evaluate();
          return Promise.resolve();
        },
      });
      const recorder = new AverageRecorder(BATCHES, evaluate);
      const checkpoint = averaging();
      await TRAININGS['fit']!(model, data, [evaluating, checkpoint, recorder]);
      for (const { trained } of recorder.epochs) {
        const undo = setValues(model, trained);
        expected.push(evaluate());
        undo();
      }
      expect(seen).toEqual(expected);
      expectValidatedOn(recorder, checkpoint);
      checkpoint.dispose();
      disposeTrained(model);
    }));

  it('lets another callback test the average', () =>
    withData(async (data) => {
      const model = makeModel(tf.train.sgd(0.5));
      const checkpoint = averaging();
      const tested: number[][] = [];
      const testing = new tf.CustomCallback({
        onEpochEnd: async () => {
          tested.push(await checkpoint.withAverage(evaluateOn(model, data)));
        },
      });
      const recorder = new AverageRecorder(BATCHES, evaluateOn(model, data));
      await TRAININGS['fit']!(model, data, [checkpoint, testing, recorder]);
      expectClose(
        tested,
        recorder.epochs.map(({ values }) => values),
      );
      checkpoint.dispose();
      for (const one of [checkpoint, new EntropyCheckpointCallback({ filepath: null })]) {
        const error = await rejection(one.withAverage(() => 1));
        expect(error.code).toBe('ENTROPY_INVALID_STATE');
        expect(error.message).toContain('Set `averageWeights`');
      }
      disposeTrained(model);
    }));

  it('continues over several calls of `fit`', () =>
    withData(async (data) => {
      const once = makeModel(tf.train.sgd(0.5));
      const often = makeModel(tf.train.sgd(0.5));
      const [a, b] = [averaging(), averaging()];
      const args = {
        batchSize: BATCH_SIZE,
        validationData: [data.val.x, data.val.y] as [tf.Tensor, tf.Tensor],
        shuffle: false,
        verbose: 0 as const,
      };
      await once.fit(data.x, data.y, { ...args, epochs: 3, callbacks: a });
      for (let i = 0; i < 3; i++) await often.fit(data.x, data.y, { ...args, epochs: 1, callbacks: b });
      expect(b.history.map(({ value }) => value)).toEqual(a.history.map(({ value }) => value));
      for (const one of [a, b]) one.dispose();
      for (const one of [once, often]) disposeTrained(one);
    }));

  it('begins anew if other code replaces the weights between two calls of `fit`', () =>
    withData(async (data) => {
      const model = makeModel(tf.train.sgd(0.5));
      const checkpoint = averaging();
      await TRAININGS['fit']!(model, data, [checkpoint]);
      setValues(
        model,
        valuesOf(model).map((values) => values.map(() => 100)),
      );
      await TRAININGS['fit']!(model, data, [checkpoint]);
      const averaged = await checkpoint.withAverage(() => valuesOf(model));
      expect(Math.min(...averaged.flat())).toBeGreaterThan(90);
      checkpoint.dispose();
      disposeTrained(model);
    }));

  it('refuses a test of the average that is not over when it returns', () =>
    withData(async (data) => {
      const model = makeModel(tf.train.sgd(0.5));
      const checkpoint = new EntropyCheckpointCallback({ filepath: null, averageWeights: true });
      await TRAININGS['fit']!(model, data, [checkpoint]);
      const trained = valuesOf(model);
      // Callers in JavaScript may pass anything.
      for (const use of [7 as never, () => Promise.resolve(1)]) {
        const error = await rejection(checkpoint.withAverage(use));
        expect(error.code).toBe('ENTROPY_INVALID_ARGUMENT');
      }
      expect(valuesOf(model)).toEqual(trained);
      checkpoint.dispose();
      disposeTrained(model);
    }));

  it('says that an average without validation was not tested', () =>
    withData(async ({ x, y }) => {
      const model = makeModel(tf.train.sgd(0.5));
      const checkpoint = averaging({ monitor: 'loss' });
      await model.fit(x, y, { epochs: 2, verbose: 0, callbacks: checkpoint });
      expect(checkpoint.explain()).toContain('without validation, nobody has tested that');
      checkpoint.dispose();
      disposeTrained(model);
    }));

  it('restores the trained weights if validation throws', async () => {
    const { x, y } = makeData(ROWS, 1);
    /** @returns the weights after it, and how many tensors are left. */
    const trainFailing = async (averageWeights: boolean): Promise<[number[][], number]> => {
      const { numTensors } = tf.memory();
      let isLastBatch = false;
      // The last batch of training has other rows than those of validation.
      const metric = (yTrue: tf.Tensor, yPred: tf.Tensor): tf.Tensor => {
        if (isLastBatch && yTrue.shape[0] === 1) throw new Error('a metric fails');
        return tf.metrics.categoricalAccuracy(yTrue, yPred);
      };
      const model = makeModel(tf.train.sgd(0.5));
      disposeOptimizer(model);
      model.compile({ optimizer: tf.train.sgd(0.5), loss: 'categoricalCrossentropy', metrics: [metric] });
      const checkpoint = averaging({ averageWeights });
      const failing = new tf.CustomCallback({
        onBatchBegin: async (batch) => {
          isLastBatch = batch === BATCHES - 1;
          return Promise.resolve();
        },
      });
      const val = makeData(1, 5);
      const training = model.fit(x, y, {
        epochs: 1,
        batchSize: BATCH_SIZE,
        shuffle: false,
        verbose: 0,
        validationData: [val.x, val.y],
        callbacks: [checkpoint, failing],
      });
      await expect(training).rejects.toThrow('a metric fails');
      const weights = valuesOf(model);
      checkpoint.dispose();
      disposeTrained(model);
      tf.dispose([val.x, val.y]);
      return [weights, tf.memory().numTensors - numTensors];
    };
    const [expected, leakedByTfjs] = await trainFailing(false);
    expect(await trainFailing(true)).toEqual([expected, leakedByTfjs]);
    tf.dispose([x, y]);
  });
});

describe('several checkpoints in one fit', () => {
  it('each see validation of the weights that they keep', () =>
    withData(async (data) => {
      for (const train of Object.values(TRAININGS)) {
        const options = { filepath: null, monitor: 'val_loss' };
        const averaged = { ...options, averageWeights: true };
        const histories: (number | null)[][] = [];
        for (const one of [options, averaged]) {
          const model = makeModel(tf.train.sgd(0.5));
          const alone = new EntropyCheckpointCallback(one);
          await train(model, data, [alone]);
          histories.push(
            alone.history.map(({ value }) => value),
            alone.history.map(({ valEntropy }) => valEntropy),
          );
          alone.dispose();
          disposeTrained(model);
        }
        const model = makeModel(tf.train.sgd(0.5));
        const both = [options, averaged, averaged].map((one) => new EntropyCheckpointCallback(one));
        const { history } = await train(model, data, both);
        const got = both.flatMap((one) => [
          one.history.map(({ value }) => value),
          one.history.map(({ valEntropy }) => valEntropy),
        ]);
        expect(got).toEqual([...histories, ...histories.slice(2)]);
        expect(history['val_loss']).toEqual(histories[2]);
        for (const one of both) one.dispose();
        disposeTrained(model);
      }
    }));

  it('continue the average of an earlier fit, whichever comes first', () =>
    withData(async (data) => {
      const averages: number[][][] = [];
      for (const isFirst of [true, false]) {
        const model = makeModel(tf.train.sgd(0.5));
        const continued = averaging();
        await TRAININGS['fit']!(model, data, [continued]);
        const fresh = averaging();
        await TRAININGS['fit']!(model, data, isFirst ? [continued, fresh] : [fresh, continued]);
        averages.push(await fresh.withAverage(() => valuesOf(model)));
        for (const one of [continued, fresh]) one.dispose();
        disposeTrained(model);
      }
      expect(averages[1]).toEqual(averages[0]);
    }));

  it('average with the same settings', () =>
    withData(async (data) => {
      const model = makeModel(tf.train.sgd(0.5));
      const [a, b] = [true, { decay: 0.5 }].map(
        (averageWeights) => new EntropyCheckpointCallback({ filepath: null, averageWeights }),
      ) as [EntropyCheckpointCallback, EntropyCheckpointCallback];
      const error = await rejection(TRAININGS['fit']!(model, data, [a, b]));
      expect(error.code).toBe('ENTROPY_INVALID_OPTION');
      expect(error.message).toContain(
        '{ decay: 0.62, updatesPerEpoch: 8 }, got { decay: 0.5, updatesPerEpoch: 8 }',
      );
      // Each can still be used alone.
      await TRAININGS['fit']!(model, data, [b]);
      expect(b.history).toHaveLength(EPOCHS);
      for (const one of [a, b]) one.dispose();
      disposeTrained(model);
    }));
});

describe('a stored average', () => {
  it('is what other loaders read', () =>
    withData(async (data) => {
      let artifacts: tf.io.ModelArtifacts | null = null;
      const handler: tf.io.IOHandler = {
        save: async (saved) => {
          artifacts = saved;
          return Promise.resolve({
            modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' },
          });
        },
        load: async () => Promise.resolve(artifacts!),
      };
      const model = makeModel(tf.train.adam(0.05));
      const checkpoint = new EntropyCheckpointCallback({
        filepath: handler,
        monitor: 'val_loss',
        averageWeights: true,
      });
      await TRAININGS['fit']!(model, data, [checkpoint]);
      const loaded = await tf.loadLayersModel(tf.io.fromMemory(artifacts!));
      const best = await loadCheckpoint(handler);
      expect(valuesOf(loaded)).toEqual(valuesOf(best.model));
      loaded.compile({ optimizer: 'sgd', ...LOSS });
      expect(evaluateOn(loaded, data)()[0]).toBeCloseTo(best.record.logs['val_loss']!, 6);
      checkpoint.dispose();
      for (const one of [model, loaded]) disposeTrained(one);
      best.model.dispose();
    }));

  it.each([
    [true, false, '{ decay: 0.62, updatesPerEpoch: 8 }', 'got false'],
    [false, true, 'averageWeights: false', 'got { decay: 0.62, updatesPerEpoch: 8 }'],
    [true, { decay: 0.9 }, '{ decay: 0.62, updatesPerEpoch: 8 }', 'got { decay: 0.9, updatesPerEpoch: 8 }'],
  ])('is not resumed with other settings: %j, then %j', (first, second, expected, got) =>
    withData(async (data) => {
      const store = new MemoryStore();
      const model = makeModel(tf.train.adam(0.05));
      const checkpoint = new EntropyCheckpointCallback({ filepath: store, averageWeights: first });
      await TRAININGS['fit']!(model, data, [checkpoint]);
      checkpoint.dispose();
      const before = valuesOf(model);
      const other = new EntropyCheckpointCallback({ filepath: store, averageWeights: second });
      const error = await rejection(other.resume(model));
      expect(error.code).toBe('ENTROPY_MONITOR_MISMATCH');
      expect(error.message).toContain(expected);
      expect(error.message).toContain(got);
      expect(valuesOf(model)).toEqual(before);
      other.dispose();
      disposeTrained(model);
    }),
  );
});
