import * as tf from '@tensorflow/tfjs';
import { entropyOfProbabilities, mean, softmax64 } from '../support/entropy64.js';

type Kwargs = Parameters<tf.layers.Layer['call']>[1];

/** The means of an epoch, in float64; NaN without rows. */
export interface ObservedEpoch {
  readonly train: number;
  readonly val: number;
  readonly all: number;
}

/**
 * A layer that stands before the last activation of a model and keeps what goes through, to be read at
 * the epoch's end: some backends have no synchronous read. It shares nothing with the tap.
 */
export class DeferredObserver extends tf.layers.Layer {
  static className = 'DeferredObserver';
  #kept: { logits: tf.Tensor; training: boolean }[] = [];
  readonly #toProbabilities: (logits: number[]) => number[];

  constructor(toProbabilities: (logits: number[]) => number[] = softmax64) {
    super({});
    this.#toProbabilities = toProbabilities;
  }

  override computeOutputShape(inputShape: tf.Shape): tf.Shape {
    return inputShape;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: Kwargs): tf.Tensor {
    const logits = Array.isArray(inputs) ? inputs[0]! : inputs;
    const training = (kwargs as Record<string, unknown>)['training'] === true;
    this.#kept.push({ logits: tf.keep(tf.clone(logits)), training });
    return tf.mul(logits, 1);
  }

  /** The means of an epoch, and a clean sheet for the next. */
  async closeEpoch(): Promise<ObservedEpoch> {
    const kept = this.#kept;
    this.#kept = [];
    const entropies: { train: number[]; val: number[] } = { train: [], val: [] };
    for (const { logits, training } of kept) {
      const values = Array.from(await logits.data());
      const width = logits.shape.at(-1)!;
      logits.dispose();
      for (let start = 0; start < values.length; start += width) {
        const probabilities = this.#toProbabilities(values.slice(start, start + width));
        entropies[training ? 'train' : 'val'].push(entropyOfProbabilities(probabilities));
      }
    }
    const { train, val } = entropies;
    return { train: mean(train), val: mean(val), all: mean([...train, ...val]) };
  }
}
