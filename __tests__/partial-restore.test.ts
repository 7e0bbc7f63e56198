import { beforeEach, describe, expect, it, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { StoredTensor } from '../src/format/stored-tensor.js';
import { EntropyCheckpoint, loadCheckpoint, MemoryStore } from '../src/index.js';
import { restoreFitting } from '../src/state/partial-restore.js';
import { weightsWithPaths } from '../src/state/weight-paths.js';
import { optimizerBits, tensorBits } from './state/fixtures/optimizers.js';
import { numbers } from './state/fixtures/training.js';
import { disposeTrained } from './support/dispose-trained.js';
import { rejection } from './support/errors.js';
import { expectNoTensorsLeft } from './support/fixtures.js';

const dense = (units: number, config: object = {}): tf.layers.Layer => tf.layers.dense({ units, ...config });
const named = (units: number, name: string, config: object = {}): tf.layers.Layer =>
  dense(units, { name, ...config });
const INPUT = { inputShape: [3] };

function compiled(layers: tf.layers.Layer[]): tf.Sequential {
  const model = tf.sequential({ layers });
  model.compile({ optimizer: tf.train.adam(0.1), loss: 'meanSquaredError' });
  return model;
}

/** Frees a trained model. TensorFlow.js forgets the weights of models inside it. */
function free(model: tf.LayersModel): void {
  const weights = model.getWeights();
  disposeTrained(model);
  for (const weight of weights) if (!weight.isDisposed) weight.dispose();
}

let store: MemoryStore;

beforeEach(() => {
  store = new MemoryStore();
});

/** Stores a model, and frees it. @returns the bits of its weights, by name. */
async function storeModel(
  layers: tf.layers.Layer[],
  metadata: string | null = null,
): Promise<Map<string, string>> {
  const model = compiled(layers);
  const checkpoint = new EntropyCheckpoint(model, undefined, {
    filepath: store,
    monitor: 'val_acc',
    fromLogits: true,
    metadata,
  });
  await trainOnce(model);
  setWeights(model, 1);
  await checkpoint.saveCheckpoint(0, { val_acc: 1 });
  await checkpoint.flush();
  checkpoint.dispose();
  const bits = bitsOf(model);
  free(model);
  return bits;
}

async function trainOnce(model: tf.LayersModel): Promise<void> {
  const x = tf.ones([2, 3]);
  const y = tf.ones([2, ...(model.outputs[0]!.shape.slice(1) as number[])]);
  await model.trainOnBatch(x, y);
  tf.dispose([x, y]);
}

/** Gives each weight other values. */
function setWeights(model: tf.LayersModel, seed: number): void {
  tf.tidy(() => {
    for (const [i, weight] of model.weights.entries()) {
      const { size, shape } = weight.read();
      (weight.read() as tf.Variable).assign(tf.tensor(numbers(size, seed + i / 10), shape));
    }
  });
}

const bitsOf = (model: tf.LayersModel): Map<string, string> =>
  new Map(model.weights.map((weight) => [weight.originalName, tensorBits(weight.read())]));

/** Restores what fits into a model of `layers`. @returns which of the model's weights have which stored bits. */
async function restoreInto(layers: tf.layers.Layer[], stored: ReadonlyMap<string, string>) {
  const model = compiled(layers);
  await trainOnce(model);
  setWeights(model, 2);
  const before = bitsOf(model);
  const optimizer = optimizerBits(model.optimizer);
  const { restored, skipped, ...loaded } = await loadCheckpoint(store, { model, partial: true });
  expect(loaded.model).toBe(model);
  expect(loaded.record.epoch).toBe(0);
  expect(optimizerBits(model.optimizer)).toEqual(optimizer);
  const after = bitsOf(model);
  expect([...restored, ...skipped.map(({ name }) => name)].sort()).toEqual([...after.keys()].sort());
  for (const { name } of skipped) expect(after.get(name)).toBe(before.get(name));
  const sources = restored.map((name) => {
    expect(after.get(name)).not.toBe(before.get(name));
    const [source] = [...stored].find(([, bits]) => bits === after.get(name))!;
    return [name, source] as const;
  });
  free(model);
  return { restored, skipped, sources };
}

const withoutNumbers = (name: string): string => name.replace(/\d+/, '');

describe('loadCheckpoint with `partial: true`', () => {
  it('restores what fits, and says why the rest does not', () =>
    expectNoTensorsLeft(async () => {
      const stored = await storeModel([dense(4, INPUT), tf.layers.batchNormalization(), dense(2)]);
      const layers = [dense(4, INPUT), tf.layers.batchNormalization(), dense(5), dense(1)];
      const { restored, skipped, sources } = await restoreInto(layers, stored);
      expect(restored.map(withoutNumbers)).toEqual([
        'dense_Dense/kernel',
        'dense_Dense/bias',
        'batch_normalization_BatchNormalization/gamma',
        'batch_normalization_BatchNormalization/beta',
        'batch_normalization_BatchNormalization/moving_mean',
        'batch_normalization_BatchNormalization/moving_variance',
      ]);
      // TensorFlow.js numbers the layers of each model anew.
      for (const [name, source] of sources) expect(withoutNumbers(source)).toBe(withoutNumbers(name));
      expect(skipped.map(({ reason }) => reason)).toEqual([
        'its shape is [4, 2] in the checkpoint, [4, 5] in the model',
        'its shape is [2] in the checkpoint, [5] in the model',
        'the checkpoint has no such weight',
        'the checkpoint has no such weight',
      ]);
    }));

  it('finds the layers that the user has named wherever they are', () =>
    expectNoTensorsLeft(async () => {
      const stored = await storeModel([named(3, 'first', INPUT), named(3, 'second'), named(3, 'head')]);
      const layers = [named(3, 'new', INPUT), named(3, 'second'), named(3, 'first'), named(3, 'other')];
      const { sources, skipped } = await restoreInto(layers, stored);
      expect(sources).toEqual(
        ['second/kernel', 'second/bias', 'first/kernel', 'first/bias'].map((name) => [name, name]),
      );
      expect(skipped.map(({ name, reason }) => [name, reason])).toEqual(
        ['new/kernel', 'new/bias', 'other/kernel', 'other/bias'].map((name) => [
          name,
          'the checkpoint has no such weight',
        ]),
      );
    }));

  it('does not take a layer with a name for one without, nor one class for another', () =>
    expectNoTensorsLeft(async () => {
      const stored = await storeModel([
        dense(3, INPUT),
        named(3, 'mine'),
        tf.layers.layerNormalization(),
        dense(1),
      ]);
      // The bias of the third layer has the shape of what is stored at its position.
      const layers = [named(3, 'yours', INPUT), dense(3), dense(3), dense(1)];
      const { restored } = await restoreInto(layers, stored);
      expect(restored.map(withoutNumbers)).toEqual(['dense_Dense/kernel', 'dense_Dense/bias']);
    }));

  it('finds weights by their position where a name occurs twice', () =>
    expectNoTensorsLeft(async () => {
      const inner = (units: number): tf.layers.Layer =>
        tf.sequential({ layers: [named(units, 'same', INPUT)] });
      const stored = await storeModel([inner(3), inner(3), named(1, 'head')]);
      expect(stored.size).toBe(4);
      const model = compiled([inner(3), inner(2), named(1, 'head')]);
      const { restored, skipped } = await loadCheckpoint(store, { model, partial: true });
      expect(restored).toEqual(['same/kernel', 'same/bias', 'head/bias']);
      expect(skipped.map(({ reason }) => reason)).toEqual([
        'its shape is [3, 3] in the checkpoint, [3, 2] in the model',
        'its shape is [3] in the checkpoint, [2] in the model',
        'its shape is [3, 1] in the checkpoint, [2, 1] in the model',
      ]);
      free(model);
    }));

  it('restores wrapped layers', () =>
    expectNoTensorsLeft(async () => {
      const recurrent = (units: number): tf.layers.Layer[] => [
        tf.layers.reshape({ targetShape: [3, 1], ...INPUT }),
        tf.layers.bidirectional({ layer: tf.layers.gru({ units: 2 }), mergeMode: 'concat' }),
        dense(units),
      ];
      const stored = await storeModel(recurrent(2));
      const { restored, skipped } = await restoreInto(recurrent(3), stored);
      expect(restored).toHaveLength(6);
      expect(skipped).toHaveLength(2);
    }));

  it('leaves the states of recurrent layers as they are', async () => {
    const layers = (): tf.layers.Layer[] => [
      tf.layers.simpleRNN({ units: 2, stateful: true, batchInputShape: [1, 3, 1], name: 'memory' }),
      named(1, 'head'),
    ];
    const first = tf.sequential({ layers: layers() });
    const checkpoint = new EntropyCheckpoint(first, undefined, {
      filepath: store,
      monitor: 'val_acc',
      mode: 'max',
    });
    tf.tidy(() => first.predict(tf.ones([1, 3, 1])));
    await checkpoint.saveCheckpoint(0, { val_acc: 1 });
    await checkpoint.flush();
    const second = tf.sequential({ layers: layers() });
    // TensorFlow.js declares it as protected.
    const stateOf = (): string =>
      tensorBits((second.layers[0] as unknown as { states_: [tf.Tensor] }).states_[0]);
    const before = stateOf();
    await loadCheckpoint(store, { model: second, partial: true });
    expect(bitsOf(second)).toEqual(bitsOf(first));
    expect(stateOf()).toBe(before);
  });

  it('restores another epoch, and returns its metadata', async () => {
    await storeModel([named(2, 'first', INPUT), named(1, 'head')], 'mine');
    const model = compiled([named(2, 'first', INPUT), named(3, 'head')]);
    const { metadata, record } = await loadCheckpoint(store, { model, partial: true, epoch: 0 });
    expect({ metadata, epoch: record.epoch }).toEqual({ metadata: 'mine', epoch: 0 });
  });

  it('does not apply constraints', async () => {
    const stored = await storeModel([named(2, 'first', INPUT), named(1, 'head')]);
    const kernelConstraint = tf.constraints.maxNorm({ maxValue: 0.01 });
    const model = compiled([named(2, 'first', { ...INPUT, kernelConstraint }), named(3, 'head')]);
    await loadCheckpoint(store, { model, partial: true });
    expect(bitsOf(model).get('first/kernel')).toBe(stored.get('first/kernel'));
  });
});

describe('nothing is changed', () => {
  it('if nothing fits', () =>
    expectNoTensorsLeft(async () => {
      await storeModel([named(2, 'first', INPUT)]);
      const model = compiled([named(4, 'first', INPUT)]);
      const before = bitsOf(model);
      const error = await rejection(loadCheckpoint(store, { model, partial: true }));
      expect(error.code).toBe('ENTROPY_MODEL_MISMATCH');
      expect(error.message).toContain(
        'none of its 2 weights fits, for example "first/kernel": its shape is [3, 2] in the checkpoint, [3, 4] in the model',
      );
      expect(bitsOf(model)).toEqual(before);
      free(model);
    }));

  /** Restores a state of the model's shapes, of which each tensor is read by `read`. */
  function restoreBy(model: tf.LayersModel, read: (index: number) => Promise<void>): Promise<unknown> {
    const weights = weightsWithPaths(model).map(({ path, weight }, i) => {
      const { shape, dtype } = weight.read();
      const spec = { name: weight.originalName, shape, dtype: dtype as 'float32' };
      return { path, name: spec.name, tensor: new StoredTensor(spec, () => read(i)) };
    });
    const state = { weights, recurrent: [], optimizer: null, monitorState: null, averaging: null };
    return restoreFitting(state, model);
  }

  it('if the store fails after the checkpoint was verified', () =>
    expectNoTensorsLeft(async () => {
      const model = compiled([named(2, 'first', INPUT), named(2, 'second')]);
      const before = bitsOf(model);
      const read = (i: number): Promise<void> =>
        i < 3 ? Promise.resolve() : Promise.reject(new Error('EIO'));
      expect((await rejection(restoreBy(model, read))).code).toBe('ENTROPY_STORE_FAILED');
      expect(bitsOf(model)).toEqual(before);
      free(model);
    }));

  it('if the model is disposed while weights are read', () =>
    expectNoTensorsLeft(async () => {
      const model = compiled([named(2, 'first', INPUT), named(2, 'second')]);
      const read = async (i: number): Promise<void> => {
        await Promise.resolve();
        if (i === 3) free(model);
      };
      expect((await rejection(restoreBy(model, read))).code).toBe('ENTROPY_MODEL_DISPOSED');
    }));

  it('if the model is disposed before', () =>
    expectNoTensorsLeft(async () => {
      await storeModel([named(2, 'first', INPUT), named(2, 'second')]);
      const model = compiled([named(2, 'first', INPUT), named(2, 'second')]);
      const loading = rejection(loadCheckpoint(store, { model, partial: true }));
      free(model);
      expect((await loading).code).toBe('ENTROPY_MODEL_DISPOSED');
    }));
});

test.each<[string, object, RegExp]>([
  ['without a model', { partial: true }, /Pass `model` with `partial: true`/],
  [
    'with an optimizer',
    { partial: true, model: compiled([dense(1, INPUT)]), optimizer: tf.train.sgd(0.1) },
    /Leave out `optimizer` with `partial: true`/,
  ],
  ['of another type', { partial: 1 }, /`partial` to be true or false, got 1/],
])('`partial` is refused %s', async (_name, options, message) => {
  const error = await rejection(loadCheckpoint(store, options));
  expect(error.code).toBe('ENTROPY_INVALID_OPTION');
  expect(error.message).toMatch(message);
});

test('`partial: false` restores a whole model or nothing', async () => {
  await storeModel([named(2, 'first', INPUT), named(1, 'head')]);
  const model = compiled([named(2, 'first', INPUT), named(3, 'head')]);
  const error = await rejection(loadCheckpoint(store, { model, partial: false }));
  expect(error.code).toBe('ENTROPY_MODEL_MISMATCH');
});
