// Trains in this thread into the folder that it is given. With `waits`, it ends when the main thread says so.
import { parentPort, workerData } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback } from 'tfjs-entropy-checkpoint';

const { filepath, waits } = workerData;
const model = tf.sequential({
  layers: [tf.layers.dense({ inputShape: [4], units: 3, activation: 'softmax' })],
});
model.compile({ optimizer: tf.train.adam(0.1), loss: 'categoricalCrossentropy' });
const x = tf.randomUniform([60, 4]);
const y = tf.oneHot(tf.argMax(tf.slice2d(x, [0, 0], [60, 3]), 1), 3);

const mayEnd = waits ? new Promise((resolve) => parentPort.once('message', resolve)) : null;
const wait = new tf.CustomCallback({
  onTrainBegin: async () => {
    parentPort.postMessage({ begun: true });
    await mayEnd;
  },
});
const checkpoint = new EntropyCheckpointCallback({ filepath });
try {
  const callbacks = checkpoint.with(wait);
  await model.fit(x, y, { epochs: 3, validationSplit: 0.2, verbose: 0, callbacks });
  const { epoch } = await checkpoint.loadCheckpoint();
  parentPort.postMessage({ epoch });
} catch ({ code, message }) {
  parentPort.postMessage({ code, message });
}
