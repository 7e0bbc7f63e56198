import { monitorEventLoopDelay } from 'node:perf_hooks';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint } from 'tfjs-entropy-checkpoint';
import { collectGarbage } from '../collect-garbage.js';
import { denseStack, fillDistinctly, sizeBytesOf } from './distinct-weights.js';

export interface LongTrainingSample {
  /** The time from `saveCheckpoint` to the end of `flush`, mean of all saves. */
  readonly saveMs: number;
  /** The longest time during which the event loop was blocked. */
  readonly longestMs: number;
}

export interface LongTrainingSize {
  readonly modelBytes: number;
}

const LAYERS = 2;
const UNITS = 64;

/** The trainings that were prepared, by name. */
const trainings = new Map<string, EntropyCheckpoint>();
let numFolders = 0;

/**
 * Records a training of `numEpochs` epochs in a new folder. The first epoch and the last 200 are stored, so that
 * `maxToKeep` epochs are there. A training of this name that was prepared before ends.
 */
export async function prepareLongTraining(
  name: string,
  numEpochs: number,
  maxToKeep: number,
  parent: string,
): Promise<LongTrainingSize> {
  trainings.get(name)?.dispose();
  const model = denseStack(LAYERS, UNITS);
  fillDistinctly(model);
  const checkpoint = new EntropyCheckpoint(model, tf.train.adam(), {
    filepath: join(parent, `training-${numFolders++}`),
    monitor: 'val_acc',
    mode: 'max',
    maxToKeep,
  });
  trainings.set(name, checkpoint);
  for (let epoch = 0; epoch < numEpochs; epoch++) {
    const isStored = epoch === 0 || epoch >= numEpochs - 200;
    await endEpoch(checkpoint, isStored ? epoch : -1);
    if (isStored) await checkpoint.flush();
  }
  return { modelBytes: sizeBytesOf(model) };
}

/** Ends `count` epochs, each the best so far, and waits until each is stored. */
export async function measureLongTraining(name: string, count: number): Promise<LongTrainingSample> {
  const checkpoint = trainings.get(name);
  if (checkpoint === undefined) throw new Error('Expected `prepareLongTraining` to be called first.');
  collectGarbage();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  // It counts from its first tick.
  await wait(5);
  const startMs = performance.now();
  for (let i = 0; i < count; i++) {
    await endEpoch(checkpoint, checkpoint.history.length);
    await checkpoint.flush();
  }
  const saveMs = (performance.now() - startMs) / count;
  // A pause is counted at the next tick.
  await wait(5);
  delay.disable();
  return { saveMs, longestMs: delay.max / 1e6 };
}

async function endEpoch(checkpoint: EntropyCheckpoint, value: number): Promise<void> {
  const epoch = checkpoint.history.length;
  const [loss, acc] = [1 / (epoch + 1), epoch / (epoch + 7)];
  await checkpoint.saveCheckpoint(epoch, { loss, acc, val_loss: 2 * loss, val_acc: value });
}
