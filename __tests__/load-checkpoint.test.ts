import { afterEach, beforeEach, describe, expect, it, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import * as fs from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  EntropyCheckpoint,
  EntropyCheckpointCallback,
  EntropyCheckpointError,
  loadCheckpoint,
  type EntropyCheckpointOptions,
} from '../src/index.js';
import { MemoryHandler } from './state/fixtures/memory-handler.js';
import { OPTIMIZERS, optimizerBits, tensorBits } from './state/fixtures/optimizers.js';
import { countTensors } from './state/fixtures/tensor-count.js';
import { makeData, makeNet, modelBits, numbers, trainEpochs, type Data } from './state/fixtures/training.js';
import { rejection } from './support/errors.js';

const own = countTensors();
let root = '';
let folder = '';
let data: Data;

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), 'load-checkpoint-'));
  folder = join(root, 'a folder, 100% größer');
  data = makeData();
  for (const tensor of [data.x, data.y, ...data.validationData]) own(tensor);
});

afterEach(() => {
  fs.rmSync(root, { recursive: true, force: true });
});

const adam = (): tf.Optimizer => tf.train.adam(0.02);

/** Trains a model with a checkpoint, and restores the best epoch in it. */
async function trainAndRestore(
  filepath: string | tf.io.IOHandler,
  model: tf.LayersModel = own(makeNet(adam())),
  options: EntropyCheckpointOptions = {},
) {
  const checkpoint = new EntropyCheckpointCallback({ filepath, monitor: 'val_loss', ...options });
  await trainEpochs(model, data, 0, 3, [checkpoint]);
  const best = await checkpoint.loadCheckpoint();
  return { model, best, predictions: predictionBits(model) };
}

function predictionBits(model: tf.LayersModel): string[] {
  const inputs = model.inputs.map((_, i) => data.x.slice([i, 0], [8, 6]));
  const bits = tf.tidy(() =>
    [model.predict(inputs.length === 1 ? inputs[0]! : inputs)].flat().map(tensorBits),
  );
  tf.dispose(inputs);
  return bits;
}

/** `fetch` runs outside Jest's realm: tfjs inside it doesn't recognise the arrays that `fetch` makes. */
const fetchFunc: typeof fetch = async (url, init) => {
  const response = await fetch(url, init);
  return Object.assign(response, { json: async () => JSON.parse(await response.text()) as unknown });
};

const modelFile = (): string => join(folder, 'model.json');
const weightFile = (): string =>
  join(folder, fs.readdirSync(folder).find((name) => name.endsWith('.bin')) ?? 'none');

describe('loadCheckpoint without a model', () => {
  it('builds a model that predicts the same and is not compiled', async () => {
    const { predictions, best } = await trainAndRestore(folder);

    const loaded = await loadCheckpoint(folder);

    own(loaded.model);
    expect(loaded.record).toEqual(best);
    expect(Object.isFrozen(loaded.record)).toBe(true);
    expect(predictionBits(loaded.model)).toEqual(predictions);
    expect(loaded.model.optimizer).toBeUndefined();
  });

  it.each([
    ['a file:// URL', () => pathToFileURL(folder).href],
    ['a file:// URL of a relative path', () => `file://${relative(process.cwd(), folder)}`],
    ['a relative path', () => relative(process.cwd(), folder)],
    ['a path with a trailing slash', () => `${folder}/`],
  ])('reads %s', async (_name, source) => {
    const { predictions } = await trainAndRestore(folder);
    const { model } = await loadCheckpoint(source());
    expect(predictionBits(own(model))).toEqual(predictions);
  });

  it('reads a tf.io.IOHandler', async () => {
    const handler = new MemoryHandler();
    const { predictions, best } = await trainAndRestore(handler);
    const loaded = await loadCheckpoint(handler);
    expect(predictionBits(own(loaded.model))).toEqual(predictions);
    expect(loaded.record).toEqual(best);
  });

  it('sets weights without their constraints, which tfjs applies when it loads', async () => {
    const kernelConstraint = tf.constraints.maxNorm({ maxValue: 0.1 });
    const layers = [tf.layers.dense({ units: 3, activation: 'softmax', inputShape: [6], kernelConstraint })];
    const model = own(tf.sequential({ layers }));
    model.compile({ optimizer: adam(), loss: 'categoricalCrossentropy' });
    const checkpoint = new EntropyCheckpoint(model, undefined, { filepath: folder });
    tf.tidy(() => {
      (model.getWeights()[0] as tf.Variable).assign(tf.tensor2d(numbers(18, 4), [6, 3]));
      checkpoint.appendOutput(model.predict(data.x) as tf.Tensor);
    });
    await checkpoint.saveCheckpoint(0);
    checkpoint.dispose();

    const loaded = await loadCheckpoint(folder);

    expect(predictionBits(own(loaded.model))).toEqual(predictionBits(model));
  });

  it('distinguishes layers of the same name in nested models, which tfjs refuses to load', async () => {
    const inner = (): tf.layers.Layer =>
      tf.sequential({ layers: [tf.layers.dense({ units: 6, inputShape: [6], name: 'same' })] });
    const head = tf.layers.dense({ units: 3, activation: 'softmax' });
    const model = own(
      tf.sequential({ layers: [tf.layers.dense({ units: 6, inputShape: [6] }), inner(), inner(), head] }),
    );
    model.compile({ optimizer: adam(), loss: 'categoricalCrossentropy' });
    const { predictions } = await trainAndRestore(folder, model);

    const loaded = await loadCheckpoint(folder);

    expect(predictionBits(own(loaded.model))).toEqual(predictions);
  });

  it("restores the user's metadata without those of this package", async () => {
    const input = tf.input({ shape: [6] });
    const output = tf.layers.dense({ units: 3, activation: 'softmax' }).apply(input) as tf.SymbolicTensor;
    const model = own(tf.model({ inputs: input, outputs: output }));
    model.compile({ optimizer: adam(), loss: 'categoricalCrossentropy' });
    const metadata = { labels: ['größe', 'b', 'c'], scale: { mean: 0.1, by: [1, 2] } };
    model.setUserDefinedMetadata(metadata);
    await trainAndRestore(folder, model);

    const loaded = await loadCheckpoint(folder);

    expect(own(loaded.model).getUserDefinedMetadata()).toEqual(metadata);
    expect(model.getUserDefinedMetadata()).toEqual(metadata);
  });

  it('restores an optimizer, and training continues exactly', async () => {
    const { model } = await trainAndRestore(folder);
    const optimizer = adam();

    const loaded = await loadCheckpoint(folder, { optimizer });

    own(loaded.model).compile({ optimizer, loss: 'categoricalCrossentropy' });
    expect(optimizerBits(optimizer)).toEqual(optimizerBits(model.optimizer));
    const expected = await trainEpochs(model, data, 3, 5);
    expect(await trainEpochs(loaded.model, data, 3, 5)).toEqual(expected);
    expect(modelBits(loaded.model)).toEqual(modelBits(model));
  });

  it('refuses an optimizer of another class, and leaves no model behind', async () => {
    await trainAndRestore(folder);
    const optimizer = own(tf.train.sgd(0.1));
    const before = optimizerBits(optimizer);
    const error = await rejection(loadCheckpoint(folder, { optimizer }));
    expect(error.code).toBe('ENTROPY_OPTIMIZER_MISMATCH');
    expect(optimizerBits(optimizer)).toEqual(before);
  });
});

describe('loadCheckpoint with a model', () => {
  it.each(Object.entries(OPTIMIZERS))(
    'restores the weights and the state of %s',
    async (_name, makeOptimizer) => {
      const { model, best } = await trainAndRestore(folder, own(makeNet(makeOptimizer())));
      const other = own(makeNet(makeOptimizer(), 9));

      const loaded = await loadCheckpoint(folder, { model: other });

      expect(loaded.model).toBe(other);
      expect(loaded.record).toEqual(best);
      expect(modelBits(other)).toEqual(modelBits(model));
    },
  );

  it('restores the weights if the model is not compiled', async () => {
    const { predictions } = await trainAndRestore(folder);
    const { model } = await loadCheckpoint(folder);
    own(model);
    tf.tidy(() => {
      for (const weight of model.getWeights()) (weight as tf.Variable).assign(tf.zerosLike(weight));
    });
    await loadCheckpoint(folder, { model });
    expect(predictionBits(model)).toEqual(predictions);
  });

  it('restores a given optimizer instead of the one that the model is compiled with', async () => {
    const { model } = await trainAndRestore(folder);
    const other = own(makeNet(tf.train.sgd(0.1), 9));
    const before = optimizerBits(other.optimizer);
    const optimizer = own(adam());

    await loadCheckpoint(folder, { model: other, optimizer });

    expect(optimizerBits(other.optimizer)).toEqual(before);
    expect(optimizerBits(optimizer)).toEqual(optimizerBits(model.optimizer));
    expect(modelBits(other).weights).toEqual(modelBits(model).weights);
  });

  it.each([
    [
      'a model instead of the options',
      () => own(makeNet(adam())),
      'ENTROPY_INVALID_ARGUMENT',
      '`loadCheckpoint(source, { model })`',
    ],
    [
      'a `model` that is not one',
      () => ({ model: {} }),
      'ENTROPY_INVALID_OPTION',
      '`model` to be a tf.LayersModel',
    ],
    [
      'an `optimizer` that is not one',
      () => ({ optimizer: 'adam' }),
      'ENTROPY_INVALID_OPTION',
      '`optimizer` to be a tf.Optimizer',
    ],
    ['a number', () => 3, 'ENTROPY_INVALID_OPTION', 'Expected an object of options, got 3.'],
    ['a misspelt option', () => ({ epcoh: 3 }), 'ENTROPY_INVALID_OPTION', 'Did you mean `epoch`?'],
  ])('refuses %s', async (_name, makeOptions, code, text) => {
    await trainAndRestore(folder);
    const error = await rejection(loadCheckpoint(folder, makeOptions() as object));
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
  });

  it('refuses a model of another shape, and changes nothing', async () => {
    await trainAndRestore(folder);
    const input = tf.layers.dense({ units: 3, inputShape: [6] });
    const model = own(tf.sequential({ layers: [input] }));
    model.compile({ optimizer: adam(), loss: 'meanSquaredError' });
    const before = modelBits(model);
    expect((await rejection(loadCheckpoint(folder, { model }))).code).toBe('ENTROPY_MODEL_MISMATCH');
    expect(modelBits(model)).toEqual(before);
  });

  it('refuses a model with another optimizer class, and changes not even the weights', async () => {
    await trainAndRestore(folder);
    const model = own(makeNet(tf.train.sgd(0.1), 9));
    const before = modelBits(model);
    expect((await rejection(loadCheckpoint(folder, { model }))).code).toBe('ENTROPY_OPTIMIZER_MISMATCH');
    expect(modelBits(model)).toEqual(before);
  });
});

describe('a checkpoint with `includeOptimizer: false`', () => {
  it("leaves a model's optimizer alone", async () => {
    const { model } = await trainAndRestore(folder, undefined, { includeOptimizer: false });
    const other = own(makeNet(tf.train.momentum(0.1, 0.9), 9));
    await trainEpochs(other, data, 0, 1);
    const before = optimizerBits(other.optimizer);

    await loadCheckpoint(folder, { model: other });

    expect(modelBits(other).weights).toEqual(modelBits(model).weights);
    expect(optimizerBits(other.optimizer)).toEqual(before);
  });

  it('is refused for an optimizer', async () => {
    await trainAndRestore(folder, undefined, { includeOptimizer: false });
    const error = await rejection(loadCheckpoint(folder, { optimizer: own(adam()) }));
    expect(error.code).toBe('ENTROPY_OPTIMIZER_MISMATCH');
    expect(error.message).toContain('includeOptimizer: false');
  });

  it('holds no tensor of the optimizer', async () => {
    await trainAndRestore(folder, undefined, { includeOptimizer: false });
    const { weightsManifest } = JSON.parse(fs.readFileSync(modelFile(), 'utf8')) as {
      weightsManifest: [{ weights: { group?: string }[] }];
    };
    expect(weightsManifest[0].weights).toHaveLength(8);
    expect(weightsManifest[0].weights.every(({ group }) => group === undefined)).toBe(true);
  });
});

describe('over HTTP', () => {
  let server: Server;
  let url = '';

  beforeEach(async () => {
    server = createServer((request, response) => {
      const file = join(folder, basename(decodeURI(request.url ?? '')));
      response.statusCode = fs.existsSync(file) ? 200 : 404;
      response.setHeader(
        'Content-Type',
        file.endsWith('.json') ? 'application/json' : 'application/octet-stream',
      );
      response.end(fs.existsSync(file) ? fs.readFileSync(file) : undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.json`;
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  test.each([
    ['a URL', () => url],
    ['tf.io.http', () => tf.io.http(url, { fetchFunc })],
  ])(
    'tf.loadLayersModel reads the weights from %s, ignores the optimizer and predicts the same',
    async (_name, source) => {
      const { predictions } = await trainAndRestore(folder);
      const loaded = own(await tf.loadLayersModel(source(), { fetchFunc }));
      expect(predictionBits(loaded)).toEqual(predictions);
      expect(loaded.optimizer).toBeUndefined();
      expect(loaded.getWeights()).toHaveLength(8);
    },
  );

  test.each(Object.entries(OPTIMIZERS))(
    'tf.loadLayersModel reads a model that was trained with %s',
    async (_name, makeOptimizer) => {
      const { predictions } = await trainAndRestore(folder, own(makeNet(makeOptimizer())));
      expect(predictionBits(own(await tf.loadLayersModel(url, { fetchFunc })))).toEqual(predictions);
    },
  );

  test('loadCheckpoint restores weights and optimizer', async () => {
    const { model, best } = await trainAndRestore(folder);
    const other = own(makeNet(adam(), 9));
    const loaded = await loadCheckpoint(url, { model: other });
    expect(modelBits(other)).toEqual(modelBits(model));
    expect(loaded.record).toEqual(best);
  });

  test('loadCheckpoint finds no checkpoint if the file is missing', async () => {
    expect((await rejection(loadCheckpoint(url))).code).toBe('ENTROPY_NO_CHECKPOINT');
  });

  test('loadCheckpoint refuses damage', async () => {
    await trainAndRestore(folder);
    const bytes = fs.readFileSync(weightFile());
    bytes[7]! ^= 1;
    fs.writeFileSync(weightFile(), bytes);
    const model = own(makeNet(adam(), 9));
    const before = modelBits(model);
    expect((await rejection(loadCheckpoint(url, { model }))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    expect(modelBits(model)).toEqual(before);
  });
});

describe('loadCheckpoint where nothing can be loaded', () => {
  it.each([
    ['a missing folder', () => undefined],
    [
      'an empty folder',
      () => {
        fs.mkdirSync(folder);
      },
    ],
  ])('finds no checkpoint in %s', async (_name, prepare) => {
    prepare();
    const error = await rejection(loadCheckpoint(folder));
    expect(error.code).toBe('ENTROPY_NO_CHECKPOINT');
    expect(error.message).toContain(folder);
  });

  it('refuses a file that tfjs has saved', async () => {
    fs.mkdirSync(folder);
    fs.writeFileSync(modelFile(), JSON.stringify({ modelTopology: {}, weightsManifest: [] }));
    expect((await rejection(loadCheckpoint(folder))).code).toBe('ENTROPY_NOT_A_CHECKPOINT');
  });

  it('refuses artifacts that tfjs has saved with a handler', async () => {
    const handler = new MemoryHandler();
    await own(makeNet(adam())).save(handler);
    expect((await rejection(loadCheckpoint(handler))).code).toBe('ENTROPY_NOT_A_CHECKPOINT');
  });

  it('refuses another format version', async () => {
    const handler = new MemoryHandler();
    await trainAndRestore(handler);
    handler.json = handler.json!.replace(/"formatVersion":\d+/, '"formatVersion":3');
    const error = await rejection(loadCheckpoint(handler));
    expect(error.code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    expect(error.message).toContain('got format 3');
  });

  it.each(['nowhere://a', 'indexeddb://a', 'localstorage://a'])(
    'refuses %s, for which Node has no handler',
    async (source) => {
      expect((await rejection(loadCheckpoint(source))).code).toBe('ENTROPY_INVALID_OPTION');
    },
  );
});

describe('loadCheckpoint refuses damage, and leaves model and optimizer as they were:', () => {
  async function expectRefused(): Promise<EntropyCheckpointError> {
    const model = own(makeNet(adam(), 9));
    await trainEpochs(model, data, 0, 1);
    const before = modelBits(model);
    const error = await rejection(loadCheckpoint(folder, { model }));
    expect(modelBits(model)).toEqual(before);
    return error;
  }

  beforeEach(async () => {
    await trainAndRestore(folder);
  });

  test('a missing data file', async () => {
    fs.rmSync(weightFile());
    expect((await expectRefused()).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  test.each(['data file', 'model.json'])('a truncated %s', async (name) => {
    const file = name === 'model.json' ? modelFile() : weightFile();
    for (const sizeBytes of [fs.statSync(file).size - 1, 100, 0]) {
      fs.truncateSync(file, sizeBytes);
      expect((await expectRefused()).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    }
  });

  test.each(['data file', 'model.json'])('a longer %s', async (name) => {
    fs.appendFileSync(name === 'model.json' ? modelFile() : weightFile(), ' ');
    expect((await expectRefused()).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  test.each(['data file', 'model.json'])('a flipped bit anywhere in %s', async (name) => {
    const file = name === 'model.json' ? modelFile() : weightFile();
    const bytes = fs.readFileSync(file);
    const model = own(makeNet(adam(), 9));
    const before = modelBits(model);
    const accepted: string[] = [];
    // The steps are primes, so that every bit position and every part of the file is covered.
    for (let position = 0; position < bytes.length; position += name === 'model.json' ? 23 : 11) {
      const damaged = Buffer.from(bytes);
      damaged[position]! ^= 1 << (position % 8);
      fs.writeFileSync(file, damaged);
      const { code } = await rejection(loadCheckpoint(folder, { model }));
      const context = bytes.subarray(Math.max(0, position - 30), position + 30).toString('latin1');
      // With another key for its metadata it isn't a checkpoint any more, nor with another format version.
      const isUnknownFormat =
        code === 'ENTROPY_NOT_A_CHECKPOINT' &&
        /userDefinedMetadata|entropyCheckpoint|formatVersion/.test(context);
      if (code !== 'ENTROPY_CORRUPT_CHECKPOINT' && !isUnknownFormat)
        accepted.push(`${position} ${code} ${context}`);
    }
    expect(accepted).toEqual([]);
    expect(modelBits(model)).toEqual(before);
  });

  test('a model.json and a data file of two checkpoints', async () => {
    const other = join(root, 'other');
    await trainAndRestore(other, own(makeNet(adam(), 5)));
    fs.copyFileSync(join(other, 'model.json'), modelFile());
    expect((await expectRefused()).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  test('weights that were replaced together with their checksum', async () => {
    const other = join(root, 'other');
    await trainAndRestore(other, own(makeNet(adam(), 5)));
    const checksum = (path: string): string =>
      /"sha256":"([0-9a-f]{64})"/.exec(fs.readFileSync(join(path, 'model.json'), 'utf8'))![1]!;
    const [mine, theirs] = [checksum(folder), checksum(other)];
    const text = fs.readFileSync(modelFile(), 'utf8');
    fs.writeFileSync(
      modelFile(),
      text.replaceAll(mine, theirs).replace(mine.slice(0, 16), theirs.slice(0, 16)),
    );
    const [name] = fs.readdirSync(other).filter((file) => file.endsWith('.bin'));
    fs.copyFileSync(join(other, name!), join(folder, name!));
    expect((await expectRefused()).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });
});

describe('a stored architecture', () => {
  /** A randomly wired net of equal layers: shared layers, nested models, sums, one or two inputs and outputs. */
  function makeRandomNet(seed: number): tf.LayersModel {
    let draws = 0;
    const below = (count: number): number => {
      const x = Math.abs(Math.sin(++draws * 78.233 + seed * 37.719)) * 43758.5453;
      return Math.floor((x - Math.floor(x)) * count);
    };
    const dense = (): tf.layers.Layer => tf.layers.dense({ units: 6, activation: 'tanh' });
    const inputs = Array.from({ length: 1 + below(2) }, () => tf.input({ shape: [6] }));
    const nodes: tf.SymbolicTensor[] = [...inputs];
    const used = new Set<tf.SymbolicTensor>();
    const layers: tf.layers.Layer[] = [dense()];
    const pick = (): tf.SymbolicTensor => {
      const node = nodes[below(nodes.length)]!;
      used.add(node);
      return node;
    };
    const pickTwo = (): [tf.SymbolicTensor, tf.SymbolicTensor] => {
      const first = pick();
      // Two different nodes: tfjs frees a node too early if it's both inputs of a layer.
      const rest = nodes.filter((node) => node !== first);
      const second = rest[below(rest.length)] ?? (dense().apply(first) as tf.SymbolicTensor);
      used.add(second);
      return [first, second];
    };
    for (let i = 0; i < 7; i++) {
      const kind = below(5);
      if (kind === 0) {
        nodes.push(tf.layers.add().apply(pickTwo()) as tf.SymbolicTensor);
        continue;
      }
      if (kind === 1)
        layers.push(tf.sequential({ layers: [tf.layers.dense({ units: 6, inputShape: [6] }), dense()] }));
      else if (kind === 2) {
        const inner = [tf.input({ shape: [6] }), tf.input({ shape: [6] })] as const;
        const branches = inner.map((input) => dense().apply(input) as tf.SymbolicTensor);
        const outputs = tf.layers.add().apply(branches) as tf.SymbolicTensor;
        const model = tf.model({ inputs: [...inner], outputs });
        nodes.push(model.apply(pickTwo()) as tf.SymbolicTensor);
        continue;
      } else if (kind === 3) layers.push(dense());
      const layer = kind === 4 ? layers[below(layers.length)]! : layers.at(-1)!;
      nodes.push(layer.apply(pick()) as tf.SymbolicTensor);
    }
    const loose = nodes.filter((node) => !used.has(node));
    const joined = loose.length > 1 ? (tf.layers.add().apply(loose) as tf.SymbolicTensor) : loose[0]!;
    const head = (): tf.SymbolicTensor =>
      tf.layers.dense({ units: 3, activation: 'softmax' }).apply(joined) as tf.SymbolicTensor;
    const model = tf.model({ inputs, outputs: below(2) === 0 ? head() : [head(), head()] });
    model.compile({ optimizer: adam(), loss: 'categoricalCrossentropy' });
    return own(model);
  }

  it.each(Array.from({ length: 12 }, (_, seed) => seed))(
    'predicts the same and trains on exactly: random net %i',
    async (seed) => {
      const model = makeRandomNet(seed);
      const fit = async (trained: tf.LayersModel, callbacks: tf.CustomCallback[] = []): Promise<void> => {
        const x = trained.inputs.map((_, i) => data.x.slice([i, 0], [8, 6]));
        const y = trained.outputs.map(() => data.y.slice([0, 0], [8, 3]));
        await trained.fit(x, y, { epochs: 1, batchSize: 4, shuffle: false, verbose: 0, callbacks });
        tf.dispose([x, y]);
      };
      await fit(model, [new EntropyCheckpointCallback({ filepath: folder })]);
      const predictions = predictionBits(model);

      const { model: loaded } = await loadCheckpoint(folder);

      own(loaded);
      expect(predictionBits(loaded)).toEqual(predictions);
      loaded.compile({ optimizer: adam(), loss: 'categoricalCrossentropy' });
      await loadCheckpoint(folder, { model: loaded });
      await fit(model);
      await fit(loaded);
      expect(predictionBits(loaded)).toEqual(predictionBits(model));
    },
  );
});
