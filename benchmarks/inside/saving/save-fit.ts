import * as tf from '@tensorflow/tfjs';
import type { SaveContenderName } from '../../saving/names.js';
import { collectGarbage } from '../collect-garbage.js';
import { oneHotTensor, uniformTensor } from '../synthetic-data.js';
import { saveContenderNamed } from './save-contenders.js';
import { stepsTimed } from './steps-timed.js';

export interface SaveFitSize {
  readonly title: string;
  readonly batchSize: number;
  readonly batches: number;
  readonly epochs: number;
  /** Of weights and slots, after the first batch. */
  readonly savedBytes: number;
}

export interface SaveFitSample {
  readonly timeMs: number;
  /** Of it, what was spent outside the steps of the optimizer: in callbacks, in saving, and in waiting for it. */
  readonly outsideMs: number;
  /** Epochs that have reached the disk; null where none is to. */
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
/** Of the probe. */
const PROBE_BATCHES = 4;
/** A weight and its two slots of adam. */
const COPIES = 3;

let prepared: Prepared | null = null;

/**
 * Makes the data. Slow backends get fewer batches.
 *
 * @param epochMs how long an epoch of a bare `fit` is to take; null: as short as can be.
 */
export async function prepareSaveFit(epochMs: number | null, epochs: number): Promise<SaveFitSize> {
  const [batches, batchSize] = epochMs === null ? [1, 4] : [await batchesIn(epochMs), BATCH_SIZE];
  prepared = makeRows(batches, batchSize, epochs);
  return prepared.size;
}

async function batchesIn(epochMs: number): Promise<number> {
  prepared = makeRows(PROBE_BATCHES, BATCH_SIZE, 1);
  const { x, y } = prepared;
  const probe = async (): Promise<number> => (await measureSaveFit('bare', '')).timeMs / PROBE_BATCHES;
  // The first compiles.
  await probe();
  const batchMs = Math.min(await probe(), await probe());
  tf.dispose([x, y]);
  return Math.min(MAX_BATCHES, Math.max(MIN_BATCHES, Math.round(epochMs / batchMs)));
}

function makeRows(batches: number, batchSize: number, epochs: number): Prepared {
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

/** One `fit` of a new model, from the same weights and in the same order of rows, until all is saved. */
export async function measureSaveFit(name: SaveContenderName, folder: string): Promise<SaveFitSample> {
  if (prepared === null) throw new Error('Expected `prepareSaveFit` to be called first.');
  const { x, y, size } = prepared;
  const tensorsBefore = tf.memory().numTensors;
  const model = buildModel();
  const contender = saveContenderNamed(name, model, folder);
  collectGarbage();

  const startMs = performance.now();
  // With the callback, it waits at its end for all to be stored.
  const stepsMs = await stepsTimed(() =>
    model.fit(x, y, {
      epochs: size.epochs,
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
  const left = tf.memory().numTensors - tensorsBefore - (contender.left?.() ?? 0);
  if (left !== 0) throw new Error(`Expected '${name}' to leave no tensor behind, got ${left}.`);
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
