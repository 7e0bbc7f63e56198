import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback } from 'tfjs-entropy-checkpoint';

/**
 * Trains into a folder, and sends the epoch that was kept, or the error.
 *
 * @param waits whether it ends when it's told to; it sends when it has begun.
 * @param send sends to the program that has started this one.
 * @param told calls its argument when that program sends something.
 */
export async function trainIntoFolder(filepath, waits, send, told) {
  const model = tf.sequential({
    layers: [tf.layers.dense({ inputShape: [4], units: 3, activation: 'softmax' })],
  });
  model.compile({ optimizer: tf.train.adam(0.1), loss: 'categoricalCrossentropy' });
  const x = tf.randomUniform([60, 4]);
  const y = tf.oneHot(tf.argMax(tf.slice2d(x, [0, 0], [60, 3]), 1), 3);

  const mayEnd = waits ? new Promise(told) : null;
  const wait = new tf.CustomCallback({
    onTrainBegin: async () => {
      send({ begun: true });
      await mayEnd;
    },
  });
  const checkpoint = new EntropyCheckpointCallback({ filepath });
  try {
    const callbacks = checkpoint.with(wait);
    await model.fit(x, y, { epochs: 3, validationSplit: 0.2, verbose: 0, callbacks });
    const { epoch } = await checkpoint.loadCheckpoint();
    send({ epoch });
  } catch ({ code, message }) {
    send({ code, message });
  }
}
