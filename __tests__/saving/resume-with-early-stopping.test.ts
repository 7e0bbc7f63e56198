import { describe, expect, it } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, MemoryStore, type EntropyCheckpointOptions } from '../../src/index.js';
import { FIT } from '../support/confidences.js';
import { disposeModel, expectNoTensorsLeft, makeData, makeModel } from '../support/fixtures.js';

const EPOCHS = 12;

/** By which the second of two runs stops, given the checkpoint that has been resumed. */
type Stopping = (checkpoint: EntropyCheckpointCallback) => tf.EarlyStopping | null;

interface Run {
  readonly store: MemoryStore;
  readonly stopping: Stopping;
  readonly options?: EntropyCheckpointOptions;
  /** The epoch in which the run is interrupted. */
  readonly killedIn?: number;
}

/**
 * Runs a program that trains with a learning rate of 0, so that no epoch is better than the first.
 *
 * @returns the epochs of the whole training so far.
 */
async function runProgram({ store, stopping, options = {}, killedIn = Infinity }: Run): Promise<number[]> {
  let epochs: number[] = [];
  await expectNoTensorsLeft(async () => {
    const model = makeModel(tf.train.sgd(0));
    const { x, y } = makeData(24);
    const settings = { filepath: store, monitor: 'val_loss', saveLast: true, ...options };
    const checkpoint = new EntropyCheckpointCallback(settings);
    const { initialEpoch } = await checkpoint.resume(model);
    const killer = {
      onEpochBegin: (epoch: number) => {
        if (epoch === killedIn) throw new Error('killed');
      },
      // Where `fit` throws, TensorFlow.js leaves the scalars of `History`, unless a function has asked for the numbers.
      onEpochEnd: () => undefined,
    };
    const early = stopping(checkpoint);
    const callbacks = checkpoint.with(early === null ? killer : [early, killer]);
    await model.fit(x, y, { ...FIT, epochs: EPOCHS, initialEpoch, callbacks }).catch((error: unknown) => {
      if ((error as Error).message !== 'killed') throw error;
    });
    await checkpoint.flush();
    epochs = checkpoint.history.map(({ epoch }) => epoch);
    checkpoint.dispose();
    tf.dispose([x, y]);
    disposeModel(model);
  });
  return epochs;
}

const anew: Stopping = () => tf.callbacks.earlyStopping({ monitor: 'val_loss', patience: 2 });

const withBaseline: Stopping = ({ history }) => {
  const baseline = Math.min(...history.map(({ logs }) => logs['val_loss']!));
  return tf.callbacks.earlyStopping({ monitor: 'val_loss', patience: 2, baseline });
};

describe("TensorFlow.js's early stopping after `resume`", () => {
  it('has forgotten its best value and its counter', async () => {
    const store = new MemoryStore();
    expect(await runProgram({ store: new MemoryStore(), stopping: anew })).toEqual([0, 1, 2]);
    expect(await runProgram({ store, stopping: anew, killedIn: 2 })).toEqual([0, 1]);
    // Epoch 2 is its new best, and epochs 3 and 4 are no better.
    expect(await runProgram({ store, stopping: anew })).toEqual([0, 1, 2, 3, 4]);
  });

  it('has forgotten that it had ended the training', async () => {
    const store = new MemoryStore();
    expect(await runProgram({ store, stopping: anew })).toEqual([0, 1, 2]);
    expect(await runProgram({ store, stopping: anew })).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('has forgotten only its counter, with the best value as `baseline`', async () => {
    const store = new MemoryStore();
    expect(await runProgram({ store, stopping: withBaseline, killedIn: 2 })).toEqual([0, 1]);
    expect(await runProgram({ store, stopping: withBaseline })).toEqual([0, 1, 2, 3]);
  });
});

describe('`patience` and `stopTraining` after `resume`', () => {
  const own = { stopping: () => null, options: { patience: 2, stopTraining: true } };

  it('have forgotten nothing where the training was killed', async () => {
    const store = new MemoryStore();
    expect(await runProgram({ store, ...own, killedIn: 2 })).toEqual([0, 1]);
    expect(await runProgram({ store, ...own })).toEqual([0, 1, 2]);
  });

  it('have forgotten nothing where the training had ended', async () => {
    const store = new MemoryStore();
    expect(await runProgram({ store, ...own })).toEqual([0, 1, 2]);
    expect(await runProgram({ store, ...own })).toEqual([0, 1, 2]);
  });
});
