import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint } from 'tfjs-entropy-checkpoint';
import { disposeState } from '../../../src/format/snapshot.js';
import { captureState, modelTopology, takeSnapshot } from '../../../src/state/training-state.js';
import type { PauseWay } from '../../saving/names.js';
import { collectGarbage } from '../collect-garbage.js';
import { uniformTensor } from '../synthetic-data.js';
import { denseStack, fillDistinctly, sizeBytesOf } from './distinct-weights.js';

export interface PauseSize {
  readonly weights: number;
  readonly sizeBytes: number;
}

export interface PauseSample {
  /** Longest time in which the event loop did not come round. */
  readonly longestMs: number;
  readonly batches: number;
  /** From `saveCheckpoint` to the end of `flush`; null without. */
  readonly saveMs: number | null;
}

export interface SnapshotSample {
  /** Sharing all buffers. */
  readonly captureMs: number;
  /** That, and the description of the model. */
  readonly snapshotMs: number;
}

interface Prepared {
  readonly model: tf.Sequential;
  readonly optimizer: tf.Optimizer;
  readonly input: tf.Tensor;
  readonly checkpoint: EntropyCheckpoint;
}

/** Of a weight of 100 kB. */
const UNITS = 158;
/** Trained by one batch, so that training itself makes no long pause. */
const BLOCK_LAYERS = 10;
const BATCH_SIZE = 4;

let prepared: Prepared | null = null;

/**
 * A network of as many small weights as are asked for, one a layer.
 *
 * @param folder to be saved in.
 */
export function preparePause(weights: number, folder: string): PauseSize {
  const model = denseStack(weights, UNITS);
  fillDistinctly(model);
  const optimizer = tf.train.sgd(0.01);
  const checkpoint = new EntropyCheckpoint(model, optimizer, {
    filepath: folder,
    monitor: 'val_acc',
    mode: 'max',
  });
  prepared = { model, optimizer, input: uniformTensor([BATCH_SIZE, UNITS], 'pause'), checkpoint };
  return { weights, sizeBytes: sizeBytesOf(model) };
}

/**
 * Trains for a time, one block of layers after the other, and finds the longest pause of the event loop.
 *
 * @param way `'saving'`: an epoch ends at the beginning, and training goes on until it is stored.
 */
export async function measurePause(way: PauseWay, forMs: number): Promise<PauseSample> {
  collectGarbage();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  // The first tick is where it begins to count.
  await wait(5);
  const startMs = performance.now();
  const save = { isOver: way === 'bare', timeMs: null as number | null };
  const saving =
    way === 'bare'
      ? null
      : saveEpoch().then(() => {
          save.isOver = true;
          save.timeMs = performance.now() - startMs;
        });
  let batches = 0;
  for (; !save.isOver || performance.now() - startMs < forMs; batches++) {
    trainBlock(batches);
    await tf.nextFrame();
  }
  await saving;
  // A pause counts with the tick after it.
  await wait(5);
  delay.disable();
  return { longestMs: delay.max / 1e6, batches, saveMs: save.timeMs };
}

/** Times of what is done at the end of an epoch, before training goes on. */
export function measureSnapshot(): SnapshotSample {
  const { model, optimizer } = requirePrepared();
  const startMs = performance.now();
  const state = captureState(model, optimizer);
  const captureMs = performance.now() - startMs;
  disposeState(state);
  const againMs = performance.now();
  const snapshot = takeSnapshot(model, optimizer, null, modelTopology(model));
  const snapshotMs = performance.now() - againMs;
  disposeState(snapshot.state);
  return { captureMs, snapshotMs };
}

/** Each epoch is the best. */
async function saveEpoch(): Promise<void> {
  const { checkpoint } = requirePrepared();
  const epoch = checkpoint.history.length;
  await checkpoint.saveCheckpoint(epoch, { val_acc: epoch });
  await checkpoint.flush();
}

function trainBlock(batch: number): void {
  const { model, optimizer, input } = requirePrepared();
  const first = (batch * BLOCK_LAYERS) % model.layers.length;
  const layers = model.layers.slice(first, first + BLOCK_LAYERS);
  const variables = layers.flatMap((layer) => layer.weights.map((weight) => weight.read() as tf.Variable));
  optimizer.minimize(
    () =>
      layers
        .reduce((x, layer) => layer.apply(x) as tf.Tensor, input)
        .square()
        .mean(),
    false,
    variables,
  );
}

function requirePrepared(): Prepared {
  if (prepared === null) throw new Error('Expected `preparePause` to be called first.');
  return prepared;
}
