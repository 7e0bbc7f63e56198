import * as tf from '@tensorflow/tfjs';
import { assert } from 'chai';
import { EntropyCheckpointCallback, loadCheckpoint } from 'tfjs-entropy-checkpoint';
import { disposeTrained } from '../support/dispose-trained.js';
import { makeData, makeNet, trainEpochs } from '../state/fixtures/training.js';

/** The result of training or restoring, as JSON. */
export interface TrainingOutcome {
  /** The values of every weight and optimizer slot, and the optimizer's number of steps. */
  readonly state: number[][];
  readonly predictions: number[];
  /** The values of every weight after one more epoch. */
  readonly next: number[][];
}

/** A stored checkpoint, with its bytes as text. */
export interface StoredTraining {
  readonly artifacts: Omit<tf.io.ModelArtifacts, 'weightData'>;
  readonly weights: string;
  readonly outcome: TrainingOutcome;
}

const KEPT_EPOCH = 1;
const EPOCHS = 4;

/** Trains, stores the second epoch and restores it. */
export function trainAndStore(): Promise<StoredTraining> {
  return withoutLeak(trainAndKeep);
}

async function trainAndKeep(): Promise<StoredTraining> {
  const stored: tf.io.ModelArtifacts[] = [];
  const handler = tf.io.withSaveHandler((artifacts) => {
    stored.push(artifacts);
    return Promise.resolve({ modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) });
  });
  const checkpoint = new EntropyCheckpointCallback({
    filepath: handler,
    monitor: 'loss',
    startFromEpoch: KEPT_EPOCH,
    // Selects the first possible epoch, as no other improves on it by so much.
    minDelta: 1e9,
    restoreBestWeights: true,
  });
  const model = makeNet(tf.train.adam(0.05));
  const data = makeData();
  await trainEpochs(model, data, 0, EPOCHS, [checkpoint]);
  checkpoint.dispose();
  const outcome = await observe(model, data);
  const [{ weightData, ...artifacts }] = stored as [tf.io.ModelArtifacts];
  return { artifacts, weights: toText(weightData as ArrayBuffer), outcome };
}

/** Restores what another process or page has stored, perhaps on another backend, into a new model. */
export function restore(stored: StoredTraining): Promise<TrainingOutcome> {
  return withoutLeak(() => restoreIntoNewModel(stored));
}

async function restoreIntoNewModel({ artifacts, weights }: StoredTraining): Promise<TrainingOutcome> {
  const model = makeNet(tf.train.adam(0.05), 99);
  const handler = tf.io.fromMemory({ ...artifacts, weightData: toBytes(weights) });
  const { record } = await loadCheckpoint(handler, { model });
  assert.equal(record.epoch, KEPT_EPOCH);
  return observe(model, makeData());
}

async function observe(model: tf.LayersModel, data: ReturnType<typeof makeData>): Promise<TrainingOutcome> {
  const slots = await model.optimizer.getWeights();
  const state = await valuesOf([...model.getWeights(), ...slots.map(({ tensor }) => tensor)]);
  // `getWeights` has made a tensor for the number of steps.
  tf.dispose(slots.map(({ tensor }) => tensor).filter((tensor) => !(tensor instanceof tf.Variable)));
  const predicted = model.predict(data.x) as tf.Tensor;
  const [predictions] = await valuesOf([predicted]);
  predicted.dispose();
  await trainEpochs(model, data, KEPT_EPOCH + 1, KEPT_EPOCH + 2);
  const next = await valuesOf(model.getWeights());
  disposeTrained(model);
  tf.dispose([data.x, data.y, ...data.validationData]);
  return { state, predictions: predictions!, next };
}

async function withoutLeak<T>(action: () => Promise<T>): Promise<T> {
  const before = tf.memory().numTensors;
  const result = await action();
  assert.equal(tf.memory().numTensors, before, 'leaked tensors');
  return result;
}

const valuesOf = (tensors: tf.Tensor[]): Promise<number[][]> =>
  Promise.all(tensors.map(async (tensor) => Array.from(await tensor.data())));

function toText(bytes: ArrayBuffer): string {
  return btoa(Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join(''));
}

function toBytes(text: string): ArrayBuffer {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer;
}
