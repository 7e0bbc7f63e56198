import * as tf from '@tensorflow/tfjs';
import { softmax64 } from '../support/entropy64.js';
import { sigmoid64 } from '../support/observer.js';

const NUM_FEATURES = 6;
const NUM_CLASSES = 4;
export const EPOCHS = 3;
const BATCH_SIZE = 8;
/** 37 = 4·8 + 5 and 11 = 8 + 3: the last batches are partial, with an odd number of rows. */
export const ROWS = { train: 37, val: 11 };

/** A kind of model, and its data. */
export interface TestModel {
  /** Converts an observed row to probabilities. */
  readonly toProbabilities: (logits: number[]) => number[];
  /** @param observer a layer to place before the last activation. */
  readonly build: (observer?: tf.layers.Layer, optimizer?: tf.Optimizer) => tf.LayersModel;
  readonly data: (rows: number, seed: number) => { x: tf.Tensor; y: tf.Tensor };
}

/** The logged values by name. */
export type History = tf.History['history'];

export type Training = (
  testModel: TestModel,
  model: tf.LayersModel,
  callbacks: tf.CustomCallback[],
) => Promise<History>;

const seeded = (seed: number): object => ({ kernelInitializer: tf.initializers.glorotUniform({ seed }) });

function compiled(
  layers: (tf.layers.Layer | undefined)[],
  loss: string,
  optimizer: tf.Optimizer = tf.train.sgd(0.1),
): tf.LayersModel {
  const model = tf.sequential({ layers: layers.filter((layer) => layer !== undefined) });
  model.compile({ optimizer, loss, metrics: ['accuracy'] });
  return model;
}

const features = (shape: number[], seed: number): tf.Tensor => tf.randomNormal(shape, 0, 1, 'float32', seed);

function oneHot(shape: number[], seed: number): tf.Tensor {
  return tf.tidy(() => {
    const labels = tf.floor(tf.randomUniform(shape, 0, NUM_CLASSES, 'float32', seed));
    return tf.cast(tf.oneHot(tf.cast(labels, 'int32'), NUM_CLASSES), 'float32');
  });
}

export const TEST_MODELS: Record<string, TestModel> = {
  'a softmax output': {
    toProbabilities: softmax64,
    build: (observer, optimizer) =>
      compiled(
        [
          tf.layers.dense({ units: 5, inputShape: [NUM_FEATURES], activation: 'tanh', ...seeded(3) }),
          tf.layers.dense({ units: NUM_CLASSES, ...seeded(4) }),
          observer,
          tf.layers.activation({ activation: 'softmax' }),
        ],
        'categoricalCrossentropy',
        optimizer,
      ),
    data: (rows, seed) => ({ x: features([rows, NUM_FEATURES], seed), y: oneHot([rows], seed + 1) }),
  },
  'one sigmoid unit': {
    toProbabilities: sigmoid64,
    build: (observer, optimizer) =>
      compiled(
        [
          tf.layers.dense({ units: 1, inputShape: [NUM_FEATURES], ...seeded(5) }),
          observer,
          tf.layers.activation({ activation: 'sigmoid' }),
        ],
        'binaryCrossentropy',
        optimizer,
      ),
    data: (rows, seed) => ({
      x: features([rows, NUM_FEATURES], seed),
      y: tf.tidy(() => tf.round(tf.randomUniform([rows, 1], 0, 1, 'float32', seed + 1))),
    }),
  },
  'a sequence output': {
    toProbabilities: softmax64,
    build: (observer, optimizer) =>
      compiled(
        [
          // Three steps: textures pack an odd number with a gap.
          tf.layers.dense({ units: NUM_CLASSES, inputShape: [3, NUM_FEATURES], ...seeded(6) }),
          observer,
          tf.layers.activation({ activation: 'softmax' }),
        ],
        'categoricalCrossentropy',
        optimizer,
      ),
    data: (rows, seed) => ({ x: features([rows, 3, NUM_FEATURES], seed), y: oneHot([rows, 3], seed + 1) }),
  },
};

async function datasetOf({
  x,
  y,
}: {
  x: tf.Tensor;
  y: tf.Tensor;
}): Promise<tf.data.Dataset<tf.TensorContainer>> {
  // From arrays: nothing would dispose the elements of a dataset made from tensors.
  const rowsOf = async (tensor: tf.Tensor): Promise<tf.data.Dataset<tf.TensorContainer>> =>
    tf.data.array((await tensor.array()) as tf.TensorContainerArray);
  return tf.data.zip({ xs: await rowsOf(x), ys: (await rowsOf(y)) as never }).batch(BATCH_SIZE);
}

export const TRAININGS: Record<string, Training> = {
  fit: async ({ data }, model, callbacks) => {
    const [train, val] = [data(ROWS.train, 1), data(ROWS.val, 2)];
    const { history } = await model.fit(train.x, train.y, {
      epochs: EPOCHS,
      batchSize: BATCH_SIZE,
      shuffle: false,
      verbose: 0,
      validationData: [val.x, val.y],
      callbacks,
    });
    tf.dispose([train.x, train.y, val.x, val.y]);
    return history;
  },
  fitDataset: async ({ data }, model, callbacks) => {
    const [train, val] = [data(ROWS.train, 1), data(ROWS.val, 2)];
    const { history } = await model.fitDataset(await datasetOf(train), {
      epochs: EPOCHS,
      verbose: 0,
      validationData: await datasetOf(val),
      callbacks,
    });
    tf.dispose([train.x, train.y, val.x, val.y]);
    return history;
  },
};
