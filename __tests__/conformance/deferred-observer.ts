import * as tf from '@tensorflow/tfjs';
import { ObservingLayer, type ObservedEpoch } from '../support/observing-layer.js';

/** Keeps what goes through, to be read at the epoch's end: some backends have no synchronous read. */
export class DeferredObserver extends ObservingLayer {
  static className = 'DeferredObserver';
  #kept: { logits: tf.Tensor; training: boolean }[] = [];

  async closeEpoch(): Promise<ObservedEpoch> {
    const kept = this.#kept;
    this.#kept = [];
    for (const { logits, training } of kept) {
      this.write(Array.from(await logits.data()), logits.shape.at(-1)!, training);
      logits.dispose();
    }
    return this.means();
  }

  protected override see(logits: tf.Tensor, training: boolean): void {
    this.#kept.push({ logits: tf.keep(tf.clone(logits)), training });
  }
}
