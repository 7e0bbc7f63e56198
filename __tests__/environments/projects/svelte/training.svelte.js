import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, MemoryStore } from 'tfjs-entropy-checkpoint';

/** A training whose state is deep: TensorFlow.js and this package are in `$state` as they are. */
export class Training {
  checkpoint = $state(new EntropyCheckpointCallback({ filepath: new MemoryStore(), monitor: 'val_loss' }));
  nested = $state({ model: makeModel(), epochs: [], best: null });
  numEpochs = $derived(this.nested.epochs.length);

  async train(x, y) {
    const show = {
      onEpochEnd: () => {
        this.nested.epochs.push(this.checkpoint.history.at(-1));
        this.nested.best = this.checkpoint.best;
      },
    };
    const options = { epochs: 3, validationSplit: 0.2, verbose: 0, callbacks: this.checkpoint.with(show) };
    await this.nested.model.fit(x, y, options);
    return this.checkpoint.loadCheckpoint();
  }
}

/** Calls `see` with the number of epochs, at first and after each change. @returns ends that. */
export function watchEpochs(training, see) {
  return $effect.root(() => {
    $effect(() => {
      see(training.numEpochs, training.nested.epochs.at(-1)?.logs.val_loss);
    });
  });
}

function makeModel() {
  const model = tf.sequential({
    layers: [tf.layers.dense({ inputShape: [4], units: 3, activation: 'softmax' })],
  });
  model.compile({ optimizer: tf.train.adam(0.1), loss: 'categoricalCrossentropy' });
  return model;
}
