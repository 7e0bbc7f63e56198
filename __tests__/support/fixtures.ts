import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';

export const NUM_FEATURES = 6;
export const NUM_CLASSES = 4;

/** Random features and one-hot labels. The same seed makes the same data. The caller disposes them. */
export function makeData(rows: number, seed = 1): { x: tf.Tensor2D; y: tf.Tensor2D } {
  if (seed === 0) throw new RangeError('TensorFlow.js takes 0 for no seed.');
  return tf.tidy(() => ({
    x: tf.randomNormal<tf.Rank.R2>([rows, NUM_FEATURES], 0, 1, 'float32', seed),
    y: tf.oneHot(
      tf.cast(tf.floor(tf.randomUniform([rows], 0, NUM_CLASSES, 'float32', seed + 1)), 'int32'),
      NUM_CLASSES,
    ) as tf.Tensor2D,
  }));
}

export function seededDense(units: number, seed: number, config: object = {}): tf.layers.Layer {
  return tf.layers.dense({ units, kernelInitializer: tf.initializers.glorotUniform({ seed }), ...config });
}

/** A compiled 6-5-4 softmax network. The same seed makes the same weights. */
export function makeModel(
  optimizer: tf.Optimizer | string = 'sgd',
  { metrics = ['accuracy'], seed = 3 }: { metrics?: string[]; seed?: number } = {},
): tf.Sequential {
  const model = tf.sequential({
    layers: [
      seededDense(5, seed, { inputShape: [NUM_FEATURES], activation: 'tanh' }),
      seededDense(NUM_CLASSES, seed + 1, { activation: 'softmax' }),
    ],
  });
  model.compile({ optimizer, loss: 'categoricalCrossentropy', metrics });
  return model;
}

/** The functional model inside a Sequential, which is what `fit` passes to callbacks. */
export function innerModel(model: tf.Sequential): tf.LayersModel {
  return (model as unknown as { model: tf.LayersModel }).model;
}

/** The values of every weight. */
export function weightValues(model: tf.LayersModel): number[][] {
  return model.weights.map((weight) => Array.from(weight.read().dataSync()));
}

/** Makes a temporary folder for each test. @returns a function that returns the current folder's path. */
export function useTempFolder(): () => string {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'entropy-checkpoint-test-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return () => folder;
}

/** Runs `body` and expects as many tensors and data buffers after it as before. */
export async function expectNoTensorsLeft(body: () => Promise<void> | void): Promise<void> {
  const { numTensors, numDataBuffers } = tf.memory();
  await body();
  expect({ tensors: tf.memory().numTensors, buffers: tf.memory().numDataBuffers }).toEqual({
    tensors: numTensors,
    buffers: numDataBuffers,
  });
}

/** Frees a model and its optimizer. */
export function disposeModel(model: tf.LayersModel): void {
  const { optimizer } = model;
  model.dispose();
  const state = optimizer as tf.Optimizer & { c?: tf.Tensor };
  if (state.c?.isDisposed !== true) optimizer.dispose();
}
