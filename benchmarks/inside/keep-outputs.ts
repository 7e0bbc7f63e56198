import * as tf from '@tensorflow/tfjs';
import { meanEntropy } from './predict-again.js';

/**
 * The original's way: the outputs of every batch of training and of validation are kept, and joined at the
 * end of the epoch. As there, softmax is applied to whatever they are, also to probabilities.
 */
export class KeptOutputs {
  readonly entropies: number[] = [];
  #outputs: tf.Tensor[] = [];

  /** @param output `[..., numClasses]`, not to be disposed by the caller. */
  append(output: tf.Tensor): void {
    this.#outputs.push(tf.keep(output));
  }

  async closeEpoch(): Promise<void> {
    const mean = tf.tidy(() => meanEntropy(tf.softmax(tf.concat(this.#outputs))));
    tf.dispose(this.#outputs);
    this.#outputs = [];
    this.entropies.push((await mean.data())[0] ?? NaN);
    mean.dispose();
  }

  /** To be compiled with: shows the outputs, which no callback does, and is the same loss. */
  readonly loss = (yTrue: tf.Tensor, yPred: tf.Tensor): tf.Tensor => {
    this.append(yPred);
    return tf.metrics.categoricalCrossentropy(yTrue, yPred);
  };

  callback(): tf.CustomCallback {
    return new tf.CustomCallback({ onEpochEnd: () => this.closeEpoch() });
  }
}
