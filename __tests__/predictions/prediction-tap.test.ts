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

/** The parts of a model that a tap changes. */
function tappedParts(model: tf.LayersModel): object {
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

function callbackWith(
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
  callbackWith(hook, () => {
    throw new Error('thrown by the test');
  });

describe('the tap', () => {
  test('restores the model and the same loss functions', async () => {
    const model = makeModel();
    const { x, y } = makeData(24);
    await model.fit(x, y, FIT);
    const before = tappedParts(innerModel(model));
    const history = await model.fit(x, y, {
      ...FIT,
      callbacks: new EntropyCheckpointCallback({ filepath: null }),
    });
    expect(tappedParts(innerModel(model))).toEqual(before);
    expect(internalsOf(innerModel(model)).lossFunctions).toBe(
      (before as { lossFunctions: unknown }).lossFunctions,
    );
    expect(Object.keys(history).filter((key) => key.startsWith('on'))).toEqual([]);
    expect(history.params).toMatchObject({ metrics: ['loss', 'acc', 'val_loss', 'val_acc'] });
  });

  test('does not change the weights, and only adds entropies to the history', async () => {
    const train = async (callbacks: tf.CustomCallback[]): Promise<[number[][], object]> => {
      const model = makeModel('adam');
      const { x, y } = makeData(24);
      const { history } = await model.fit(x, y, { ...FIT, epochs: 4, callbacks });
      return [weightValues(model), history];
    };
    const [expectedWeights, expectedHistory] = await train([]);
    const [weights, history] = await train([new EntropyCheckpointCallback({ filepath: null })]);
    expect(weights).toEqual(expectedWeights);
    const { entropy, train_entropy, val_entropy, ...others } = history as Record<string, number[]>;
    expect(others).toEqual(expectedHistory);
    expect([entropy, train_entropy, val_entropy].map((values) => values?.length)).toEqual([4, 4, 4]);
  });

  test('makes no extra forward pass', async () => {
    const model = makeModel();
    const { x, y } = makeData(24);
    const forward = jest.spyOn(model.layers[1]!, 'call');
    await model.fit(x, y, FIT);
    const baseline = forward.mock.calls.length;
    forward.mockClear();
    await model.fit(x, y, { ...FIT, callbacks: new EntropyCheckpointCallback({ filepath: null }) });
    expect(baseline).toBeGreaterThan(0);
    expect(forward).toHaveBeenCalledTimes(baseline);
  });

  test.each([1, 3])('leaks no tensor over %i epochs with the file store', async (epochs) => {
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

  test('keeps working after `compile` during training', async () => {
    const model = makeModel();
    const { x, y } = makeData(24);
    const compileOnce = callbackWith('onEpochEnd', () => {
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

describe('the tap after a fit that threw', () => {
  const HOOKS = ['onTrainBegin', 'onBatchEnd', 'onEpochEnd'] as const;

  test.each(HOOKS)('restores the model: thrown in %s of another callback', async (hook) => {
    const model = makeModel();
    const { x, y } = makeData(24);
    // tfjs itself adds properties with the first `fit`.
    await model.fit(x, y, FIT);
    const before = tappedParts(innerModel(model));
    const checkpoint = new EntropyCheckpointCallback({ filepath: tempFolder() });
    const fit = model.fit(x, y, { ...FIT, callbacks: [checkpoint, throwing(hook)] });
    await expect(fit).rejects.toThrow('thrown by the test');
    expect(tappedParts(innerModel(model))).toEqual(before);
    await checkpoint.flush();
  });

  test.each(HOOKS)('leaks no tensor: thrown in %s of another callback', async (hook) => {
    const tensorsLeakedBy = async (callbacks: tf.CustomCallback[]): Promise<number> => {
      const model = makeModel();
      const { x, y } = makeData(24);
      const { numTensors } = tf.memory();
      await expect(model.fit(x, y, { ...FIT, callbacks })).rejects.toThrow('thrown by the test');
      // The best epoch so far is still being stored.
      for (const callback of callbacks) await (callback as Partial<EntropyCheckpointCallback>).flush?.();
      return tf.memory().numTensors - numTensors;
    };
    // tfjs itself leaks the logs of the batch.
    const baseline = await tensorsLeakedBy([throwing(hook)]);
    const withFolder = new EntropyCheckpointCallback({ filepath: tempFolder(), restoreBestWeights: true });
    expect(await tensorsLeakedBy([withFolder, throwing(hook)])).toBe(baseline);
    expect(
      await tensorsLeakedBy([throwing(hook), new EntropyCheckpointCallback({ filepath: tempFolder() })]),
    ).toBe(baseline);
  });

  test('leaks no tensor: thrown in a batch', async () => {
    const tensorsLeakedBy = async (callbacks: tf.CustomCallback[]): Promise<number> => {
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
    const baseline = await tensorsLeakedBy([]);
    expect(await tensorsLeakedBy([new EntropyCheckpointCallback({ filepath: tempFolder() })])).toBe(baseline);
  });

  test('does not affect a later evaluate or fit, with or without the same callback', async () => {
    const { x, y } = makeData(24);
    const checkpoint = new EntropyCheckpointCallback({ filepath: tempFolder() });
    const train = async (throwsFirst: boolean): Promise<unknown[]> => {
      const model = makeModel();
      if (throwsFirst) {
        const fit = model.fit(x, y, { ...FIT, callbacks: [checkpoint, throwing('onTrainBegin')] });
        await expect(fit).rejects.toThrow();
      }
      const [loss] = model.evaluate(x, y) as tf.Scalar[];
      const { history } = await model.fit(x, y, FIT);
      const withCallback = throwsFirst ? checkpoint : new EntropyCheckpointCallback({ filepath: null });
      const { history: last } = await model.fit(x, y, { ...FIT, callbacks: withCallback });
      return [loss!.dataSync()[0], history, last, weightValues(model)];
    };
    expect(await train(true)).toEqual(await train(false));
  });

  test('leaves the folder unlocked', async () => {
    const model = makeModel();
    const { x, y } = makeData(24);
    const first = new EntropyCheckpointCallback({ filepath: tempFolder() });
    await expect(model.fit(x, y, { ...FIT, callbacks: [first, throwing('onBatchEnd')] })).rejects.toThrow();
    await model.fit(x, y, { ...FIT, callbacks: new EntropyCheckpointCallback({ filepath: tempFolder() }) });
  });

  test('is removed by the next loss call if it missed the end', async () => {
    const model = makeModel();
    const { x, y } = makeData(24);
    const inner = innerModel(model);
    const losses = internalsOf(inner).lossFunctions;
    const checkpoint = new EntropyCheckpointCallback({ filepath: null });
    // Redefining the property hides the end of `fit` from the tap.
    const hideEnd = callbackWith('onBatchEnd', () => {
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

describe('the cost of the callback', () => {
  /** How often `fit` with these callbacks reads from the backend. */
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

  test('is one read per epoch', async () => {
    // In memory only: saving a checkpoint reads it.
    const inMemory = (): EntropyCheckpointCallback => new EntropyCheckpointCallback({ filepath: null });
    for (const epochs of [1, 4]) {
      const baseline = await countReads(epochs, []);
      const checkpoint = inMemory();
      expect((await countReads(epochs, [checkpoint])) - baseline).toBe(epochs);
      checkpoint.dispose();
    }
  });

  test('is one read per epoch if a metric is monitored', async () => {
    const baseline = await countReads(3, []);
    const checkpoint = new EntropyCheckpointCallback({ filepath: null, monitor: 'val_loss' });
    expect((await countReads(3, [checkpoint])) - baseline).toBe(3);
    checkpoint.dispose();
  });

  /** Turns of the event loop during a fit of 20 batches. By the mocked clock of tfjs, each takes 30 ms. */
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
    // Made after the clock is mocked, as they measure time from when they are made.
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

  test('does not reduce how often fit yields to the event loop', async () => {
    const baseline = await countTurns(() => []);
    const withCallback = await countTurns(() => [new EntropyCheckpointCallback({ filepath: null })]);
    // The batches take 600 ms, and `fit` yields at most once every 125 ms.
    expect(baseline).toBe(4);
    expect(withCallback).toBeGreaterThanOrEqual(baseline);
  });

  test.each([
    ['batch', 20],
    ['never', 0],
  ] as const)('honours yieldEvery: %s', async (yieldEvery, batches) => {
    const turns = await countTurns(
      () => [new EntropyCheckpointCallback({ filepath: null, yieldEvery })],
      'never',
    );
    // Closing an epoch takes a few more turns.
    expect(turns).toBeGreaterThanOrEqual(batches);
    expect(turns).toBeLessThan(batches + 5);
  });
});
