import type * as tf from '@tensorflow/tfjs';
import { ObservingLayer, type ObservedEpoch } from './observing-layer.js';

/** Reads what goes through at once. */
export class Observer extends ObservingLayer {
  static className = 'Observer';
  /** While true, what passes belongs to an evaluation of the test's own. */
  paused = false;

  closeEpoch(): ObservedEpoch {
    return this.means();
  }

  protected override see(logits: tf.Tensor, training: boolean): void {
    if (!this.paused) this.write(Array.from(logits.dataSync()), logits.shape.at(-1)!, training);
  }
}

/** Probabilities of both classes from the logit of the positive one. */
export function sigmoid64([logit = 0]: number[]): number[] {
  const p = 1 / (1 + Math.exp(-logit));
  return [p, 1 - p];
}
