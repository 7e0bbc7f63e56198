import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint } from 'tfjs-entropy-checkpoint';
import { disposeState } from '../../../src/format/snapshot.js';
import { captureState, modelTopology, takeSnapshot } from '../../../src/state/training-state.js';
import type { PauseMode } from '../../saving/names.js';
import { collectGarbage } from '../collect-garbage.js';
import { uniformTensor } from '../synthetic-data.js';
import { denseStack, fillDistinctly, sizeBytesOf } from './distinct-weights.js';

export interface PauseSize {
  readonly weights: number;
  readonly sizeBytes: number;
}

export interface PauseSample {
  /** The longest time during which the event loop was blocked. */
  readonly longestMs: number;
  readonly batches: number;
  /** The time from `saveCheckpoint` to the end of `flush`; null without a save. */
  readonly saveMs: number | null;
}

export interface SnapshotSample {
  /** The time to share all buffers. */
  readonly captureMs: number;
  /** The same, with the description of the model. */
  readonly snapshotMs: number;
}

interface Prepared {
  readonly model: tf.Sequential;
  readonly optimizer: tf.Optimizer;
  readonly input: tf.Tensor;
  readonly checkpoint: EntropyCheckpoint;
}

/** A weight `[UNITS, UNITS]` takes 100 kB. */
const UNITS = 158;
/** How many layers one batch trains, so that training itself causes no long pause. */
const BLOCK_LAYERS = 10;
const BATCH_SIZE = 4;

let prepared: Prepared | null = null;

/**
 * Creates a network with `weights` small weights, one in each layer.
 *
 * @param folder where it's saved.
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
 * Trains for a while, one block of layers after another, and measures the longest pause of the event loop.
 *
 * @param mode `'saving'`: an epoch ends at the beginning, and training continues until it's stored.
 * @param forMs how long to train at least.
 */
export async function measurePause(mode: PauseMode, forMs: number): Promise<PauseSample> {
  collectGarbage();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  // It counts from its first tick.
  await wait(5);
  const startMs = performance.now();
  const save = { isOver: mode === 'bare', timeMs: null as number | null };
  const saving =
    mode === 'bare'
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
  // A pause is counted at the next tick.
  await wait(5);
  delay.disable();
  return { longestMs: delay.max / 1e6, batches, saveMs: save.timeMs };
}

/** Measures the synchronous work at the end of an epoch. */
export function measureSnapshot(): SnapshotSample {
  const { model, optimizer } = requirePrepared();
  const startMs = performance.now();
  const state = captureState(model, optimizer);
  const captureMs = performance.now() - startMs;
  disposeState(state);
  const snapshotStartMs = performance.now();
  const snapshot = takeSnapshot(model, optimizer, null, modelTopology(model));
  const snapshotMs = performance.now() - snapshotStartMs;
  disposeState(snapshot.state);
  return { captureMs, snapshotMs };
}

/** Saves an epoch that is the best so far. */
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
