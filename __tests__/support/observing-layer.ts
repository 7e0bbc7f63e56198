import * as tf from '@tensorflow/tfjs';
import { entropyOfProbabilities, mean, softmax64 } from './entropy64.js';

type Kwargs = Parameters<tf.layers.Layer['call']>[1];

/** What one epoch's predictions scored, row by row, in float64. */
export interface Observed {
  train: number[];
  val: number[];
}

/** The means of an epoch; NaN without rows. */
export interface ObservedEpoch {
  readonly train: number;
  readonly val: number;
  readonly all: number;
}

/**
 * A layer that stands before the last activation of a model and sees what goes through. It shares nothing
 * with the tap: no losses, no hooks of callbacks but those of the test.
 */
export abstract class ObservingLayer extends tf.layers.Layer {
  rows: Observed = { train: [], val: [] };
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
    this.see(logits, (kwargs as Record<string, unknown>)['training'] === true);
    return tf.mul(logits, 1);
  }

  protected abstract see(logits: tf.Tensor, training: boolean): void;

  /** Scores rows of `width` logits. */
  protected write(values: readonly number[], width: number, training: boolean): void {
    for (let start = 0; start < values.length; start += width) {
      const entropy = entropyOfProbabilities(this.#toProbabilities(values.slice(start, start + width)));
      this.rows[training ? 'train' : 'val'].push(entropy);
    }
  }

  /** The means of what was written, and a clean sheet for the next epoch. */
  protected means(): ObservedEpoch {
    const { train, val } = this.rows;
    this.rows = { train: [], val: [] };
    return { train: mean(train), val: mean(val), all: mean([...train, ...val]) };
  }
}
