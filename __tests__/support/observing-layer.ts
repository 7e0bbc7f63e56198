import * as tf from '@tensorflow/tfjs';
import { entropyOfProbabilities, mean, softmax64 } from './entropy64.js';

type Kwargs = Parameters<tf.layers.Layer['call']>[1];

/** The entropies of an epoch's rows, in float64. */
export interface RowEntropies {
  train: number[];
  val: number[];
}

/** The mean entropies of an epoch; NaN without rows. */
export interface ObservedEpoch {
  readonly train: number;
  readonly val: number;
  readonly all: number;
}

/**
 * A layer before the last activation of a model that scores the rows that pass. It shares nothing with the prediction
 * tap: it uses no losses, and no callback hooks except those of the test.
 */
export abstract class ObservingLayer extends tf.layers.Layer {
  rows: RowEntropies = { train: [], val: [] };
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
    this.observe(logits, (kwargs as Record<string, unknown>)['training'] === true);
    return tf.mul(logits, 1);
  }

  protected abstract observe(logits: tf.Tensor, training: boolean): void;

  /** Scores rows of `width` logits. */
  protected scoreRows(values: readonly number[], width: number, training: boolean): void {
    for (let start = 0; start < values.length; start += width) {
      const entropy = entropyOfProbabilities(this.#toProbabilities(values.slice(start, start + width)));
      this.rows[training ? 'train' : 'val'].push(entropy);
    }
  }

  /** Returns the means of the epoch and starts the next one. */
  protected takeMeans(): ObservedEpoch {
    const { train, val } = this.rows;
    this.rows = { train: [], val: [] };
    return { train: mean(train), val: mean(val), all: mean([...train, ...val]) };
  }
}
