import * as tf from '@tensorflow/tfjs';
import { checkK, checkPredictions } from './check-arguments.js';
import { runTopKEntropy } from './run-kernels.js';
import { RunningMean, type DetachedMean } from './running-mean.js';

/** Whether predictions were made in training or in validation. */
export type Phase = 'train' | 'val';

/** The numbers of an epoch, in nats; null where no row was seen. */
export interface EpochEntropies {
  readonly entropy: number | null;
  readonly trainEntropy: number | null;
  readonly valEntropy: number | null;
}

/** The means of an epoch that has been handed over; null for a phase without rows. */
export type EpochMeans = Readonly<Record<Phase, DetachedMean | null>>;

/** The same, and that of the share of rows that have changed, where it is counted. */
export type ReadMeans = EpochMeans & { readonly changes?: DetachedMean | null };

/** What one device read has brought. */
export interface ClosedScore {
  readonly entropies: EpochEntropies;
  /** 0…1; null where there was nothing to compare with. */
  readonly valChanges: number | null;
  /** The values of the scalars that were read along. */
  readonly others: readonly number[];
}

/**
 * Mean top-k entropy of the predictions of an epoch: it is shown them batch by batch, on the device, and
 * gives the epoch's numbers when asked.
 */
export class EntropyScore {
  readonly #topK: number;
  readonly #means: Record<Phase, RunningMean> = { train: new RunningMean(), val: new RunningMean() };

  constructor(topK: number) {
    this.#topK = topK;
  }

  /** Rows seen of one phase in this epoch. */
  rows(phase: Phase): number {
    return this.#means[phase].rows;
  }

  /**
   * Scores one batch, on the device.
   *
   * @param predictions `[..., numClasses]`; one class is the positive one of two. The caller keeps it.
   * @returns `[rows]`, kept: to be given to `add`, or disposed; null for an empty batch.
   */
  measure(predictions: tf.Tensor, fromLogits: boolean): tf.Tensor1D | null {
    if (predictions.size === 0) return null;
    checkK(this.#topK, Math.max(2, checkPredictions(predictions, 1)));
    return tf.keep(untaped(() => runTopKEntropy(predictions, this.#topK, fromLogits)));
  }

  /** Counts a batch in, and disposes it. */
  add(batch: tf.Tensor1D | null, phase: Phase): void {
    if (batch !== null) this.#means[phase].add(batch);
  }

  /** Forgets what was appended: all of it, or that of one phase. */
  reset(phase?: Phase): void {
    if (phase === undefined || phase === 'train') this.#means.train.reset();
    if (phase === undefined || phase === 'val') this.#means.val.reset();
  }

  /** Hands the epoch over, to `readEpoch` or `reattach`, and begins the next. The caller owns the means. */
  detach(): EpochMeans {
    return { train: this.#means.train.detach(), val: this.#means.val.detach() };
  }

  /** Takes back what `detach` has given: the epoch goes on. */
  reattach({ train, val }: EpochMeans): void {
    if (train !== null) this.#means.train.reattach(train);
    if (val !== null) this.#means.val.reattach(val);
  }
}

/**
 * The numbers of an epoch, by one device read, together with those of `others`.
 *
 * @param means disposed here.
 * @param others numeric scalars to read along; the caller keeps them.
 */
export async function readEpoch(
  { train, val, changes = null }: ReadMeans,
  others: readonly tf.Scalar[] = [],
): Promise<ClosedScore> {
  const means = [train, val, changes].filter((mean) => mean !== null).map(({ parts }) => parts);
  const values = await readVectors([...means, ...others]).finally(() => {
    tf.dispose(means);
  });
  const meanOf = (detached: DetachedMean | null): number | null =>
    detached === null ? null : sum(values.shift() ?? []);
  const trainEntropy = meanOf(train);
  const valEntropy = meanOf(val);
  const valChanges = meanOf(changes);
  const entropy = pooledMean([trainEntropy, train?.rows ?? 0], [valEntropy, val?.rows ?? 0]);
  return { entropies: { entropy, trainEntropy, valEntropy }, valChanges, others: values.flat() };
}

/**
 * Runs `measure` so that a gradient tape which is recording passes it by: training calls the loss, and with it this
 * code, under the tape, which would hold every saved tensor of a cast or of the composition (a copy of all bytes on
 * wasm) until the backward pass is done. To the engine it is the inside of a kernel, of which nothing is recorded.
 */
function untaped(measure: () => tf.Tensor1D): tf.Tensor1D {
  const { state } = tf.engine();
  state.kernelDepth += 1;
  try {
    return measure();
  } finally {
    state.kernelDepth -= 1;
  }
}

/** The values of scalars and vectors, by one read for all of them. */
async function readVectors(tensors: readonly tf.Tensor[]): Promise<number[][]> {
  if (tensors.length === 0) return [];
  const joined = tf.tidy(() => tf.concat(tensors.map(asVector)));
  try {
    const values = Array.from(await joined.data());
    return tensors.map(({ size }) => values.splice(0, size));
  } finally {
    joined.dispose();
  }
}

/** What is joined must be of one type: a metric may be an int32. */
function asVector(tensor: tf.Tensor): tf.Tensor {
  // A cast to what it is already, or to the same shape, is an operation all the same.
  const floats = tensor.dtype === 'float32' ? tensor : tf.cast(tensor, 'float32');
  return tensor.rank === 1 ? floats : tf.reshape(floats, [-1]);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The mean over all rows of both phases; null without any. */
function pooledMean(...phases: [mean: number | null, rows: number][]): number | null {
  let sum = 0;
  let total = 0;
  for (const [mean, rows] of phases) {
    if (mean === null) continue;
    sum += mean * rows;
    total += rows;
  }
  return total === 0 ? null : sum / total;
}
