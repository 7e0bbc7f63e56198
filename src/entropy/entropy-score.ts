import * as tf from '@tensorflow/tfjs';
import { RunningMean, type BatchMean } from './running-mean.js';
import { topKEntropy } from './top-k-entropy.js';

/** Whether predictions were made in training or in validation. */
export type Phase = 'train' | 'val';

/** The numbers of an epoch, in nats; null where no row was seen. */
export interface EpochEntropies {
  readonly entropy: number | null;
  readonly trainEntropy: number | null;
  readonly valEntropy: number | null;
}

/** The means of an epoch that has been handed over; null for a phase without rows. */
export type EpochMeans = Readonly<Record<Phase, BatchMean | null>>;

/** What one device read has brought. */
export interface ClosedScore {
  readonly entropies: EpochEntropies;
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
   * @returns null for an empty batch; to be given to `add`, or disposed.
   */
  measure(predictions: tf.Tensor, fromLogits: boolean): BatchMean | null {
    const numClasses = predictions.shape.at(-1) ?? 0;
    if (predictions.size === 0) return null;
    const mean = untaped(predictions, (x) => {
      const classes = numClasses === 1 ? bothClasses(x, fromLogits) : x;
      return tf.mean<tf.Scalar>(topKEntropy(classes, { k: this.#topK, fromLogits }));
    });
    return { mean: tf.keep(mean), rows: predictions.size / numClasses };
  }

  /** Counts a batch in, and disposes it. */
  add(batch: BatchMean | null, phase: Phase): void {
    if (batch !== null) this.#means[phase].add(batch);
  }

  /** Forgets what was appended: all of it, or that of one phase. */
  reset(phase?: Phase): void {
    if (phase === undefined || phase === 'train') this.#means.train.reset();
    if (phase === undefined || phase === 'val') this.#means.val.reset();
  }

  /** Hands the epoch over, to `readEpoch` or `add`, and begins the next. The caller owns the means. */
  detach(): EpochMeans {
    return { train: this.#means.train.detach(), val: this.#means.val.detach() };
  }
}

/**
 * The numbers of an epoch, by one device read, together with those of `others`.
 *
 * @param means disposed here.
 * @param others numeric scalars to read along; the caller keeps them.
 */
export async function readEpoch(
  { train, val }: EpochMeans,
  others: readonly tf.Scalar[] = [],
): Promise<ClosedScore> {
  const means = [train, val].filter((batch) => batch !== null);
  const values = await readScalars([...means.map(({ mean }) => mean), ...others]).finally(() => {
    for (const { mean } of means) mean.dispose();
  });
  const trainEntropy = train === null ? null : (values.shift() ?? null);
  const valEntropy = val === null ? null : (values.shift() ?? null);
  const entropy = pooledMean([trainEntropy, train?.rows ?? 0], [valEntropy, val?.rows ?? 0]);
  return { entropies: { entropy, trainEntropy, valEntropy }, others: values };
}

/**
 * Runs `measure` so that a gradient tape which is recording keeps none of its intermediates: training
 * calls the loss, and with it this code, under the tape, which would hold every saved tensor (a copy of
 * all bytes on wasm) until the backward pass is done.
 */
function untaped(x: tf.Tensor, measure: (x: tf.Tensor) => tf.Scalar): tf.Scalar {
  if (tf.engine().state.gradientDepth === 0) return tf.tidy(() => measure(x));
  const op = tf.customGrad((input) => ({
    value: measure(input as tf.Tensor),
    gradFunc: () => tf.zerosLike(input as tf.Tensor),
  }));
  return op(x);
}

/** One read for all of them. */
async function readScalars(scalars: readonly tf.Scalar[]): Promise<number[]> {
  if (scalars.length === 0) return [];
  // A metric may be an int32; what is stacked must be of one dtype.
  const joined = tf.tidy(() => tf.stack(scalars.map((scalar) => tf.cast(tf.reshape(scalar, []), 'float32'))));
  try {
    return Array.from(await joined.data());
  } finally {
    joined.dispose();
  }
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

/** `[..., 1]` → `[..., 2]`: p becomes (p, 1 − p); a logit z becomes (z, 0), whose softmax is that. */
function bothClasses(positive: tf.Tensor, fromLogits: boolean): tf.Tensor {
  const negative = fromLogits ? tf.zerosLike(positive) : tf.sub(1, positive);
  return tf.concat([positive, negative], -1);
}
