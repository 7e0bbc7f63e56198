import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { outputKind, type OutputKind } from '../../src/predictions/output-kind.js';
import { functionalModel } from '../../src/tfjs-internals.js';

const customLoss = (yTrue: tf.Tensor, yPred: tf.Tensor): tf.Tensor =>
  tf.losses.softmaxCrossEntropy(yTrue, yPred);

type Loss = Parameters<tf.LayersModel['compile']>[0]['loss'];

/** A model of these layers. */
function modelOf(inputShape: number[], ...layers: tf.layers.Layer[]): tf.LayersModel {
  const model = tf.sequential({ layers: [tf.layers.inputLayer({ inputShape }), ...layers] });
  model.build();
  return model;
}

const dense = (units: number, activation?: 'softmax' | 'sigmoid' | 'tanh' | 'relu'): tf.layers.Layer =>
  tf.layers.dense({ units, ...(activation === undefined ? {} : { activation }) });

/** The kind of an output of `model`, which is disposed. */
function kindOf(model: tf.LayersModel, loss?: Loss, index = 0): OutputKind {
  if (loss !== undefined) model.compile({ optimizer: 'sgd', loss });
  const before = tf.memory();
  const kind = outputKind(functionalModel(model), index);
  expect(tf.memory()).toEqual(before);
  model.dispose();
  return kind;
}

describe('outputKind by the layer', () => {
  const conv = (dataFormat: 'channelsFirst' | 'channelsLast') =>
    tf.layers.conv2d({ filters: 3, kernelSize: 1, activation: 'softmax', dataFormat });
  const inputOf = (shape: number[]) => tf.input({ shape });
  const nested = (inner: tf.LayersModel): tf.LayersModel => {
    const input = inputOf([4]);
    return tf.model({ inputs: input, outputs: inner.apply(input) as tf.SymbolicTensor });
  };
  const functional = (): tf.LayersModel => {
    const input = inputOf([4]);
    return tf.model({ inputs: input, outputs: dense(3, 'softmax').apply(input) as tf.SymbolicTensor });
  };
  const logSoftmax = 'logSoftmax' as 'softmax';

  const cases: [string, () => tf.LayersModel, OutputKind][] = [
    ['Dense softmax', () => modelOf([4], dense(3, 'softmax')), 'probabilities'],
    ['Dense softmax of a sequence', () => modelOf([5, 4], dense(3, 'softmax')), 'probabilities'],
    ['Dense softmax of one unit, which is always 1', () => modelOf([4], dense(1, 'softmax')), 'other'],
    ['Dense log-softmax', () => modelOf([4], dense(3, logSoftmax)), 'logits'],
    ['Dense sigmoid of one unit', () => modelOf([4], dense(1, 'sigmoid')), 'probabilities'],
    ['Dense sigmoid of several units', () => modelOf([4], dense(3, 'sigmoid')), 'multi-label'],
    [
      'Dense hard sigmoid of one unit',
      () => modelOf([4], tf.layers.dense({ units: 1, activation: 'hardSigmoid' })),
      'probabilities',
    ],
    [
      'Dense hard sigmoid of several units',
      () => modelOf([4], tf.layers.dense({ units: 2, activation: 'hardSigmoid' })),
      'multi-label',
    ],
    ['Dense linear, not compiled', () => modelOf([4], dense(3)), 'unknown'],
    ['Dense tanh, not compiled', () => modelOf([4], dense(3, 'tanh')), 'unknown'],
    [
      'Activation softmax',
      () => modelOf([4], dense(3), tf.layers.activation({ activation: 'softmax' })),
      'probabilities',
    ],
    [
      'Activation sigmoid of one unit',
      () => modelOf([4], dense(1), tf.layers.activation({ activation: 'sigmoid' })),
      'probabilities',
    ],
    [
      'Softmax layer of rank 2, by default along axis 1',
      () => modelOf([4], dense(3), tf.layers.softmax()),
      'probabilities',
    ],
    [
      'Softmax layer of rank 3, by default along axis 1',
      () => modelOf([5, 4], dense(3), tf.layers.softmax()),
      'unknown',
    ],
    [
      'Softmax layer along axis 2 of rank 3',
      () => modelOf([5, 4], dense(3), tf.layers.softmax({ axis: 2 })),
      'probabilities',
    ],
    [
      'Softmax layer along axis −1 of rank 3',
      () => modelOf([5, 4], dense(3), tf.layers.softmax({ axis: -1 })),
      'probabilities',
    ],
    [
      'Softmax layer along axis −2 of rank 3',
      () => modelOf([5, 4], dense(3), tf.layers.softmax({ axis: -2 })),
      'unknown',
    ],
    [
      'TimeDistributed Dense softmax',
      () => modelOf([5, 4], tf.layers.timeDistributed({ layer: dense(3, 'softmax') })),
      'probabilities',
    ],
    [
      'TimeDistributed Dense linear',
      () => modelOf([5, 4], tf.layers.timeDistributed({ layer: dense(3) })),
      'unknown',
    ],
    [
      'TimeDistributed Softmax along axis 1 of each step',
      () => modelOf([5, 4], tf.layers.timeDistributed({ layer: tf.layers.softmax() })),
      'probabilities',
    ],
    [
      '1×1 convolution with softmax, channels last',
      () => modelOf([6, 6, 2], conv('channelsLast')),
      'probabilities',
    ],
    [
      '1×1 convolution with softmax, channels first',
      () => modelOf([2, 6, 6], conv('channelsFirst')),
      'unknown',
    ],
    [
      'a layer after softmax',
      () => modelOf([4], dense(6, 'softmax'), tf.layers.reshape({ targetShape: [2, 3] })),
      'unknown',
    ],
    [
      'a recurrent layer with softmax',
      () => modelOf([5, 4], tf.layers.simpleRNN({ units: 3, activation: 'softmax' })),
      'unknown',
    ],
    ['a functional model', functional, 'probabilities'],
    ['a functional model used as a layer', () => nested(functional()), 'probabilities'],
    ['a Sequential used as a layer', () => nested(modelOf([4], dense(3, 'softmax'))), 'probabilities'],
    [
      'a Sequential in a Sequential',
      () => modelOf([4], dense(4), modelOf([4], dense(3, 'softmax'))),
      'probabilities',
    ],
    ['a model nested twice', () => nested(nested(functional())), 'probabilities'],
  ];

  test.each(cases)('%s', (_, make, expected) => {
    expect(kindOf(make())).toBe(expected);
  });

  test('takes precedence over the loss', () => {
    expect(kindOf(modelOf([4], dense(3, 'softmax')), 'meanSquaredError')).toBe('probabilities');
    expect(kindOf(modelOf([4], dense(3, 'softmax')), customLoss)).toBe('probabilities');
  });

  test('finds the kind of each output, also of a nested model', () => {
    const make = (): tf.LayersModel => {
      const input = inputOf([4]);
      const outputs = [dense(3, 'softmax'), dense(3, 'sigmoid'), dense(3)].map(
        (layer) => layer.apply(input) as tf.SymbolicTensor,
      );
      return tf.model({ inputs: input, outputs });
    };
    const input = inputOf([4]);
    const outer = tf.model({ inputs: input, outputs: make().apply(input) as tf.SymbolicTensor[] });
    for (const model of [make(), outer]) {
      const kinds = [0, 1, 2].map((index) => outputKind(model, index));
      expect(kinds).toEqual(['probabilities', 'multi-label', 'unknown']);
      model.dispose();
    }
  });
});

describe('outputKind of a linear layer by the loss', () => {
  const loss = (value: unknown): Loss => value as Loss;
  const cases: [string, Loss, number, OutputKind][] = [
    ['tf.losses.softmaxCrossEntropy', loss(tf.losses.softmaxCrossEntropy), 3, 'logits'],
    ['tf.losses.sigmoidCrossEntropy of one unit', loss(tf.losses.sigmoidCrossEntropy), 1, 'logits'],
    ['tf.losses.sigmoidCrossEntropy of several units', loss(tf.losses.sigmoidCrossEntropy), 3, 'multi-label'],
    ['tf.losses.meanSquaredError', loss(tf.losses.meanSquaredError), 3, 'other'],
    ['tf.losses.absoluteDifference', loss(tf.losses.absoluteDifference), 3, 'other'],
    ['tf.losses.huberLoss', loss(tf.losses.huberLoss), 3, 'other'],
    ['tf.losses.logLoss, which takes probabilities', loss(tf.losses.logLoss), 3, 'unknown'],
    ["'meanSquaredError'", 'meanSquaredError', 3, 'other'],
    ["'meanAbsoluteError'", 'meanAbsoluteError', 1, 'other'],
    [
      "'categoricalCrossentropy', which takes probabilities, but no layer makes them",
      'categoricalCrossentropy',
      3,
      'unknown',
    ],
    ["'sparseCategoricalCrossentropy'", 'sparseCategoricalCrossentropy', 3, 'unknown'],
    ["'binaryCrossentropy'", 'binaryCrossentropy', 1, 'unknown'],
    ["'categoricalHinge'", 'categoricalHinge', 3, 'unknown'],
    ['a custom function', customLoss, 3, 'unknown'],
    ['a list of one loss', [loss(tf.losses.softmaxCrossEntropy)] as Loss, 3, 'logits'],
  ];

  test.each(cases)('%s', (_, given, units, expected) => {
    expect(kindOf(modelOf([4], dense(units)), given)).toBe(expected);
  });

  test('also decides for a Softmax layer along another axis', () => {
    const model = modelOf([5, 4], dense(3), tf.layers.softmax());
    expect(kindOf(model, 'meanSquaredError')).toBe('other');
  });
});

describe('outputKind with the losses of several outputs', () => {
  /** A model with two linear outputs of three units, `first` and `second`. */
  function twoOutputs(): tf.LayersModel {
    const input = tf.input({ shape: [4] });
    const outputs = ['first', 'second'].map(
      (name) => tf.layers.dense({ units: 3, name }).apply(input) as tf.SymbolicTensor,
    );
    return tf.model({ inputs: input, outputs });
  }

  const logits = tf.losses.softmaxCrossEntropy as unknown as 'x';

  test.each<[string, Loss, OutputKind[]]>([
    ['takes losses from a list by index', ['meanSquaredError', logits], ['other', 'logits']],
    [
      'takes losses from a dictionary by name',
      { second: logits, first: 'meanSquaredError' },
      ['other', 'logits'],
    ],
    ['takes one loss for all outputs', logits, ['logits', 'logits']],
  ])('%s', (_, loss, expected) => {
    expect([0, 1].map((index) => kindOf(twoOutputs(), loss, index))).toEqual(expected);
  });
});
