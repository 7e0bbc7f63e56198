import { afterEach, beforeEach, describe, expect, it, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../../src/errors.js';
import type { ListState, SlotState } from '../../src/format/optimizer-state.js';
import { disposeState, type TrainingState } from '../../src/format/snapshot.js';
import type { StoredTensor } from '../../src/format/stored-tensor.js';
import { captureState, restoreState } from '../../src/state/training-state.js';
import { ExtraOptimizer, LionOptimizer } from './fixtures/custom-optimizer.js';
import { optimizerBits, tensorBits } from './fixtures/optimizers.js';
import { countTensors } from './fixtures/tensor-count.js';
import { roundTripState } from './fixtures/round-trip.js';
import { makeData, makeNet, modelBits, numbers, trainEpochs, type Data } from './fixtures/training.js';
import { rejection, thrownBy } from '../support/errors.js';

const own = countTensors();
let data: Data;

beforeEach(() => {
  data = makeData();
  for (const tensor of [data.x, data.y, ...data.validationData]) own(tensor);
});

afterEach(() => {
  jest.restoreAllMocks();
});

/** Restores `state` in a model and its optimizer, and frees it. */
async function restore(
  state: TrainingState,
  model: tf.LayersModel,
  optimizer: tf.Optimizer | null = model.optimizer,
): Promise<void> {
  try {
    await restoreState(state, model, optimizer);
  } finally {
    disposeState(state);
  }
}

const compiled = <T extends tf.LayersModel>(model: T, optimizer: tf.Optimizer = tf.train.adam(0.02)): T => {
  model.compile({ optimizer, loss: 'categoricalCrossentropy' });
  return own(model);
};

const softmax = (): tf.layers.Layer => tf.layers.dense({ units: 3, activation: 'softmax' });

/** Layers of equal shape, so that only their paths distinguish the weights. */
function makeEqualLayers(frozen: readonly number[] = []): tf.Sequential {
  const hidden = [0, 1, 2].map((i) =>
    tf.layers.dense({ units: 6, activation: 'tanh', inputShape: [6], trainable: !frozen.includes(i) }),
  );
  return compiled(tf.sequential({ layers: [...hidden, softmax()] }));
}

/** Sets every weight to values that depend on `seed`, different ones for each weight. */
function fillWeights(model: tf.LayersModel, seed: number): void {
  for (const [i, weight] of model.getWeights().entries()) {
    tf.tidy(() => {
      (weight as tf.Variable).assign(tf.tensor(numbers(weight.size, seed + i), weight.shape));
    });
  }
}

interface MomentSlot {
  readonly originalName: string;
  readonly variable: tf.Variable;
}

/** Adam's optimizer slots of the first moments, in Adam's order. */
function firstMoments(model: tf.LayersModel): (MomentSlot | undefined)[] {
  return (model.optimizer as unknown as { accumulatedFirstMoment: MomentSlot[] }).accumulatedFirstMoment;
}

const momentBits = (model: tf.LayersModel): (string | undefined)[] =>
  Array.from(firstMoments(model), (slot) => slot && tensorBits(slot.variable));

const layerWeights = (layer: tf.layers.Layer): tf.Variable[] => layer.getWeights() as tf.Variable[];

const layerBits = (layer: tf.layers.Layer): string[] => layerWeights(layer).map(tensorBits);

/** The predictions of `model` for the test data, bit for bit. */
function predictionBits(model: tf.LayersModel): string[] {
  return tf.tidy(() => [model.predict(model.inputs.map(() => data.x))].flat().map(tensorBits));
}

describe('weights', () => {
  test('are restored without applying their constraints', async () => {
    const kernelConstraint = tf.constraints.maxNorm({ maxValue: 0.1 });
    const make = (): tf.LayersModel =>
      compiled(
        tf.sequential({
          layers: [tf.layers.dense({ units: 5, inputShape: [6], kernelConstraint }), softmax()],
        }),
      );
    const model = make();
    fillWeights(model, 3);
    const before = modelBits(model);
    const [kernel] = model.getWeights() as [tf.Tensor];
    const largest = tf.tidy(() => kernel.square().sum(0).sqrt().max().dataSync()[0]);
    expect(largest).toBeGreaterThan(0.5);

    const other = make();
    await restore(await roundTripState(model), other);

    expect(modelBits(other).weights).toEqual(before.weights);
  });

  test('of batch normalisation are restored with their moving statistics', async () => {
    const model = own(makeNet(tf.train.adam(0.02)));
    await trainEpochs(model, data, 0, 2);
    const [, normalisation] = model.layers as [unknown, tf.layers.Layer];
    const before = layerBits(normalisation);
    const state = captureState(model, model.optimizer);
    await trainEpochs(model, data, 2, 4);
    expect(layerBits(normalisation)).not.toEqual(before);

    await restore(state, model);

    expect(layerBits(normalisation)).toHaveLength(4);
    expect(layerBits(normalisation)).toEqual(before);
  });

  test('of frozen layers are restored', async () => {
    const model = makeEqualLayers([1]);
    const before = modelBits(model);
    const state = captureState(model, model.optimizer);
    fillWeights(model, 5);

    await restore(state, model);

    expect(modelBits(model)).toEqual(before);
  });

  test('are matched to their layers in a model with other frozen layers', async () => {
    const model = makeEqualLayers([0]);
    fillWeights(model, 5);
    const other = makeEqualLayers([2]);
    expect(model.getWeights().map((w) => w.shape.length)).toEqual(
      other.getWeights().map((w) => w.shape.length),
    );

    await restore(await roundTripState(model), other);

    expect(other.layers.map(layerBits)).toEqual(model.layers.map(layerBits));
    expect(modelBits(other).weights).not.toEqual(modelBits(model).weights);
  });

  test('of batch normalisation are matched by path, though freezing it changes their order', async () => {
    const model = own(makeNet(tf.train.adam(0.02)));
    await trainEpochs(model, data, 0, 2);
    const expected = predictionBits(model);
    const state = await roundTripState(model);
    for (const frozen of [[0], [1], [2], [0, 2]]) {
      const other = own(makeNet(tf.train.adam(0.02), 9));
      for (const index of frozen) other.layers[index]!.trainable = false;
      await restoreState(state, other, null);
      expect(predictionBits(other)).toEqual(expected);
    }
    disposeState(state);
  });

  test('of a model inside TimeDistributed are matched by path, though one of its layers is frozen', async () => {
    const make = (frozen: number | null): tf.LayersModel => {
      const inner = tf.sequential({
        layers: [0, 1].map((i) => tf.layers.dense({ units: 3, inputShape: [3], trainable: i !== frozen })),
      });
      const layer = tf.layers.timeDistributed({ layer: inner, inputShape: [2, 3] });
      return compiled(tf.sequential({ layers: [layer, tf.layers.flatten(), softmax()] }));
    };
    const predict = (model: tf.LayersModel): string =>
      tf.tidy(() => tensorBits(model.predict(data.x.reshape([12, 2, 3])) as tf.Tensor));
    const model = make(null);
    const other = make(0);

    await restore(await roundTripState(model), other);

    expect(predict(other)).toBe(predict(model));
  });

  test('are matched by path in a second model of the same architecture, whose layers have other names', async () => {
    const model = makeEqualLayers();
    fillWeights(model, 5);
    const other = makeEqualLayers();
    const names = (m: tf.LayersModel): string[] => m.layers.map(({ name }) => name);
    expect(names(other).filter((name) => names(model).includes(name))).toEqual([]);

    await restore(await roundTripState(model), other);

    expect(modelBits(other).weights).toEqual(modelBits(model).weights);
  });
});

describe('optimizer slots', () => {
  test('stay with their weights if an earlier layer is frozen in the other model', async () => {
    const model = makeEqualLayers();
    await trainEpochs(model, data, 0, 2);
    const before = momentBits(model);
    const other = makeEqualLayers([0]);
    await trainEpochs(other, data, 0, 1);

    await restore(await roundTripState(model), other);

    expect(momentBits(other)).toEqual(before.slice(2));
  });

  test('stay with their weights if a layer has been frozen in the same model', async () => {
    const model = makeEqualLayers();
    await trainEpochs(model, data, 0, 2);
    const before = momentBits(model);
    const state = captureState(model, model.optimizer);
    own(model.optimizer);
    model.layers[1]!.trainable = false;
    model.compile({ optimizer: tf.train.adam(0.02), loss: 'categoricalCrossentropy' });

    await restore(state, model);

    expect(momentBits(model)).toEqual([...before.slice(0, 2), ...before.slice(4)]);
  });

  test.each([
    ['frozen', [], [0]],
    ['thawed', [0], []],
  ])(
    'continue as tfjs uses them after a layer was %s under the same optimizer',
    async (_name, before, after) => {
      // All layers are alike, or tfjs itself would fail: it uses each slot for another weight than before.
      const make = (frozen: readonly number[]): tf.LayersModel => {
        const layers = [0, 1, 2].map((i) =>
          tf.layers.dense({ units: 6, activation: 'tanh', inputShape: [6], trainable: !frozen.includes(i) }),
        );
        return compiled(tf.sequential({ layers }));
      };
      const [x] = data.validationData;
      const identity: Data = { x: data.x, y: data.x, validationData: [x, x] };
      const model = make(before);
      await trainEpochs(model, identity, 0, 2);
      model.layers[0]!.trainable = after.length === 0;
      model.compile({ optimizer: model.optimizer, loss: 'categoricalCrossentropy' });
      await trainEpochs(model, identity, 2, 4);
      const state = await roundTripState(model);
      const saved = modelBits(model);
      const expected = await trainEpochs(model, identity, 4, 6);
      expect(expected.loss.every(Number.isFinite)).toBe(true);
      const other = make(after);

      await restore(state, other);

      expect(modelBits(other)).toEqual(saved);
      expect(await trainEpochs(other, identity, 4, 6)).toEqual(expected);
      expect(modelBits(other)).toEqual(modelBits(model));
    },
  );

  test('of a custom training loop are matched by name, also to a compiled model with a frozen layer', async () => {
    const model = makeEqualLayers();
    const optimizer = own(tf.train.adam(0.02));
    const variables = model.getWeights() as tf.Variable[];
    // In reverse order, so that the index doesn't identify the weight.
    const varList = [...variables].reverse();
    optimizer.minimize(
      () => tf.losses.softmaxCrossEntropy(data.y, model.predict(data.x) as tf.Tensor),
      false,
      varList,
    );
    const { accumulatedFirstMoment: slots } = optimizer as unknown as {
      accumulatedFirstMoment: MomentSlot[];
    };
    const expected = slots.map(({ variable }) => tensorBits(variable)).reverse();
    const other = makeEqualLayers([0]);

    await restore(await roundTripState(model, optimizer), other);

    expect(momentBits(other)).toEqual(expected.slice(2));
  });

  test('that tfjs itself has loaded with names of an earlier process are matched by index', async () => {
    const model = makeEqualLayers();
    await trainEpochs(model, data, 0, 2);
    const before = momentBits(model);
    const second = makeEqualLayers();
    const weights = await model.optimizer.getWeights();
    const renamed = weights.map(({ name, tensor }) => ({ name: `x${name}`, tensor: tensor.clone() }));
    await second.optimizer.setWeights(renamed);
    tf.dispose([weights[0]!.tensor, ...renamed.map(({ tensor }) => tensor)]);
    const third = makeEqualLayers([0]);

    await restore(await roundTripState(second), third);

    expect(momentBits(third)).toEqual(before.slice(2));
  });

  test('are named after their weights, even if the optimizer named them otherwise', async () => {
    const model = makeEqualLayers();
    await trainEpochs(model, data, 0, 2);
    const state = captureState(model, model.optimizer);
    model.layers[0]!.trainable = false;
    model.compile({ optimizer: model.optimizer, loss: 'categoricalCrossentropy' });

    await restore(state, model);

    const weights = model.layers.slice(1).flatMap(layerWeights);
    expect(firstMoments(model).map((slot) => slot?.originalName)).toEqual(
      weights.map(({ name }) => `${name}/m`),
    );
  });

  test('stay with their weights if an earlier layer is thawed in the other model, whose slots stay empty', async () => {
    const model = makeEqualLayers([0]);
    await trainEpochs(model, data, 0, 2);
    const before = momentBits(model);
    const other = makeEqualLayers();
    await trainEpochs(other, data, 0, 1);

    await restore(await roundTripState(model), other);

    expect(momentBits(other)).toEqual([undefined, undefined, ...before]);
  });

  test('of a thawed layer are made by its first step, and the others continue', async () => {
    const model = makeEqualLayers([0]);
    await trainEpochs(model, data, 0, 2);
    const state = await roundTripState(model);
    const [thawed, zeroed] = [makeEqualLayers(), makeEqualLayers()];
    await trainEpochs(zeroed, data, 0, 1);

    await restoreState(state, thawed, thawed.optimizer);
    await restore(state, zeroed);
    // tfjs begins a slot at zero, so a model whose slots are set to zero must train in the same way.
    for (const key of ['accumulatedFirstMoment', 'accumulatedSecondMoment'] as const) {
      const slots = (zeroed.optimizer as unknown as Record<typeof key, MomentSlot[]>)[key];
      for (const [i, weight] of layerWeights(zeroed.layers[0]!).entries()) {
        const variable = tf.tidy(() => tf.variable(tf.zerosLike(weight), false));
        slots[i] = { originalName: weight.name, variable };
      }
    }
    await trainEpochs(thawed, data, 2, 4);
    await trainEpochs(zeroed, data, 2, 4);

    expect(modelBits(thawed)).toEqual(modelBits(zeroed));
    const [kernel] = layerWeights(thawed.layers[0]!);
    expect(firstMoments(thawed)[0]?.originalName).toBe(`${String(kernel?.name)}/m`);
  });

  test('that a thawed layer lacks do not shift the other slots in the next capture', async () => {
    const model = makeEqualLayers([0]);
    await trainEpochs(model, data, 0, 2);
    const before = momentBits(model);
    const thawed = makeEqualLayers();
    await restore(await roundTripState(model), thawed);
    const frozenAgain = makeEqualLayers([0]);

    await restore(await roundTripState(thawed), frozenAgain);

    expect(momentBits(frozenAgain)).toEqual(before);
  });

  test('are captured by the path of their weights after a restore from another process', async () => {
    const model = makeEqualLayers();
    await trainEpochs(model, data, 0, 2);
    const before = momentBits(model);
    const second = makeEqualLayers();
    await restore(await roundTripState(model), second);
    const third = makeEqualLayers([0]);

    await restore(await roundTripState(second), third);

    expect(momentBits(third)).toEqual(before.slice(2));
    const names = third.layers
      .slice(1)
      .flatMap(layerWeights)
      .map(({ name }) => `${name}/m`);
    expect(firstMoments(third).map((slot) => slot?.originalName)).toEqual(names);
  });

  test('of a custom training loop are restored in an optimizer that the model is not compiled with', async () => {
    const make = (): [tf.LayersModel, tf.Optimizer] => [
      compiled(
        tf.sequential({ layers: [tf.layers.dense({ units: 6, inputShape: [6] }), softmax()] }),
        tf.train.sgd(0.1),
      ),
      own(tf.train.adam(0.02)),
    ];
    const step = ([model, optimizer]: [tf.LayersModel, tf.Optimizer]): void => {
      optimizer.minimize(() => tf.losses.softmaxCrossEntropy(data.y, model.predict(data.x) as tf.Tensor));
    };
    const first = make();
    step(first);
    step(first);
    const state = await roundTripState(...first);
    const second = make();

    await restore(state, ...second);

    for (const pair of [first, second]) step(pair);
    expect(second[0].getWeights().map(tensorBits)).toEqual(first[0].getWeights().map(tensorBits));
    expect(optimizerBits(second[1])).toEqual(optimizerBits(first[1]));
  });
});

describe('weights and optimizer slots', () => {
  const dense = (units: number): tf.layers.Layer => tf.layers.dense({ units, activation: 'tanh' });

  function makeNested(): tf.LayersModel {
    const innermost = tf.sequential({
      layers: [tf.layers.dense({ units: 6, activation: 'tanh', inputShape: [6] }), dense(6)],
    });
    const input = tf.input({ shape: [6] });
    const hidden = dense(6).apply(innermost.apply(dense(6).apply(input))) as tf.SymbolicTensor;
    const middle = tf.model({ inputs: input, outputs: hidden });
    return compiled(
      tf.sequential({
        layers: [
          tf.layers.dense({ units: 6, inputShape: [6] }),
          middle,
          tf.layers.batchNormalization(),
          softmax(),
        ],
      }),
    );
  }

  function makeShared(): tf.LayersModel {
    const input = tf.input({ shape: [6] });
    const [shared, other] = [dense(6), dense(6)];
    const twice = shared.apply(other.apply(shared.apply(input)));
    const sum = tf.layers.add().apply([twice as tf.SymbolicTensor, shared.apply(input) as tf.SymbolicTensor]);
    return compiled(tf.model({ inputs: input, outputs: softmax().apply(sum) as tf.SymbolicTensor }));
  }

  function makeBranches(): tf.LayersModel {
    const inputs = [tf.input({ shape: [6] }), tf.input({ shape: [6] })];
    const branch = (input: tf.SymbolicTensor): tf.SymbolicTensor =>
      dense(6).apply(dense(6).apply(input)) as tf.SymbolicTensor;
    const branches = [...inputs, ...inputs].map(branch);
    const joined = tf.layers.concatenate().apply(branches);
    return compiled(tf.model({ inputs, outputs: softmax().apply(joined) as tf.SymbolicTensor }));
  }

  test.each([
    ['a Sequential in a functional model in a Sequential', makeNested],
    ['a shared layer', makeShared],
    ['branches of equal shape', makeBranches],
  ])('of %s are restored, and training continues exactly', async (_name, make) => {
    const model = make();
    const inputs = model.inputs.map(() => data.x);
    const step = async (trained: tf.LayersModel): Promise<void> => {
      await trained.fit(inputs, data.y, { epochs: 2, batchSize: 8, shuffle: false, verbose: 0 });
    };
    await step(model);
    const other = make();
    await step(other);

    await restore(await roundTripState(model), other);

    expect(modelBits(other)).toEqual(modelBits(model));
    await step(model);
    await step(other);
    expect(modelBits(other)).toEqual(modelBits(model));
  });
});

describe('stateful recurrent layers', () => {
  const BATCH = 4;
  const recurrent = (): tf.layers.RNN =>
    tf.layers.lstm({ units: 3, stateful: true, recurrentInitializer: 'glorotUniform' });

  function makeRecurrent(layer: tf.layers.Layer, batchInputShape = [BATCH, 2, 3]): tf.Sequential {
    const input = tf.layers.inputLayer({ batchInputShape });
    return compiled(
      tf.sequential({ layers: [input, layer, tf.layers.reshape({ targetShape: [-1] }), softmax()] }),
    );
  }

  /** Trains on batches in order. Each depends on the states that the previous one left. */
  async function trainBatches(model: tf.LayersModel, from: number, to: number): Promise<number[]> {
    const losses: number[] = [];
    const shape = model.inputs[0]!.shape as number[];
    for (let i = from; i < to; i++) {
      const x = tf.tensor(numbers(tf.util.sizeFromShape(shape), i), shape);
      const y = tf.tidy(() => data.y.slice([i, 0], [shape[0]!, 3]));
      losses.push((await model.trainOnBatch(x, y)) as number);
      tf.dispose([x, y]);
    }
    return losses;
  }

  /** Frees the states, and those that tfjs keeps for the backward pass until they are reset. */
  function free(model: tf.LayersModel): void {
    model.resetStates();
    for (const layer of model.layers as (tf.layers.Layer & Record<string, unknown>)[]) {
      const inner = [layer, layer['forwardLayer'], layer['backwardLayer'], layer['layer']];
      for (const candidate of inner) {
        if (!(candidate instanceof tf.RNN)) continue;
        const rnn = candidate as tf.layers.Layer as tf.layers.Layer & {
          states_: tf.Tensor[] | null;
          keptStates: tf.Tensor[][];
        };
        tf.dispose(rnn.keptStates);
        if (rnn.states_ !== null) tf.dispose(rnn.states_);
      }
    }
  }

  test.each([
    ['an LSTM', recurrent, undefined],
    [
      'two LSTMs inside Bidirectional',
      () => tf.layers.bidirectional({ layer: recurrent(), mergeMode: 'concat' }),
      undefined,
    ],
    [
      'a GRU',
      () => tf.layers.gru({ units: 3, stateful: true, recurrentInitializer: 'glorotUniform' }),
      undefined,
    ],
    [
      'stacked cells',
      () =>
        tf.layers.rnn({
          cell: [
            tf.layers.lstmCell({ units: 2, recurrentInitializer: 'glorotUniform' }),
            tf.layers.simpleRNNCell({ units: 3, recurrentInitializer: 'glorotUniform' }),
          ],
          stateful: true,
        }),
      undefined,
    ],
    [
      'an LSTM inside TimeDistributed',
      () => tf.layers.timeDistributed({ layer: recurrent() }),
      [BATCH, 2, 2, 3],
    ],
  ])('have their states restored and continue exactly: %s', async (_name, makeLayer, shape) => {
    const model = makeRecurrent(makeLayer(), shape);
    await trainBatches(model, 0, 3);
    const state = await roundTripState(model);
    const [lstm] = state.recurrent;
    expect(lstm?.tensors?.length).toBeGreaterThan(0);
    const expected = await trainBatches(model, 3, 6);
    const other = makeRecurrent(makeLayer(), shape);
    await trainBatches(other, 5, 6);

    await restore(state, other);

    expect(await trainBatches(other, 3, 6)).toEqual(expected);
    expect(modelBits(other)).toEqual(modelBits(model));
    free(model);
    free(other);
  });

  test('are restored in the same model after further training', async () => {
    const model = makeRecurrent(recurrent());
    await trainBatches(model, 0, 3);
    const state = captureState(model, model.optimizer);
    const expected = await trainBatches(model, 3, 6);

    await restore(state, model);

    expect(await trainBatches(model, 3, 6)).toEqual(expected);
    free(model);
  });

  test('of another batch size are refused, and nothing is changed', async () => {
    const model = makeRecurrent(recurrent());
    await trainBatches(model, 0, 1);
    const other = makeRecurrent(recurrent(), [2, 2, 3]);
    const before = modelBits(other);
    const state = captureState(model, model.optimizer);

    const error = await rejection(restore(state, other));

    expect(error.code).toBe('ENTROPY_MODEL_MISMATCH');
    expect(error.message).toContain('[4, 3]');
    expect(modelBits(other)).toEqual(before);
    free(model);
    free(other);
  });

  test('are refused for a model in which the layer is not stateful', async () => {
    const model = makeRecurrent(recurrent());
    const other = makeRecurrent(tf.layers.lstm({ units: 3, recurrentInitializer: 'glorotUniform' }));
    const state = captureState(model, model.optimizer);

    expect((await rejection(restore(state, other))).code).toBe('ENTROPY_MODEL_MISMATCH');
    free(model);
  });
});

describe('settings', () => {
  test('include a learning rate that was set by setLearningRate', async () => {
    const make = (rate: number): tf.SGDOptimizer => tf.train.sgd(rate);
    const optimizer = make(0.1);
    const model = own(makeNet(optimizer));
    await trainEpochs(model, data, 0, 2);
    optimizer.setLearningRate(0.01);
    await trainEpochs(model, data, 2, 4);
    const state = await roundTripState(model);
    const expected = await trainEpochs(model, data, 4, 7);
    const other = own(makeNet(make(0.5), 9));

    await restore(state, other);

    expect(await trainEpochs(other, data, 4, 7)).toEqual(expected);
    expect(modelBits(other)).toEqual(modelBits(model));
    expect((other.optimizer as unknown as { learningRate: number }).learningRate).toBe(0.01);
  });

  test('include a learning rate that was assigned to the field', async () => {
    const model = own(makeNet(tf.train.adam(0.1)));
    await trainEpochs(model, data, 0, 2);
    Reflect.set(model.optimizer, 'learningRate', 0.003);
    const state = await roundTripState(model);
    const expected = await trainEpochs(model, data, 2, 5);
    const other = own(makeNet(tf.train.adam(0.1), 9));

    await restore(state, other);

    expect(await trainEpochs(other, data, 2, 5)).toEqual(expected);
  });

  test('include a learning rate that sgd ignores, because only the field was assigned', async () => {
    const model = own(makeNet(tf.train.sgd(0.1)));
    Reflect.set(model.optimizer, 'learningRate', 0.7);
    const state = await roundTripState(model);
    const expected = await trainEpochs(model, data, 0, 2);
    const other = own(makeNet(tf.train.sgd(0.3), 9));

    await restore(state, other);

    expect(await trainEpochs(other, data, 0, 2)).toEqual(expected);
    expect((other.optimizer as unknown as { learningRate: number }).learningRate).toBe(0.7);
  });

  test('do not include the loss, which is left alone', async () => {
    const loss = (yTrue: tf.Tensor, yPred: tf.Tensor): tf.Tensor => tf.sub(yTrue, yPred).square().sum(-1);
    const make = (seed: number): tf.LayersModel => {
      const model = own(makeNet(tf.train.adam(0.02), seed));
      own(model.optimizer);
      model.compile({ optimizer: tf.train.adam(0.02), loss });
      return model;
    };
    const model = make(1);
    await trainEpochs(model, data, 0, 2);
    const state = await roundTripState(model);
    const expected = await trainEpochs(model, data, 2, 5);
    const other = make(9);

    await restore(state, other);

    expect(other.loss).toBe(loss);
    expect(await trainEpochs(other, data, 2, 5)).toEqual(expected);
  });
});

describe('a custom optimizer', () => {
  const withExtra = (extra?: unknown): [tf.LayersModel, ExtraOptimizer] => {
    const optimizer = new ExtraOptimizer(extra);
    return [own(makeNet(optimizer)), optimizer];
  };

  it('continues exactly in a new instance', async () => {
    const model = own(makeNet(new LionOptimizer(0.01)));
    await trainEpochs(model, data, 0, 3);
    const state = await roundTripState(model);
    const saved = modelBits(model);
    const expected = await trainEpochs(model, data, 3, 6);
    const other = own(makeNet(new LionOptimizer(0.5), 9));

    await restore(state, other);

    expect(modelBits(other)).toEqual(saved);
    expect(await trainEpochs(other, data, 3, 6)).toEqual(expected);
    expect(modelBits(other)).toEqual(modelBits(model));
  });

  it('is restored exactly after further training', async () => {
    const model = own(makeNet(new LionOptimizer(0.01)));
    await trainEpochs(model, data, 0, 3);
    const state = captureState(model, model.optimizer);
    const expected = await trainEpochs(model, data, 3, 6);

    await restore(state, model);

    expect(await trainEpochs(model, data, 3, 6)).toEqual(expected);
  });

  it.each([
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['−Infinity', -Infinity],
    ['−0', -0],
    ['undefined', undefined],
    ['null', null],
    ['true', true],
    ['text', 'größe "ß"'],
    ['the largest number', Number.MAX_VALUE],
    ['the smallest number', Number.MIN_VALUE],
    ['0.1 + 0.2', 0.1 + 0.2],
  ])('restores a field of %s', async (_name, value) => {
    const [model] = withExtra(value);
    const [other, optimizer] = withExtra('another');

    await restore(await roundTripState(model), other);

    expect(optimizer.extra).toBe(value);
    expect(Object.hasOwn(optimizer, 'extra')).toBe(true);
  });

  it('restores a nested list with its holes', async () => {
    // eslint-disable-next-line no-sparse-arrays -- tfjs's slots can have holes
    const list = [1, -0, , [NaN, 'a', []], null];
    const [model] = withExtra(list);
    const [other, optimizer] = withExtra();

    await restore(await roundTripState(model), other);

    expect(optimizer.extra).toStrictEqual(list);
    expect(2 in (optimizer.extra as unknown[])).toBe(false);
  });

  it.each([
    ['int32', () => tf.tensor2d([1, -2, 2 ** 31 - 1, -(2 ** 31)], [2, 2], 'int32')],
    ['bool', () => tf.tensor1d([true, false, true], 'bool')],
    ['float32', () => tf.tensor1d([NaN, -0, Infinity, -Infinity, 1e-45, 3.4e38])],
    ['scalar', () => tf.scalar(0.1)],
    ['empty', () => tf.zeros([0, 3])],
  ])('restores a tensor of type %s', async (_name, makeTensor) => {
    const [model, optimizer] = withExtra(makeTensor());
    const [other, otherOptimizer] = withExtra();

    await restore(await roundTripState(model), other);

    const restored = otherOptimizer.extra as tf.Tensor;
    expect(restored).not.toBeInstanceOf(tf.Variable);
    expect(tensorBits(restored)).toBe(tensorBits(optimizer.extra as tf.Tensor));
  });

  it.each([
    ['int32', () => tf.tensor1d([7, 8], 'int32')],
    ['bool', () => tf.tensor1d([true, false], 'bool')],
    ['float32', () => tf.scalar(1.5)],
  ])('restores variables of type %s, to which it can assign', async (_name, makeTensor) => {
    const makeVariable = (): tf.Variable => tf.tidy(() => tf.variable(makeTensor(), false));
    const [model] = withExtra([makeVariable(), [makeVariable()]]);
    const [other, optimizer] = withExtra();

    await restore(await roundTripState(model), other);

    const [variable, [nested]] = optimizer.extra as [tf.Variable, [tf.Variable]];
    expect(variable).toBeInstanceOf(tf.Variable);
    expect(variable.trainable).toBe(false);
    expect(nested).toBeInstanceOf(tf.Variable);
    const expected = tf.tidy(() => tensorBits(makeTensor()));
    expect([tensorBits(variable), tensorBits(nested)]).toEqual([expected, expected]);
  });

  test.each([
    ['a Map', () => new Map([[1, 2]]), 'Extra.extra of type Map'],
    ['a function', () => () => 1, 'Extra.extra of type function'],
    ['a plain object', () => ({ a: 1 }), 'Extra.extra of type Object'],
    ['an object without a prototype', () => Object.create(null) as unknown, 'Extra.extra of type'],
    ['a typed array', () => new Float32Array(2), 'Extra.extra of type Float32Array'],
    ['a bigint', () => 1n, 'Extra.extra of type bigint'],
    ['a list with a Map in it', () => [1, tf.scalar(1), [new Map()]], 'Extra.extra[2][0] of type Map'],
  ])(
    'with %s in a field is refused, the error names the field, and no tensor is left',
    (_name, make, named) => {
      const [model, optimizer] = withExtra(make());
      const before = tf.memory().numTensors;

      const error = thrownBy(() => captureState(model, optimizer));

      expect(error.code).toBe('ENTROPY_UNSUPPORTED_OPTIMIZER');
      expect(error.message).toContain(named);
      expect(tf.memory().numTensors).toBe(before);
      expect(optimizer.first.isDisposed).toBe(false);
    },
  );

  test('with a tensor of strings is refused', () => {
    const [model, optimizer] = withExtra(tf.tensor(['a', 'b']));
    expect(thrownBy(() => captureState(model, optimizer)).code).toBe('ENTROPY_UNSUPPORTED_OPTIMIZER');
  });
});

describe('restoreState', () => {
  const netOf = (units: number[], optimizer: tf.Optimizer = tf.train.adam(0.02)): tf.LayersModel =>
    compiled(
      tf.sequential({
        layers: units.map((n, i) => tf.layers.dense({ units: n, ...(i === 0 ? { inputShape: [6] } : {}) })),
      }),
      optimizer,
    );

  it.each([
    ['a model with fewer weights', () => netOf([3]), 'ENTROPY_MODEL_MISMATCH'],
    ['a model with more weights', () => netOf([5, 5, 3]), 'ENTROPY_MODEL_MISMATCH'],
    ['a model with other shapes', () => netOf([5, 4]), 'ENTROPY_MODEL_MISMATCH'],
    ['an optimizer of another class', () => netOf([5, 3], tf.train.sgd(0.1)), 'ENTROPY_OPTIMIZER_MISMATCH'],
    ['a custom optimizer', () => netOf([5, 3], new LionOptimizer(0.1)), 'ENTROPY_OPTIMIZER_MISMATCH'],
  ])('refuses %s, and changes neither weights nor optimizer', async (_name, make, code) => {
    const model = netOf([5, 3]);
    await trainEpochs(model, data, 0, 1);
    const other = make();
    const before = modelBits(other);

    const state = await roundTripState(model);
    const error = await rejection(restore(state, other));

    expect(error.code).toBe(code);
    expect(modelBits(other)).toEqual(before);
  });

  it('refuses weights of the same shapes at other paths', async () => {
    const make = (units: [number, number]): tf.LayersModel => {
      const input = tf.input({ shape: [6] });
      const branches = units.map((n) => tf.layers.dense({ units: n }).apply(input) as tf.SymbolicTensor);
      return own(tf.model({ inputs: input, outputs: branches }));
    };
    const [model, other] = [make([3, 4]), make([4, 3])];
    const before = other.getWeights().map(tensorBits);
    const state = captureState(model, null);

    expect((await rejection(restore(state, other, null))).code).toBe('ENTROPY_MODEL_MISMATCH');
    expect(other.getWeights().map(tensorBits)).toEqual(before);
  });

  it('leaves the optimizer alone if the state has none', async () => {
    const model = netOf([5, 3]);
    const other = netOf([5, 3], tf.train.sgd(0.3));
    const before = optimizerBits(other.optimizer);
    const state = captureState(model, null);

    await restore(state, other);

    expect(modelBits(other).weights).toEqual(modelBits(model).weights);
    expect(optimizerBits(other.optimizer)).toEqual(before);
  });

  it('changes everything at once: no other code sees some old and some new weights', async () => {
    const [model, other] = [netOf([5, 3]), netOf([5, 3])];
    await trainEpochs(model, data, 0, 1);
    await trainEpochs(other, data, 1, 1);
    const keyOf = (one: tf.LayersModel): string => JSON.stringify(modelBits(one));
    const [before, after] = [keyOf(other), keyOf(model)];
    const state = await roundTripState(model);

    const restoring = { isOver: false };
    const seen = new Set<string>();
    const restored = restore(state, other).finally(() => (restoring.isOver = true));
    // Looks after every step that yields to other code.
    for (let turn = 0; !restoring.isOver; turn++) {
      seen.add(keyOf(other));
      await (turn % 50 === 49 ? new Promise((resolve) => setImmediate(resolve)) : Promise.resolve());
    }
    await restored;

    expect(after).not.toBe(before);
    expect([...seen].filter((key) => key !== before && key !== after)).toEqual([]);
    expect(keyOf(other)).toBe(after);
  });

  it('changes nothing if the store fails at the last tensor', async () => {
    const [model, other] = [netOf([5, 3]), netOf([5, 3])];
    await trainEpochs(model, data, 0, 1);
    await trainEpochs(other, data, 1, 1);
    const before = modelBits(other);
    const state = await roundTripState(model);
    const slots = state.optimizer!.fields['accumulatedSecondMoment'] as ListState;
    const { tensor } = slots.items.at(-1) as SlotState;
    const failure = new EntropyCheckpointError('ENTROPY_STORE_FAILED', 'The disk is gone.');
    jest.spyOn(tensor as StoredTensor, 'load').mockRejectedValue(failure);

    expect(await rejection(restore(state, other))).toBe(failure);
    expect(modelBits(other)).toEqual(before);
  });

  it('changes nothing if the model no longer fits once everything is read', async () => {
    const [model, other] = [netOf([5, 3]), netOf([5, 3])];
    await trainEpochs(model, data, 0, 1);
    const before = modelBits(other);
    const state = await roundTripState(model);
    const restored = rejection(restore(state, other));
    const { optimizer } = other;
    Object.defineProperty(optimizer, 'accumulatedFirstMoment', { value: 'no list', configurable: true });

    expect((await restored).code).toBe('ENTROPY_OPTIMIZER_MISMATCH');
    expect(modelBits(other).weights).toEqual(before.weights);
  });
});
