import { afterEach, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback } from '../../src/index.js';
import { internalsOf } from '../../src/tfjs-internals.js';
import {
  disposeModel,
  expectNoTensorsLeft,
  innerModel,
  makeData,
  makeModel,
  NUM_CLASSES,
  NUM_FEATURES,
  seededDense,
  useTempFolder,
  weightValues,
} from '../support/fixtures.js';

const tempFolder = useTempFolder();
const FIT = { epochs: 2, batchSize: 8, validationSplit: 0.25, shuffle: false, verbose: 0 };

afterEach(() => {
  jest.restoreAllMocks();
});

/** Everything of a model and its history that a tap might leave something on. */
function appearance(model: tf.LayersModel): object {
  const internals = internalsOf(model);
  return {
    keys: Object.getOwnPropertyNames(model),
    isTraining: Object.getOwnPropertyDescriptor(model, 'isTraining'),
    lossFunctions: internals.lossFunctions,
    losses: [...internals.lossFunctions],
    makeTestFunction: internals.makeTestFunction,
    makeTrainFunction: internals.makeTrainFunction,
    metrics: [...model.metricsNames],
    optimizer: model.optimizer,
  };
}

function callbackThat(
  hook: 'onBatchEnd' | 'onEpochEnd' | 'onTrainBegin',
  act: () => void,
): tf.CustomCallback {
  const callback = new tf.CustomCallback({});
  callback[hook] = async () => {
    act();
    return Promise.resolve();
  };
  return callback;
}

const throwing = (hook: 'onBatchEnd' | 'onEpochEnd' | 'onTrainBegin'): tf.CustomCallback =>
  callbackThat(hook, () => {
    throw new Error('thrown by the test');
  });

describe('the tap', () => {
  test('leaves the model as it was, with the losses identical', async () => {
    const model = makeModel();
    const { x, y } = makeData(24);
    await model.fit(x, y, FIT);
    const before = appearance(innerModel(model));
    const history = await model.fit(x, y, {
      ...FIT,
      callbacks: new EntropyCheckpointCallback({ filepath: null }),
    });
    expect(appearance(innerModel(model))).toEqual(before);
    expect(internalsOf(innerModel(model)).lossFunctions).toBe(
      (before as { lossFunctions: unknown }).lossFunctions,
    );
    expect(Object.keys(history).filter((key) => key.startsWith('on'))).toEqual([]);
    expect(history.params).toMatchObject({ metrics: ['loss', 'acc', 'val_loss', 'val_acc'] });
  });

  test('changes neither weights nor history, but for the entropies', async () => {
    const train = async (callbacks: tf.CustomCallback[]): Promise<[number[][], object]> => {
      const model = makeModel('adam');
      const { x, y } = makeData(24);
      const { history } = await model.fit(x, y, { ...FIT, epochs: 4, callbacks });
      return [weightValues(model), history];
    };
    const [bareWeights, bareHistory] = await train([]);
    const [weights, history] = await train([new EntropyCheckpointCallback({ filepath: null })]);
    expect(weights).toEqual(bareWeights);
    const { entropy, train_entropy, val_entropy, ...others } = history as Record<string, number[]>;
    expect(others).toEqual(bareHistory);
    expect([entropy, train_entropy, val_entropy].map((values) => values?.length)).toEqual([4, 4, 4]);
  });

  test('makes no further forward pass', async () => {
    const model = makeModel();
    const { x, y } = makeData(24);
    const forward = jest.spyOn(model.layers[1]!, 'call');
    await model.fit(x, y, FIT);
    const bare = forward.mock.calls.length;
    forward.mockClear();
    await model.fit(x, y, { ...FIT, callbacks: new EntropyCheckpointCallback({ filepath: null }) });
    expect(bare).toBeGreaterThan(0);
    expect(forward).toHaveBeenCalledTimes(bare);
  });

  test.each([1, 3])('leaves no tensor after %i epochs with the file store', async (epochs) => {
    const model = makeModel();
    const { x, y } = makeData(24);
    await expectNoTensorsLeft(async () => {
      await model.fit(x, y, {
        ...FIT,
        epochs,
        callbacks: new EntropyCheckpointCallback({ filepath: tempFolder() }),
      });
    });
  });

  test('serves two checkpoints in one fit, each with its own options', async () => {
    const model = makeModel();
    const { x, y } = makeData(24);
    const alone = new EntropyCheckpointCallback({ filepath: null });
    await model.fit(x, y, { ...FIT, callbacks: alone });
    const again = makeModel();
    const losses = internalsOf(innerModel(again)).lossFunctions;
    const both = [1, 2].map((topK) => new EntropyCheckpointCallback({ filepath: null, topK }));
    await again.fit(x, y, { ...FIT, callbacks: both });
    expect(both[1]!.history).toEqual(alone.history);
    expect(both[0]!.history[0]!.entropy).not.toBe(alone.history[0]!.entropy);
    expect(internalsOf(innerModel(again)).lossFunctions).toBe(losses);
    for (const checkpoint of [alone, ...both]) checkpoint.dispose();
  });

  test('goes on after `compile` in the middle of training', async () => {
    const model = makeModel();
    const { x, y } = makeData(24);
    const compileOnce = callbackThat('onEpochEnd', () => {
      if (checkpoint.history.length > 1) return;
      innerModel(model).compile({ optimizer: 'adam', loss: 'meanSquaredError', metrics: ['accuracy'] });
    });
    const checkpoint = new EntropyCheckpointCallback({ filepath: null });
    await model.fit(x, y, { ...FIT, epochs: 3, callbacks: [checkpoint, compileOnce] });
    expect(checkpoint.history.map(({ entropy }) => entropy !== null)).toEqual([true, true, true]);
    const [loss] = internalsOf(innerModel(model)).lossFunctions;
    expect(loss?.name).toMatch(/^meanSquaredError/);
    checkpoint.dispose();
  });
});

describe('after a fit that threw', () => {
  const HOOKS = ['onTrainBegin', 'onBatchEnd', 'onEpochEnd'] as const;

  test.each(HOOKS)('in %s of another callback, nothing is left on the model', async (hook) => {
    const model = makeModel();
    const { x, y } = makeData(24);
    // What tfjs itself adds with the first `fit`.
    await model.fit(x, y, FIT);
    const before = appearance(innerModel(model));
    const checkpoint = new EntropyCheckpointCallback({ filepath: tempFolder() });
    const fit = model.fit(x, y, { ...FIT, callbacks: [checkpoint, throwing(hook)] });
    await expect(fit).rejects.toThrow('thrown by the test');
    expect(appearance(innerModel(model))).toEqual(before);
    await checkpoint.flush();
  });

  test.each(HOOKS)('in %s of another callback, no tensor of ours is left', async (hook) => {
    const leftBy = async (callbacks: tf.CustomCallback[]): Promise<number> => {
      const model = makeModel();
      const { x, y } = makeData(24);
      const { numTensors } = tf.memory();
      await expect(model.fit(x, y, { ...FIT, callbacks })).rejects.toThrow('thrown by the test');
      // The best epoch so far is still being stored.
      for (const callback of callbacks) await (callback as Partial<EntropyCheckpointCallback>).flush?.();
      return tf.memory().numTensors - numTensors;
    };
    // tfjs itself leaves the logs of the batch.
    const bare = await leftBy([throwing(hook)]);
    const withFolder = new EntropyCheckpointCallback({ filepath: tempFolder(), restoreBestWeights: true });
    expect(await leftBy([withFolder, throwing(hook)])).toBe(bare);
    expect(await leftBy([throwing(hook), new EntropyCheckpointCallback({ filepath: tempFolder() })])).toBe(
      bare,
    );
  });

  test('in the middle of a batch, no tensor of ours is left either', async () => {
    const leftBy = async (callbacks: tf.CustomCallback[]): Promise<number> => {
      let calls = 0;
      const loss = (yTrue: tf.Tensor, yPred: tf.Tensor): tf.Tensor => {
        calls += 1;
        if (calls === 3) throw new Error('thrown by the loss');
        return tf.losses.softmaxCrossEntropy(yTrue, yPred);
      };
      const input = tf.input({ shape: [NUM_FEATURES] });
      const heads = [1, 2].map((seed) =>
        seededDense(NUM_CLASSES, seed, { activation: 'softmax' }).apply(input),
      );
      const model = tf.model({ inputs: input, outputs: heads as tf.SymbolicTensor[] });
      model.compile({ optimizer: 'sgd', loss: ['categoricalCrossentropy', loss] as never });
      const { x, y } = makeData(24);
      const { numTensors } = tf.memory();
      await expect(model.fit(x, [y, y], { ...FIT, validationSplit: 0, callbacks })).rejects.toThrow();
      return tf.memory().numTensors - numTensors;
    };
    const bare = await leftBy([]);
    expect(await leftBy([new EntropyCheckpointCallback({ filepath: tempFolder() })])).toBe(bare);
  });

  test('a bare fit, an evaluate and a further fit with the same callback work as ever', async () => {
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: tempFolder() });
    const train = async (disturbed: boolean): Promise<unknown[]> => {
      const model = makeModel();
      if (disturbed) {
        const fit = model.fit(x, y, { ...FIT, callbacks: [checkpoint, throwing('onTrainBegin')] });
        await expect(fit).rejects.toThrow();
      }
      const [loss] = model.evaluate(x, y) as tf.Scalar[];
      const { history } = await model.fit(x, y, FIT);
      const withCallback = disturbed ? checkpoint : new EntropyCheckpointCallback({ filepath: null });
      const { history: last } = await model.fit(x, y, { ...FIT, callbacks: withCallback });
      return [loss!.dataSync()[0], history, last, weightValues(model)];
    };
    expect(await train(true)).toEqual(await train(false));
  });

  test('the folder is free at once', async () => {
    const model = makeModel();
    const { x, y } = makeData(24);
    const first = new EntropyCheckpointCallback({ filepath: tempFolder() });
    await expect(model.fit(x, y, { ...FIT, callbacks: [first, throwing('onBatchEnd')] })).rejects.toThrow();
    await model.fit(x, y, { ...FIT, callbacks: new EntropyCheckpointCallback({ filepath: tempFolder() }) });
  });

  test('a tap whose end was missed is gone with the next loss call', async () => {
    const model = makeModel();
    const { x, y } = makeData(24);
    const inner = innerModel(model);
    const losses = internalsOf(inner).lossFunctions;
    const checkpoint = new EntropyCheckpointCallback({ filepath: null });
    // Whoever freezes the property hides the end of `fit` from the tap.
    const hideEnd = callbackThat('onBatchEnd', () => {
      Object.defineProperty(inner, 'isTraining', { configurable: true, writable: true, value: true });
      throw new Error('thrown by the test');
    });
    await expect(model.fit(x, y, { ...FIT, callbacks: [checkpoint, hideEnd] })).rejects.toThrow();
    expect(internalsOf(inner).lossFunctions).not.toBe(losses);
    const { numTensors } = tf.memory();
    tf.dispose(model.evaluate(x, y));
    expect(internalsOf(inner).lossFunctions).toBe(losses);
    expect(tf.memory().numTensors).toBeLessThanOrEqual(numTensors);
  });
});

describe('the cost to training', () => {
  /** How often the backend is read while `fit` runs with `callbacks`. */
  async function countReads(epochs: number, callbacks: tf.CustomCallback[]): Promise<number> {
    const model = makeModel();
    const { x, y } = makeData(24);
    const reads = [jest.spyOn(tf.engine(), 'read'), jest.spyOn(tf.engine(), 'readSync')];
    await model.fit(x, y, { ...FIT, epochs, callbacks });
    const count = reads.reduce((sum, read) => sum + read.mock.calls.length, 0);
    jest.restoreAllMocks();
    disposeModel(model);
    return count;
  }

  test('is one read an epoch and none within', async () => {
    // No save: a checkpoint that is written has to be read.
    const silent = (): EntropyCheckpointCallback => new EntropyCheckpointCallback({ filepath: null });
    for (const epochs of [1, 4]) {
      const bare = await countReads(epochs, []);
      const checkpoint = silent();
      expect((await countReads(epochs, [checkpoint])) - bare).toBe(epochs);
      checkpoint.dispose();
    }
  });

  test('is one read an epoch also with a metric as monitor', async () => {
    const bare = await countReads(3, []);
    const checkpoint = new EntropyCheckpointCallback({ filepath: null, monitor: 'val_loss' });
    expect((await countReads(3, [checkpoint])) - bare).toBe(3);
    checkpoint.dispose();
  });

  /** Turns of the event loop during a fit of 20 batches that take 30 ms each, by the clock that tfjs reads. */
  async function countTurns(
    makeCallbacks: () => tf.CustomCallback[],
    yieldEvery: 'auto' | 'never' = 'auto',
  ): Promise<number> {
    const model = makeModel();
    const { x, y } = makeData(20);
    let clock = 0;
    const { platform } = tf.env() as unknown as { platform: { now(): number } };
    jest.spyOn(platform, 'now').mockImplementation(() => clock);
    const call = model.layers[0]!.call.bind(model.layers[0]);
    model.layers[0]!.call = (inputs, kwargs) => {
      clock += 30;
      return call(inputs, kwargs);
    };
    // Now, as they begin to count when they are made.
    const callbacks = makeCallbacks();
    let turns = 0;
    let running = true;
    const turn = (): void => {
      turns += 1;
      if (running) setImmediate(turn);
    };
    setImmediate(turn);
    const list = callbacks.length === 0 ? {} : { callbacks };
    await model.fit(x, y, { epochs: 1, batchSize: 1, verbose: 0, yieldEvery, ...list });
    running = false;
    jest.restoreAllMocks();
    return turns;
  }

  test('is no turn of the event loop: it is yielded to as often as without', async () => {
    const bare = await countTurns(() => []);
    const withCallback = await countTurns(() => [new EntropyCheckpointCallback({ filepath: null })]);
    // 600 ms, at most one every 125.
    expect(bare).toBe(4);
    expect(withCallback).toBeGreaterThanOrEqual(bare);
  });

  test.each([
    ['batch', 20],
    ['never', 0],
  ] as const)('honours yieldEvery: %s', async (yieldEvery, batches) => {
    const turns = await countTurns(
      () => [new EntropyCheckpointCallback({ filepath: null, yieldEvery })],
      'never',
    );
    // Reading and closing an epoch takes a turn or two of its own.
    expect(turns).toBeGreaterThanOrEqual(batches);
    expect(turns).toBeLessThan(batches + 5);
  });
});
