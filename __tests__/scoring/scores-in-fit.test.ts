import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback } from '../../src/index.js';
import { callbackWith, HOOKS } from '../support/confidences.js';
import { disposeTrained } from '../support/dispose-trained.js';
import { makeData, NUM_CLASSES, NUM_FEATURES, seededDense } from '../support/fixtures.js';
import { Observer, sigmoid64 } from '../support/observer.js';

const ROWS = 37;
const VAL_ROWS = 11;
const BATCH_SIZE = 8; // 37 = 4·8 + 5 and 11 = 8 + 3: the last batches are partial.
const LAST_BATCH = 4;
const EPOCHS = 2;

/** A model whose predictions pass through `observers`, and its data. */
interface TestModel {
  model: tf.LayersModel;
  observers: Observer[];
  data: (rows: number, seed: number) => { x: tf.Tensor; y: tf.Tensor | tf.Tensor[] };
}

const softmaxHead = (observer: Observer): tf.layers.Layer[] => [
  seededDense(NUM_CLASSES, 12),
  observer,
  tf.layers.activation({ activation: 'softmax' }),
];

const TEST_MODELS: Record<string, () => TestModel> = {
  'a Sequential': () => {
    const observer = new Observer();
    const layers = [
      seededDense(5, 11, { inputShape: [NUM_FEATURES], activation: 'relu' }),
      ...softmaxHead(observer),
    ];
    const model = tf.sequential({ layers });
    model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
    return { model, observers: [observer], data: makeData };
  },
  'a functional model with dropout': () => {
    const observer = new Observer();
    const input = tf.input({ shape: [NUM_FEATURES] });
    let tensor = seededDense(9, 11, { activation: 'relu' }).apply(input);
    tensor = tf.layers.dropout({ rate: 0.5 }).apply(tensor);
    for (const layer of softmaxHead(observer)) tensor = layer.apply(tensor);
    const model = tf.model({ inputs: input, outputs: tensor as tf.SymbolicTensor });
    model.compile({ optimizer: tf.train.sgd(0.2), loss: 'categoricalCrossentropy' });
    return { model, observers: [observer], data: makeData };
  },
  'logits with a loss that takes logits': () => {
    const observer = new Observer();
    const layers = [seededDense(NUM_CLASSES, 5, { inputShape: [NUM_FEATURES] }), observer];
    const head = tf.layers.activation({ activation: 'linear' });
    const model = tf.sequential({ layers: [...layers, head] });
    model.compile({ optimizer: 'sgd', loss: tf.losses.softmaxCrossEntropy });
    return { model, observers: [observer], data: makeData };
  },
  'two class outputs and a regression': () => {
    const observers = [new Observer(), new Observer()];
    const input = tf.input({ shape: [NUM_FEATURES] });
    const outputs = observers.map((observer) => {
      let tensor = seededDense(4, 13, { activation: 'tanh' }).apply(input);
      for (const layer of softmaxHead(observer)) tensor = layer.apply(tensor);
      return tensor as tf.SymbolicTensor;
    });
    const value = tf.layers.dense({ units: 2, name: 'value' }).apply(input) as tf.SymbolicTensor;
    const model = tf.model({ inputs: input, outputs: [outputs[0]!, value, outputs[1]!] });
    const loss = ['categoricalCrossentropy', 'meanSquaredError', 'categoricalCrossentropy'];
    model.compile({ optimizer: 'adam', loss, metrics: ['accuracy'] });
    const data: TestModel['data'] = (rows, seed) => {
      const { x, y } = makeData(rows, seed);
      return { x, y: [y, tf.ones([rows, 2]), tf.reverse(y, 1)] };
    };
    return { model, observers, data };
  },
  'a sequence output': () => {
    const observer = new Observer();
    const layers = [
      tf.layers.simpleRNN({ units: 5, returnSequences: true, inputShape: [3, NUM_FEATURES] }),
      ...softmaxHead(observer),
    ];
    const model = tf.sequential({ layers });
    model.compile({ optimizer: 'rmsprop', loss: 'categoricalCrossentropy' });
    const data: TestModel['data'] = (rows, seed) => {
      const { x, y } = makeData(rows * 3, seed);
      const reshaped = {
        x: tf.reshape(x, [rows, 3, NUM_FEATURES]),
        y: tf.reshape(y, [rows, 3, NUM_CLASSES]),
      };
      tf.dispose([x, y]);
      return reshaped;
    };
    return { model, observers: [observer], data };
  },
  'one sigmoid unit': () => {
    const observer = new Observer(sigmoid64);
    const layers = [
      seededDense(5, 11, { inputShape: [NUM_FEATURES], activation: 'relu' }),
      seededDense(1, 12),
      observer,
      tf.layers.activation({ activation: 'sigmoid' }),
    ];
    const model = tf.sequential({ layers });
    model.compile({ optimizer: 'adam', loss: 'binaryCrossentropy' });
    const data: TestModel['data'] = (rows, seed) => {
      const { x, y } = makeData(rows, seed);
      const positive = tf.tidy(() => tf.slice(y, [0, 0], [rows, 1]));
      y.dispose();
      return { x, y: positive };
    };
    return { model, observers: [observer], data };
  },
};

/** Trains a model, and disposes its data. */
type Training = (testModel: TestModel, callbacks: tf.CustomCallback[]) => Promise<void>;

function dataset(
  { x, y }: ReturnType<TestModel['data']>,
  outputNames: string[],
): tf.data.Dataset<tf.TensorContainer> {
  // From arrays: nothing would dispose the elements of a dataset made from tensors.
  const rowsOf = (tensor: tf.Tensor): tf.data.Dataset<tf.TensorContainer> => {
    return tf.data.array(tensor.arraySync() as tf.TensorContainerArray);
  };
  const ys = Array.isArray(y)
    ? Object.fromEntries(y.map((part, i) => [outputNames[i]!, rowsOf(part)]))
    : rowsOf(y);
  return tf.data.zip({ xs: rowsOf(x), ys: ys as never }).batch(BATCH_SIZE);
}

const fit =
  (validation: 'validationSplit' | 'validationData' | 'none'): Training =>
  async ({ model, data }, callbacks) => {
    const train = data(ROWS, 1);
    const val = data(VAL_ROWS, 2);
    const args = {
      validationSplit: { validationSplit: 0.3 },
      validationData: { validationData: [val.x, val.y] as [tf.Tensor, tf.Tensor] },
      none: {},
    }[validation];
    await model.fit(train.x, train.y, {
      epochs: EPOCHS,
      batchSize: BATCH_SIZE,
      verbose: 0,
      callbacks,
      ...args,
    });
    tf.dispose([train, val] as never);
  };

const fitDataset =
  (validation: 'dataset' | 'tensors' | 'none', size: 'known' | 'unknown' = 'known'): Training =>
  async ({ model, data }, callbacks) => {
    const train = data(ROWS, 1);
    const val = data(VAL_ROWS, 2);
    const known = dataset(train, model.outputNames);
    // `fitDataset` does not know how many batches a generator has.
    const batches = size === 'known' ? known : tf.data.generator(() => iterate(known));
    const validationData = {
      dataset: dataset(val, model.outputNames),
      tensors: [val.x, val.y],
      none: undefined,
    }[validation];
    await model.fitDataset(batches, {
      epochs: EPOCHS,
      verbose: 0,
      callbacks,
      ...(validationData === undefined ? {} : { validationData: validationData as never }),
    });
    tf.dispose([train, val] as never);
  };

async function* iterate(batches: tf.data.Dataset<tf.TensorContainer>): AsyncGenerator<never> {
  const iterator = await batches.iterator();
  for (;;) {
    const next: IteratorResult<tf.TensorContainer> = await iterator.next();
    if (next.done === true) return;
    yield next.value as never;
  }
}

const TRAININGS: Record<string, Training> = {
  'fit with validationSplit': fit('validationSplit'),
  'fit with validationData': fit('validationData'),
  'fit without validation': fit('none'),
  'fitDataset with a validation dataset': fitDataset('dataset'),
  'fitDataset with validation tensors': fitDataset('tensors'),
  'fitDataset without validation': fitDataset('none'),
  'fitDataset of unknown size': fitDataset('dataset', 'unknown'),
};

/** A callback that closes the observers' epoch and records their means. */
function recordMeans(observers: Observer[]): {
  callback: tf.CustomCallback;
  seen: ReturnType<typeof closePooledEpoch>[];
} {
  const seen: ReturnType<typeof closePooledEpoch>[] = [];
  const callback = new tf.CustomCallback({});
  callback.onEpochEnd = async () => {
    seen.push(closePooledEpoch(observers));
    return Promise.resolve();
  };
  return { callback, seen };
}

/** Ends the observers' epoch. The rows of all outputs have the same weight. */
function closePooledEpoch(observers: Observer[]): { train: number; val: number; all: number } {
  const [first, ...others] = observers;
  for (const { rows } of others) {
    first!.rows.train.push(...rows.train);
    first!.rows.val.push(...rows.val);
    rows.train = [];
    rows.val = [];
  }
  return first!.closeEpoch();
}

function expectSeen(
  checkpoint: EntropyCheckpointCallback,
  seen: ReturnType<typeof closePooledEpoch>[],
): void {
  expect(checkpoint.history).toHaveLength(seen.length);
  for (const [i, { train, val, all }] of seen.entries()) {
    const record = checkpoint.history[i]!;
    expect(Math.abs(record.trainEntropy! - train)).toBeLessThan(1e-5);
    expect(Math.abs(record.entropy! - all)).toBeLessThan(1e-5);
    if (Number.isNaN(val)) expect(record.valEntropy).toBeNull();
    else expect(Math.abs(record.valEntropy! - val)).toBeLessThan(1e-5);
  }
}

/** How many tensors `body` leaks. */
async function tensorsLeakedBy(body: () => Promise<void>): Promise<number> {
  const { numTensors } = tf.memory();
  await body();
  return tf.memory().numTensors - numTensors;
}

// On the other backends, `conformance` compares the same.
describe.each(Object.entries(TEST_MODELS))('the scores of %s', (_name, makeTestModel) => {
  test.each(Object.entries(TRAININGS))(
    'equal those of an observing layer in %s',
    async (_training, train) => {
      const trainWith = async (checkpoint?: EntropyCheckpointCallback): Promise<void> => {
        const testModel = makeTestModel();
        const { callback, seen } = recordMeans(testModel.observers);
        await train(testModel, checkpoint === undefined ? [callback] : [checkpoint, callback]);
        expect(seen).toHaveLength(EPOCHS);
        if (checkpoint !== undefined) expectSeen(checkpoint, seen);
        checkpoint?.dispose();
        disposeTrained(testModel.model);
      };
      // tfjs itself leaks tensors when `fitDataset` validates a model of three outputs.
      const leakedWithout = await tensorsLeakedBy(() => trainWith());
      const leaked = await tensorsLeakedBy(() =>
        trainWith(new EntropyCheckpointCallback({ filepath: null })),
      );
      expect(leaked).toBe(leakedWithout);
    },
  );
});

const EVALUATED_TRAININGS: Record<string, Training> = {
  'fit with validationData': fit('validationData'),
  'fit without validation': fit('none'),
  'fitDataset with a validation dataset': fitDataset('dataset'),
  'fitDataset of unknown size': fitDataset('tensors', 'unknown'),
  'fitDataset without validation': fitDataset('none'),
};

describe.each(Object.entries(EVALUATED_TRAININGS))('another evaluation during %s', (_name, train) => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  describe.each(HOOKS)('in %s of another callback', (hook) => {
    test.each(['before', 'after'] as const)(
      'is not counted if that callback is listed %s ours',
      async (order) => {
        const testModel = TEST_MODELS['a Sequential']!();
        const { model, observers } = testModel;
        const other = testModel.data(13, 5);
        let evaluations = 0;
        const otherCallback = callbackWith(hook, async () => {
          evaluations += 1;
          for (const observer of observers) observer.paused = true;
          tf.dispose(model.evaluate(other.x, other.y, { batchSize: 4 }));
          tf.dispose(await model.evaluateDataset(dataset(other, model.outputNames) as never, {}));
          for (const observer of observers) observer.paused = false;
        });
        const { callback, seen } = recordMeans(observers);
        const checkpoint = new EntropyCheckpointCallback({ filepath: null });
        const callbacks = order === 'before' ? [otherCallback, checkpoint] : [checkpoint, otherCallback];
        await train(testModel, [...callbacks, callback]);
        expect(evaluations).toBeGreaterThan(0);
        expectSeen(checkpoint, seen);
        expect(checkpoint.history.every(({ value }) => value !== null)).toBe(true);
        checkpoint.dispose();
      },
    );
  });

  // The last batch is the hard case: validation comes next, or has just been.
  test.each(['onBatchBegin', 'onBatchEnd', 'onEpochEnd'] as const)(
    'is not counted if it began before, and continues in the last %s',
    async (hook) => {
      const testModel = TEST_MODELS['a Sequential']!();
      const { model, observers } = testModel;
      let goOn: () => void = () => undefined;
      const gate = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      const other = dataset(testModel.data(13, 5), model.outputNames).mapAsync(async (batch) => {
        await gate;
        return batch;
      });
      const evaluation = model.evaluateDataset(other as never, {});
      const otherCallback = new tf.CustomCallback({});
      otherCallback[hook] = async (index: number) => {
        if (hook !== 'onEpochEnd' && index < LAST_BATCH) return;
        for (const observer of observers) observer.paused = true;
        goOn();
        tf.dispose(await evaluation);
        for (const observer of observers) observer.paused = false;
      };
      const { callback, seen } = recordMeans(observers);
      const checkpoint = new EntropyCheckpointCallback({ filepath: null, monitor: 'train_entropy' });
      await train(testModel, [otherCallback, checkpoint, callback]);
      expectSeen(checkpoint, seen);
      checkpoint.dispose();
    },
  );

  test('is not counted if it is a trainOnBatch', async () => {
    const testModel = TEST_MODELS['a Sequential']!();
    const { model, observers } = testModel;
    const other = testModel.data(13, 5);
    const otherCallback = new tf.CustomCallback({});
    otherCallback.onBatchEnd = async () => {
      for (const observer of observers) observer.paused = true;
      await model.trainOnBatch(other.x, other.y);
      for (const observer of observers) observer.paused = false;
    };
    const { callback, seen } = recordMeans(observers);
    const checkpoint = new EntropyCheckpointCallback({ filepath: null });
    await train(testModel, [otherCallback, checkpoint, callback]);
    expectSeen(checkpoint, seen);
    checkpoint.dispose();
  });
});
