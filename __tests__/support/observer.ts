import * as tf from '@tensorflow/tfjs';
import { entropyOfProbabilities, mean, softmax64 } from './entropy64.js';

type Kwargs = Parameters<tf.layers.Layer['call']>[1];

/** What one epoch's predictions scored, from the values that went through the observer. */
export interface Observed {
  train: number[];
  val: number[];
}

/**
 * A layer that stands before the last activation of a model and writes down, in float64 and by itself,
 * what goes through. It shares nothing with the tap: no losses, no hooks of callbacks but those of the test.
 */
export class Observer extends tf.layers.Layer {
  static className = 'Observer';
  /** While true, what passes belongs to an evaluation of the test's own. */
  paused = false;
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
    if (!this.paused) this.#write(logits, (kwargs as Record<string, unknown>)['training'] === true);
    return tf.mul(logits, 1);
  }

  /** The means of an epoch, and a clean sheet for the next. */
  closeEpoch(): { train: number; val: number; all: number } {
    const { train, val } = this.rows;
    this.rows = { train: [], val: [] };
    return { train: mean(train), val: mean(val), all: mean([...train, ...val]) };
  }

  #write(logits: tf.Tensor, training: boolean): void {
    const values = Array.from(logits.dataSync());
    const width = logits.shape.at(-1)!;
    for (let start = 0; start < values.length; start += width) {
      const entropy = entropyOfProbabilities(this.#toProbabilities(values.slice(start, start + width)));
      this.rows[training ? 'train' : 'val'].push(entropy);
    }
  }
}

/** Probabilities of both classes from the logit of the positive one. */
export function sigmoid64([logit = 0]: number[]): number[] {
  const p = 1 / (1 + Math.exp(-logit));
  return [p, 1 - p];
}
