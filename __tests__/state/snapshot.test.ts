import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { dirname } from 'node:path';
import { createRequire } from 'node:module';
import { disposeState } from '../../src/format/snapshot.js';
import { captureState, restoreState } from '../../src/state/training-state.js';
import { storedState } from './fixtures/through-store.js';
import { countTensors } from './fixtures/tensor-count.js';
import { tensorBits } from './fixtures/optimizers.js';
import { makeData, makeNet, modelBits, trainEpochs, type Data } from './fixtures/training.js';

describe.each(['cpu', 'wasm'])('a snapshot on %s', (backend) => {
  const own = countTensors();
  let data: Data;

  beforeAll(async () => {
    setWasmPaths(`${dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))}/`);
    await tf.setBackend(backend);
  });

  afterAll(async () => {
    await tf.setBackend('cpu');
  });

  beforeEach(() => {
    expect(tf.getBackend()).toBe(backend);
    data = makeData();
    for (const tensor of [data.x, data.y, ...data.validationData]) own(tensor);
  });

  test('shares the buffers of weights and slots', async () => {
    const model = own(makeNet(tf.train.adam(0.02)));
    await trainEpochs(model, data, 0, 1);
    const before = tf.memory();

    const state = captureState(model, model.optimizer);

    const { numTensors, numDataBuffers } = tf.memory();
    // Eight weights, six of them trained with two slots each, and two powers of beta.
    expect(numTensors - before.numTensors).toBe(8 + 6 * 2 + 2);
    expect(numDataBuffers).toBe(before.numDataBuffers);
    disposeState(state);
    expect(tf.memory().numTensors).toBe(before.numTensors);
  });

  test('keeps its values while training goes on, and outlives the `tidy` that it was taken in', async () => {
    const model = own(makeNet(tf.train.adam(0.02)));
    await trainEpochs(model, data, 0, 1);
    const before = modelBits(model);
    let state = captureState(model, null);
    disposeState(state);
    tf.tidy(() => {
      state = captureState(model, model.optimizer);
    });
    await trainEpochs(model, data, 1, 3);
    expect(modelBits(model)).not.toEqual(before);

    expect(state.weights.map(({ tensor }) => tensorBits(tensor as tf.Tensor)).sort()).toEqual(
      [...before.weights].sort(),
    );
    await restoreState(state, model, model.optimizer);
    disposeState(state);

    expect(modelBits(model)).toEqual(before);
  });

  test('can be restored again and again, for training never writes into it', async () => {
    const model = own(makeNet(tf.train.rmsprop(0.01, 0.9, 0.5)));
    await trainEpochs(model, data, 0, 1);
    const before = modelBits(model);
    const state = captureState(model, model.optimizer);
    for (let i = 0; i < 3; i++) {
      await trainEpochs(model, data, 1, 3);
      await restoreState(state, model, model.optimizer);
      expect(modelBits(model)).toEqual(before);
    }
    disposeState(state);
    await trainEpochs(model, data, 1, 2);
  });

  test('is copied for the store: its bytes are not the live ones', async () => {
    const model = own(makeNet(tf.train.adam(0.02)));
    await trainEpochs(model, data, 0, 1);
    const before = modelBits(model);

    const { weightData } = await storedState(model);
    weightData.fill(255);

    expect(modelBits(model)).toEqual(before);
  });

  test('restored before any step leaves the optimizer as it was new', async () => {
    const model = own(makeNet(tf.train.adam(0.02)));
    const before = modelBits(model);
    const state = captureState(model, model.optimizer);
    const { numTensors } = tf.memory();
    const expected = await trainEpochs(model, data, 0, 2);

    await restoreState(state, model, model.optimizer);

    expect(modelBits(model)).toEqual(before);
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(await trainEpochs(model, data, 0, 2)).toEqual(expected);
    disposeState(state);
  });
});
