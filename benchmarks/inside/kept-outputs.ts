import * as tf from '@tensorflow/tfjs';
import { meanEntropy } from './predict-again.js';

/**
 * The method of the original PyTorch class: keeps the outputs of every training and validation batch, and concatenates
 * them at the end of the epoch. Like the original, it applies softmax to all outputs, including probabilities.
 */
export class KeptOutputs {
  readonly entropies: number[] = [];
  #outputs: tf.Tensor[] = [];

  /** @param output `[..., numClasses]`. The caller must not dispose it. */
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

  /** The loss to compile with. It sees the outputs, which callbacks do not, and returns the usual loss. */
  readonly loss = (yTrue: tf.Tensor, yPred: tf.Tensor): tf.Tensor => {
    this.append(yPred);
    return tf.metrics.categoricalCrossentropy(yTrue, yPred);
  };

  callback(): tf.CustomCallback {
    return new tf.CustomCallback({ onEpochEnd: () => this.closeEpoch() });
  }
}
