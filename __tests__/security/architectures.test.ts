import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint, EntropyCheckpointError, loadCheckpoint } from '../../src/index.js';
import { watchAllocations } from './fixtures/allocation-watch.js';
import { craft, LOCATIONS, type ModelJson } from './fixtures/crafted.js';
import type { JsonObject } from './fixtures/hostile-json.js';
import { DENSE, disposeAll } from './fixtures/samples.js';
import { useSamples } from './fixtures/use-samples.js';
import { Watchdog } from './fixtures/watchdog.js';

const { root, sample } = useSamples();
let watchdog: Watchdog;
beforeAll(() => {
  watchdog = new Watchdog(join(root(), 'crafted'));
});
afterAll(async () => {
  await watchdog.close();
});

const named = (class_name: string, config: JsonObject): JsonObject => ({ class_name, config });
const sequential = (...layers: JsonObject[]): JsonObject => named('Sequential', { name: 'crafted', layers });
const dense = (config: JsonObject = {}): JsonObject => named('Dense', { units: 3, ...config });
const first = (config: JsonObject = {}): JsonObject => dense({ batch_input_shape: [null, 2], ...config });

/** A layer of a graph, with the layers whose outputs it takes. */
const node = (name: string, layer: JsonObject, ...inputs: [name: string, index: number][]): JsonObject => ({
  ...layer,
  name,
  inbound_nodes: inputs.length === 0 ? [] : [inputs.map(([from, index]) => [from, index, 0, {}])],
});
const input = (name: string): JsonObject =>
  node(name, named('InputLayer', { batch_input_shape: [null, 2], dtype: 'float32', name }));
const graph = (...layers: JsonObject[]): JsonObject =>
  named('Functional', {
    name: 'crafted',
    layers,
    input_layers: [['in', 0, 0]],
    output_layers: [[layers.at(-1)!['name']!, 0, 0]],
  });

/** Loads a checkpoint with this architecture and the sample's weights, and expects it to be refused. */
async function loadRefused(topology: JsonObject): Promise<{ message: string; totalBytes: number }> {
  const modelJson = await craft(sample(DENSE), (crafted) => {
    crafted.modelTopology = topology as ModelJson['modelTopology'];
  });
  const location = await LOCATIONS['a folder']!(modelJson, sample(DENSE), root());
  const before = tf.memory();
  const { error, totalBytes } = await watchdog.watch(() => watchAllocations(() => loadCheckpoint(location)));
  if (!(error instanceof EntropyCheckpointError))
    throw new Error('Expected a typed error.', { cause: error });
  expect(error.code).toBe('ENTROPY_MODEL_MISMATCH');
  expect(tf.memory()).toEqual(before);
  return { message: error.message, totalBytes };
}

/** Wraps `layer` in this many wrappers of a class. */
function nested(class_name: string, depth: number, layer: JsonObject): JsonObject {
  let outer = layer;
  for (let i = 0; i < depth; i++) outer = named(class_name, { layer: outer });
  return outer;
}

describe('loadCheckpoint refuses an architecture that would keep tfjs busy for ever:', () => {
  test.each<[string, JsonObject]>([
    [
      'layers that wait for each other',
      graph(input('in'), node('a', dense(), ['b', 0]), node('b', dense(), ['a', 0])),
    ],
    ['a layer that waits for itself', graph(input('in'), node('a', dense(), ['a', 0]))],
    ['a layer that waits for one that does not exist', graph(input('in'), node('a', dense(), ['nobody', 0]))],
    [
      'a layer that waits for the thousandth use of another',
      graph(input('in'), node('a', dense(), ['in', 1000])),
    ],
    [
      'such a layer within another model',
      graph(input('in'), node('m', graph(input('in'), node('a', dense(), ['a', 0])), ['in', 0])),
    ],
  ])('%s', async (_name, topology) => {
    expect((await loadRefused(topology)).message).toContain('wait for inputs that do not exist');
  });

  test('nested wrappers, each of which makes two copies of its layer', async () => {
    const layer = nested('Bidirectional', 40, named('SimpleRNN', { units: 1 }));
    await loadRefused(sequential(named('Bidirectional', { layer, batch_input_shape: [1, 1, 1] })));
  });

  test.each([-1e300, -1e15, [1, -1e300]])('an axis of %p', async (axes) => {
    const inputs: [string, number][] = [
      ['in', 0],
      ['in', 0],
    ];
    await loadRefused(graph(input('in'), node('dot', named('Dot', { axes }), ...inputs)));
  });
});

describe('loadCheckpoint requests no more memory than is stored for', () => {
  const recurrent = (class_name: string, config: JsonObject): JsonObject =>
    sequential(named(class_name, { stateful: true, ...config }));

  test.each<[string, JsonObject]>([
    ['a layer of 1e9 units', sequential(first({ units: 1e9 }))],
    ['a layer of 1e300 units', sequential(first({ units: 1e300 }))],
    ['an input of 1e9 features', sequential(first({ batch_input_shape: [null, 1e9] }))],
    [
      'an embedding',
      sequential(named('Embedding', { input_dim: 1e6, output_dim: 1e3, batch_input_shape: [1, 2] })),
    ],
    [
      'a convolution of a million filters',
      sequential(named('Conv1D', { filters: 1e6, kernel_size: [100], batch_input_shape: [1, 200, 3] })),
    ],
    [
      'a thousand layers, each of which would fit',
      sequential(first(), ...Array.from({ length: 1000 }, () => dense())),
    ],
    [
      'weights of a negative size before weights of a large size',
      sequential(first({ units: 2 }), named('Embedding', { input_dim: -5, output_dim: 9 })),
    ],
    ['the state of a batch of 1e9', recurrent('SimpleRNN', { units: 1, batch_input_shape: [1e9, 1, 1] })],
    ['the states of a batch of 1e9', recurrent('LSTM', { units: 1, batch_input_shape: [1e9, 1, 1] })],
    [
      'the states of a convolution',
      recurrent('ConvLSTM2D', { filters: 1, kernel_size: 1, batch_input_shape: [1000, 1, 1000, 1000, 1] }),
    ],
  ])('%s', async (_name, topology) => {
    expect((await loadRefused(topology)).totalBytes).toBeLessThan(2 ** 20);
  });
});

describe('loadCheckpoint refuses an architecture, and leaves nothing behind, with', () => {
  test.each<[string, JsonObject]>([
    ['two layers of one name', sequential(first({ name: 'a' }), dense({ name: 'a' }))],
    ['a name that no weight can have', sequential(first({ name: 'a b' }))],
    ['a layer instead of a model', first()],
    ['an initialiser instead of a model', named('Zeros', {})],
    ['an optimizer instead of a layer', sequential(named('Adam', { learning_rate: 1, beta1: 0.9 }))],
    [
      'an optimizer instead of an initialiser',
      sequential(first({ kernel_initializer: named('Momentum', { learning_rate: 1, momentum: 1 }) })),
    ],
    ['no layer', sequential()],
    ['no class', { config: {} }],
    ['a class that does not exist', named('Nobody', {})],
    ['a class that every object has', named('constructor', {})],
    [
      'a stateful layer before one that fails',
      sequential(
        named('SimpleRNN', { units: 1, stateful: true, batch_input_shape: [2, 1, 2] }),
        named('Nobody', {}),
      ),
    ],
    [
      'shared layers before one that fails',
      graph(input('in'), node('a', dense({ units: 2 }), ['in', 0]), node('b', named('Nobody', {}), ['a', 0])),
    ],
    ['weight values', sequential(first({ weights: [[1, 2, 3]] }))],
    [
      'weight values that look like tensors',
      sequential(
        first({
          units: 2,
          weights: [2, 1].map((rank) => ({
            id: -1,
            dtype: 'float32',
            dataId: {},
            shape: [2, 2].slice(0, rank),
          })),
        }),
      ),
    ],
    [
      'ten thousand layers',
      sequential(
        first({ units: 1 }),
        ...Array.from({ length: 10_000 }, () => named('Activation', { activation: 'tanh' })),
      ),
    ],
  ])('%s', async (_name, topology) => {
    await loadRefused(topology);
  });

  test('models that are nested as deep as JSON may be', async () => {
    let topology = sequential(first());
    for (let i = 0; i < 240; i++) topology = sequential(topology);
    await loadRefused(topology);
  });
});

describe('loadCheckpoint builds an architecture that tfjs wrote:', () => {
  const layersOf = (...layers: tf.layers.Layer[]): tf.LayersModel => tf.sequential({ layers });

  test.each<[string, () => tf.LayersModel]>([
    [
      'layers that are each used several times',
      () => {
        const [a, b] = [tf.layers.dense({ units: 2 }), tf.layers.dense({ units: 2 })];
        const inputs = tf.input({ shape: [2] });
        let end: tf.SymbolicTensor = inputs;
        for (let i = 0; i < 6; i++) end = (i % 2 === 0 ? a : b).apply(end) as tf.SymbolicTensor;
        return tf.model({ inputs, outputs: end });
      },
    ],
    [
      'a bidirectional layer',
      () =>
        layersOf(
          tf.layers.bidirectional({
            layer: tf.layers.lstm({ units: 2, stateful: true }),
            mergeMode: 'concat',
            batchInputShape: [2, 3, 2],
          }),
        ),
    ],
    [
      'a stateful convolution',
      () =>
        layersOf(
          tf.layers.convLstm2d({
            filters: 2,
            kernelSize: 2,
            stateful: true,
            batchInputShape: [1, 2, 4, 4, 1],
          }),
        ),
    ],
    [
      'a stack of stateful layers',
      () =>
        layersOf(
          tf.layers.lstm({ units: 3, stateful: true, returnSequences: true, batchInputShape: [5, 2, 1] }),
          tf.layers.gru({ units: 1, stateful: true }),
        ),
    ],
    [
      'a product along the last axis',
      () => {
        const inputs = tf.input({ shape: [2] });
        const other = tf.layers.dense({ units: 2 }).apply(inputs) as tf.SymbolicTensor;
        return tf.model({
          inputs,
          outputs: tf.layers.dot({ axes: -1 }).apply([inputs, other]) as tf.SymbolicTensor,
        });
      },
    ],
  ])('%s', async (name, makeModel) => {
    const folder = join(root(), name);
    const model = makeModel();
    const options = { filepath: folder, monitor: 'loss', fromLogits: true, includeOptimizer: false };
    const checkpoint = new EntropyCheckpoint(model, undefined, options);
    await checkpoint.saveCheckpoint(0, { loss: 1 });
    await checkpoint.flush();
    checkpoint.dispose();

    const loaded = await loadCheckpoint(folder);

    const [expected, got] = [model, loaded.model].map((one) =>
      one.getWeights().map((weight) => weight.dataSync()),
    );
    expect(got).toEqual(expected);
    disposeAll(model);
    disposeAll(loaded.model);
    fs.rmSync(folder, { recursive: true });
  });
});
