import * as tf from '@tensorflow/tfjs';
import type { ContenderName, WorkloadName } from '../names.js';
import { collectGarbage } from './collect-garbage.js';
import { contenderNamed, type Contender } from './contenders.js';
import { oneHotTensor, uniformTensor } from './synthetic-data.js';
import { workloadNamed, type Workload } from './workloads.js';

/** The size of a workload's measurements. */
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
  /** The weights of a model that is never trained. */
  readonly initialWeights: tf.Tensor[];
}

/** A monitor that compares epochs needs two of them. */
const EPOCHS = 2;
const PROBE_BATCHES = 2;
/** Slow devices get the batch size of the workload divided by up to this, a power of 2. */
const MAX_DIVISION = 4;
const MAX_BATCHES = 240;
/** The number of training batches for each validation batch. */
const VALIDATION_SHARE = 6;
/** With fewer batches, the share of validation would be larger. */
const MIN_BATCHES = VALIDATION_SHARE;
/** The time of a validation batch over that of a training batch, roughly. */
const VALIDATION_COST = 1 / 3;

let prepared: Prepared | null = null;

/**
 * Creates the data. Slow devices get fewer batches, and smaller ones.
 *
 * @param targetMs how long a bare `fit` should take; null: as short as possible.
 */
export async function prepareFit(name: WorkloadName, targetMs: number | null): Promise<FitSize> {
  const workload = workloadNamed(name);
  const initialWeights = buildModel(workload, null).getWeights();
  const { batchSize, batches, validationBatches } =
    targetMs === null
      ? { batchSize: workload.batchSize / MAX_DIVISION, batches: 1, validationBatches: 1 }
      : await pickSize(workload, initialWeights, targetMs);
  const train = createRows(workload, batches * batchSize);
  const validation = createRows(workload, validationBatches * batchSize);
  prepared = { workload, batchSize, initialWeights, train, validation };
  const { title } = workload;
  return { title, batchSize, trainRows: rowsOf(train), validationRows: rowsOf(validation), epochs: EPOCHS };
}

async function pickSize(
  workload: Workload,
  initialWeights: tf.Tensor[],
  targetMs: number,
): Promise<{ batchSize: number; batches: number; validationBatches: number }> {
  const { batchSize, batchMs } = await pickBatchSize(workload, initialWeights, targetMs);
  const probed = sizeOf(targetMs / (EPOCHS * batchMs * (1 + VALIDATION_COST / VALIDATION_SHARE)));
  // A batch of a probe takes longer, as the probe has few: this one knows better.
  const fitMs = await probe(workload, initialWeights, { batchSize, ...probed });
  return { batchSize, ...sizeOf((probed.batches * targetMs) / fitMs) };
}

/** @param batches how many training batches an epoch should have. */
function sizeOf(batches: number): { batches: number; validationBatches: number } {
  const within = Math.min(MAX_BATCHES, Math.max(MIN_BATCHES, Math.round(batches)));
  return { batches: within, validationBatches: Math.max(1, Math.round(within / VALIDATION_SHARE)) };
}

/** The batch size of the workload, or a half or a quarter of it if `fit` would take too long. */
async function pickBatchSize(
  workload: Workload,
  initialWeights: tf.Tensor[],
  targetMs: number,
): Promise<{ batchSize: number; batchMs: number }> {
  let { batchSize } = workload;
  let batchMs = await probeBatch(workload, initialWeights, batchSize);
  while (batchMs > targetMs / 4 && batchSize > workload.batchSize / MAX_DIVISION) {
    const halfMs = await probeBatch(workload, initialWeights, batchSize / 2);
    // Some devices take longer for a small shape than for a large one.
    if (halfMs > 0.8 * batchMs) break;
    batchSize /= 2;
    batchMs = halfMs;
  }
  return { batchSize, batchMs };
}

/** The time of a training batch in ms. */
async function probeBatch(
  workload: Workload,
  initialWeights: tf.Tensor[],
  batchSize: number,
): Promise<number> {
  const size = { batchSize, batches: PROBE_BATCHES, validationBatches: PROBE_BATCHES };
  const fitMs = await probe(workload, initialWeights, size);
  return fitMs / (EPOCHS * PROBE_BATCHES * (1 + VALIDATION_COST));
}

/** The time of a bare `fit` in ms. */
async function probe(
  workload: Workload,
  initialWeights: tf.Tensor[],
  size: { readonly batchSize: number; readonly batches: number; readonly validationBatches: number },
): Promise<number> {
  const { batchSize, batches, validationBatches } = size;
  const train = createRows(workload, batches * batchSize);
  const validation = createRows(workload, validationBatches * batchSize);
  prepared = { workload, batchSize, initialWeights, train, validation };
  // The first run compiles.
  await measureFit('bare', null);
  const fitMs = Math.min(await measureFit('bare', null), await measureFit('bare', null));
  tf.dispose([train.x, train.y, validation.x, validation.y]);
  return fitMs;
}

/**
 * The time of one `fit` in ms. Each trains a new model from the same weights, with the rows in the same order.
 *
 * @param folder where the contender stores, if it does.
 */
export async function measureFit(name: ContenderName, folder: string | null): Promise<number> {
  return runFit(name, folder, async (fit) => {
    const startMs = performance.now();
    await fit();
    return performance.now() - startMs;
  });
}

/** Runs one `fit`. @param measure calls `fit`, and measures it. */
export async function runFit<Measurement>(
  name: ContenderName,
  folder: string | null,
  measure: (fit: () => Promise<void>) => Promise<Measurement>,
): Promise<Measurement> {
  if (prepared === null) throw new Error('Expected `prepareFit` to be called first.');
  const { workload, batchSize, train, validation, initialWeights } = prepared;
  const tensorsBefore = tf.memory().numTensors;
  const contender = contenderNamed(name, { parts: [train.x, validation.x], batchSize, folder });
  const model = buildModel(workload, initialWeights, contender.loss);
  await settleDevice(model, train.x, batchSize);
  const callback = contender.callbackFor?.(model);

  const measurement = await measure(async () => {
    await model.fit(train.x, train.y, {
      epochs: EPOCHS,
      batchSize,
      shuffle: false,
      validationData: [validation.x, validation.y],
      verbose: 0,
      ...(callback === undefined ? {} : { callbacks: callback }),
    });
    await contender.finish?.();
  });

  contender.dispose?.();
  model.optimizer.dispose();
  model.dispose();
  const leakedTensors = tf.memory().numTensors - tensorsBefore;
  if (leakedTensors !== 0)
    throw new Error(`Expected '${name}' to leave no tensor behind, got ${leakedTensors}.`);
  return measurement;
}

/** Finishes everything that should not be measured: uploads, earlier work of the device, garbage. */
async function settleDevice(model: tf.LayersModel, x: tf.Tensor, batchSize: number): Promise<void> {
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

function createRows({ inputShape, outputShape }: Workload, rows: number): Rows {
  return {
    x: uniformTensor([rows, ...inputShape], `${rows} rows`),
    y: oneHotTensor([rows, ...outputShape]),
  };
}

function rowsOf({ x }: Rows): number {
  return x.shape[0];
}
