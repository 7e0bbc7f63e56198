import * as tf from '@tensorflow/tfjs';
import { ObservingLayer, type ObservedEpoch } from '../support/observing-layer.js';

/** An observing layer that reads at the epoch's end, as some backends have no synchronous read. */
export class DeferredObserver extends ObservingLayer {
  static className = 'DeferredObserver';
  #kept: { logits: tf.Tensor; training: boolean }[] = [];

  async closeEpoch(): Promise<ObservedEpoch> {
    const kept = this.#kept;
    this.#kept = [];
    for (const { logits, training } of kept) {
      this.scoreRows(Array.from(await logits.data()), logits.shape.at(-1)!, training);
      logits.dispose();
    }
    return this.takeMeans();
  }

  protected override observe(logits: tf.Tensor, training: boolean): void {
    this.#kept.push({ logits: tf.keep(tf.clone(logits)), training });
  }
}
