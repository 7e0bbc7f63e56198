import type * as tf from '@tensorflow/tfjs';
import { ObservingLayer, type ObservedEpoch } from './observing-layer.js';

/** An observing layer that reads synchronously. */
export class Observer extends ObservingLayer {
  static className = 'Observer';
  /** While true, rows aren't recorded, as the test itself evaluates. */
  paused = false;

  closeEpoch(): ObservedEpoch {
    return this.takeMeans();
  }

  protected override observe(logits: tf.Tensor, training: boolean): void {
    if (!this.paused) this.scoreRows(Array.from(logits.dataSync()), logits.shape.at(-1)!, training);
  }
}

/** The probabilities of both classes from the logit of the positive class. */
export function sigmoid64([logit = 0]: number[]): number[] {
  const p = 1 / (1 + Math.exp(-logit));
  return [p, 1 - p];
}
