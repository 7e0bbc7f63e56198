import * as tf from '@tensorflow/tfjs';
import type { ContenderName, WorkloadName } from '../names.js';
import { collectGarbage } from './collect-garbage.js';
import { contenderNamed, type Contender } from './contenders.js';
import { oneHotTensor, uniformTensor } from './synthetic-data.js';
import { workloadNamed, type Workload } from './workloads.js';

/** How large the measurements of a workload are. */
export interface FitSize {
  readonly title: string;
  readonly batchSize: number;
  readonly trainRows: number;
  readonly validationRows: number;
  readonly epochs: number;
}

interface Rows {
  readonly x: tf.Tensor;
  readonly y: tf.Tensor;
}

interface Prepared {
  readonly workload: Workload;
  readonly batchSize: number;
  readonly train: Rows;
  readonly validation: Rows;
  /** The variables of a model that is never trained. */
  readonly initialWeights: tf.Tensor[];
}

/** A monitor that compares epochs needs two. */
const EPOCHS = 2;
const PROBE_BATCHES = 2;
/** Of the batch size of a workload, a power of 2. */
const MAX_DIVISION = 4;
const MAX_BATCHES = 240;
/** Batches of training for one of validation. */
const VALIDATION_SHARE = 6;
/** Fewer would make more of validation than that. */
const MIN_BATCHES = VALIDATION_SHARE;
/** Time of a batch of validation over that of one of training, about. */
const VALIDATION_COST = 1 / 3;

let prepared: Prepared | null = null;

/**
 * Makes the data. Slow devices get fewer batches, and smaller ones.
 *
 * @param targetMs how long a bare `fit` is to take; null: as short as can be.
 */
export async function prepareFit(name: WorkloadName, targetMs: number | null): Promise<FitSize> {
  const workload = workloadNamed(name);
  const initialWeights = buildModel(workload, null).getWeights();
  const { batchSize, batches, validationBatches } =
    targetMs === null
      ? { batchSize: workload.batchSize / MAX_DIVISION, batches: 1, validationBatches: 1 }
      : await chooseSize(workload, initialWeights, targetMs);
  const train = makeRows(workload, batches * batchSize);
  const validation = makeRows(workload, validationBatches * batchSize);
  prepared = { workload, batchSize, initialWeights, train, validation };
  const { title } = workload;
  return { title, batchSize, trainRows: rowsOf(train), validationRows: rowsOf(validation), epochs: EPOCHS };
}

async function chooseSize(
  workload: Workload,
  initialWeights: tf.Tensor[],
  targetMs: number,
): Promise<{ batchSize: number; batches: number; validationBatches: number }> {
  const { batchSize, batchMs } = await chooseBatchSize(workload, initialWeights, targetMs);
  const wanted = Math.round(targetMs / (EPOCHS * batchMs * (1 + VALIDATION_COST / VALIDATION_SHARE)));
  const batches = Math.min(MAX_BATCHES, Math.max(MIN_BATCHES, wanted));
  return { batchSize, batches, validationBatches: Math.max(1, Math.round(batches / VALIDATION_SHARE)) };
}

/** That of the workload, or a half or a quarter of it where a `fit` of that would take too long. */
async function chooseBatchSize(
  workload: Workload,
  initialWeights: tf.Tensor[],
  targetMs: number,
): Promise<{ batchSize: number; batchMs: number }> {
  let { batchSize } = workload;
  let batchMs = await probe(workload, initialWeights, batchSize);
  while (batchMs > targetMs / 2 && batchSize > workload.batchSize / MAX_DIVISION) {
    const halfMs = await probe(workload, initialWeights, batchSize / 2);
    // Devices have programs for small shapes that take longer than those for large ones.
    if (halfMs > 0.8 * batchMs) break;
    batchSize /= 2;
    batchMs = halfMs;
  }
  return { batchSize, batchMs };
}

/** Time in ms of a batch of training. */
async function probe(workload: Workload, initialWeights: tf.Tensor[], batchSize: number): Promise<number> {
  const rows = makeRows(workload, PROBE_BATCHES * batchSize);
  prepared = { workload, batchSize, initialWeights, train: rows, validation: rows };
  // The first compiles.
  await measureFit('bare', null);
  const fitMs = Math.min(await measureFit('bare', null), await measureFit('bare', null));
  tf.dispose([rows.x, rows.y]);
  return fitMs / (PROBE_BATCHES * (1 + VALIDATION_COST));
}

/**
 * Time in ms of one `fit`. Each trains a new model from the same weights, in the same order of rows.
 *
 * @param folder what the contender may store in, where it stores.
 */
export async function measureFit(name: ContenderName, folder: string | null): Promise<number> {
  if (prepared === null) throw new Error('Expected `prepareFit` to be called first.');
  const { workload, batchSize, train, validation, initialWeights } = prepared;
  const tensorsBefore = tf.memory().numTensors;
  const contender = contenderNamed(name, { parts: [train.x, validation.x], batchSize, folder });
  const model = buildModel(workload, initialWeights, contender.loss);
  await runBefore(model, train.x, batchSize);

  const timeMs = await timeOf(model, contender, prepared);

  contender.dispose?.();
  model.optimizer.dispose();
  model.dispose();
  const left = tf.memory().numTensors - tensorsBefore;
  if (left !== 0) throw new Error(`Expected '${name}' to leave no tensor behind, got ${left}.`);
  return timeMs;
}

async function timeOf(
  model: tf.LayersModel,
  contender: Contender,
  { batchSize, train, validation }: Prepared,
): Promise<number> {
  const callback = contender.callbackFor?.(model);
  const startMs = performance.now();
  await model.fit(train.x, train.y, {
    epochs: EPOCHS,
    batchSize,
    shuffle: false,
    validationData: [validation.x, validation.y],
    verbose: 0,
    ...(callback === undefined ? {} : { callbacks: callback }),
  });
  await contender.finish?.();
  return performance.now() - startMs;
}

/** What is to be over when the clock starts: uploads, the device's work of before, garbage. */
async function runBefore(model: tf.LayersModel, x: tf.Tensor, batchSize: number): Promise<void> {
  const predictions = tf.tidy(() => tf.concat([model.predictOnBatch(tf.slice(x, 0, batchSize))].flat()));
  await predictions.data();
  predictions.dispose();
  collectGarbage();
}

function buildModel(
  workload: Workload,
  weights: tf.Tensor[] | null,
  loss?: Contender['loss'],
): tf.Sequential {
  const model = tf.sequential({
    layers: workload.layers((seed) =>
      weights === null ? tf.initializers.glorotUniform({ seed }) : tf.initializers.zeros(),
    ),
  });
  model.compile({
    optimizer: tf.train.adam(),
    loss: loss ?? 'categoricalCrossentropy',
    metrics: ['accuracy'],
  });
  if (weights !== null) model.setWeights(weights);
  return model;
}

function makeRows({ inputShape, outputShape }: Workload, rows: number): Rows {
  return {
    x: uniformTensor([rows, ...inputShape], `${rows} rows`),
    y: oneHotTensor([rows, ...outputShape]),
  };
}

function rowsOf({ x }: Rows): number {
  return x.shape[0];
}
