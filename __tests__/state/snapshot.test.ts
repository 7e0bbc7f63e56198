import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { dirname } from 'node:path';
import { createRequire } from 'node:module';
import { disposeState } from '../../src/format/snapshot.js';
import { captureState, restoreState } from '../../src/state/training-state.js';
import { encodeState } from './fixtures/round-trip.js';
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

  it('shares the buffers of weights and optimizer slots', async () => {
    const model = own(makeNet(tf.train.adam(0.02)));
    await trainEpochs(model, data, 0, 1);
    const before = tf.memory();

    const state = captureState(model, model.optimizer);

    const { numTensors, numDataBuffers } = tf.memory();
    // Eight weights; six of them are trained, with two optimizer slots each; and two powers of beta.
    expect(numTensors - before.numTensors).toBe(8 + 6 * 2 + 2);
    expect(numDataBuffers).toBe(before.numDataBuffers);
    disposeState(state);
    expect(tf.memory().numTensors).toBe(before.numTensors);
  });

  it('keeps its values while training continues, and outlives the `tidy` in which it was captured', async () => {
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

  it('can be restored repeatedly, because training never writes into it', async () => {
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

  it('is copied for the store: its bytes are not those of the model', async () => {
    const model = own(makeNet(tf.train.adam(0.02)));
    await trainEpochs(model, data, 0, 1);
    const before = modelBits(model);

    const { weightData } = await encodeState(model);
    weightData.fill(255);

    expect(modelBits(model)).toEqual(before);
  });

  test('from before the first step restores a new optimizer', async () => {
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
