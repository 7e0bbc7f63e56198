import * as tf from '@tensorflow/tfjs';
import type { SaveContenderName } from '../../saving/names.js';
import { collectGarbage } from '../collect-garbage.js';
import { oneHotTensor, uniformTensor } from '../synthetic-data.js';
import { saveContenderNamed } from './save-contenders.js';
import { timeOptimizerSteps } from './time-optimizer-steps.js';

export interface SaveFitSize {
  readonly title: string;
  readonly batchSize: number;
  readonly batches: number;
  readonly epochs: number;
  /** The size of weights and optimizer slots, after the first batch. */
  readonly savedBytes: number;
}

export interface SaveFitSample {
  readonly timeMs: number;
  /** The part of it outside the optimizer's steps: in callbacks, in saving, and in waiting for saves. */
  readonly outsideMs: number;
  /** How many epochs reached the disk; null if the contender does not save. */
  readonly committed: number | null;
}

interface Prepared {
  readonly x: tf.Tensor;
  readonly y: tf.Tensor;
  readonly size: SaveFitSize;
}

const UNITS = [784, 512, 512, 10] as const;
const TITLE = UNITS.join('-');
const BATCH_SIZE = 32;
const MIN_BATCHES = 3;
const MAX_BATCHES = 60;
/** How many batches the probe trains. */
const PROBE_BATCHES = 4;
/** A weight and its two optimizer slots of Adam. */
const COPIES = 3;

let prepared: Prepared | null = null;

/**
 * Creates the data. Slow backends get fewer batches.
 *
 * @param epochMs how long an epoch of a bare `fit` should take; null: as short as possible.
 */
export async function prepareSaveFit(epochMs: number | null, epochs: number): Promise<SaveFitSize> {
  const [batches, batchSize] = epochMs === null ? [1, 4] : [await batchesIn(epochMs), BATCH_SIZE];
  prepared = createRows(batches, batchSize, epochs);
  return prepared.size;
}

async function batchesIn(epochMs: number): Promise<number> {
  prepared = createRows(PROBE_BATCHES, BATCH_SIZE, 1);
  const { x, y } = prepared;
  const probe = async (): Promise<number> => (await measureSaveFit('bare', '', 1)).timeMs / PROBE_BATCHES;
  // The first run compiles.
  await probe();
  const batchMs = Math.min(await probe(), await probe());
  tf.dispose([x, y]);
  return Math.min(MAX_BATCHES, Math.max(MIN_BATCHES, Math.round(epochMs / batchMs)));
}

function createRows(batches: number, batchSize: number, epochs: number): Prepared {
  const rows = batches * batchSize;
  const model = buildModel();
  const savedBytes = COPIES * Float32Array.BYTES_PER_ELEMENT * model.countParams();
  model.dispose();
  return {
    x: uniformTensor([rows, UNITS[0]], `${rows} rows`),
    y: oneHotTensor([rows, UNITS[3]]),
    size: { title: TITLE, batchSize, batches, epochs, savedBytes },
  };
}

/**
 * Runs one `fit` until everything is saved. Each trains a new model from the same weights, with the rows in the same
 * order.
 */
export async function measureSaveFit(
  name: SaveContenderName,
  folder: string,
  epochs: number,
): Promise<SaveFitSample> {
  if (prepared === null) throw new Error('Expected `prepareSaveFit` to be called first.');
  const { x, y, size } = prepared;
  const tensorsBefore = tf.memory().numTensors;
  const model = buildModel();
  const contender = saveContenderNamed(name, model, folder);
  collectGarbage();

  const startMs = performance.now();
  // With the callback, `fit` ends once everything is stored.
  const stepsMs = await timeOptimizerSteps(() =>
    model.fit(x, y, {
      epochs,
      batchSize: size.batchSize,
      shuffle: false,
      verbose: 0,
      ...(contender.callbacks === undefined ? {} : { callbacks: contender.callbacks }),
    }),
  );
  const timeMs = performance.now() - startMs;

  contender.dispose?.();
  model.optimizer.dispose();
  model.dispose();
  const leakedTensors = tf.memory().numTensors - tensorsBefore - (contender.leakedTensors?.() ?? 0);
  if (leakedTensors !== 0)
    throw new Error(`Expected '${name}' to leave no tensor behind, got ${leakedTensors}.`);
  return { timeMs, outsideMs: timeMs - stepsMs, committed: contender.committed?.() ?? null };
}

function buildModel(): tf.Sequential {
  const [inputs, ...units] = UNITS;
  const model = tf.sequential({
    layers: units.map((count, i) =>
      tf.layers.dense({
        ...(i === 0 ? { inputShape: [inputs] } : {}),
        units: count,
        activation: i === units.length - 1 ? 'softmax' : 'relu',
        kernelInitializer: tf.initializers.glorotUniform({ seed: i }),
      }),
    ),
  });
  model.compile({ optimizer: tf.train.adam(), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  return model;
}
