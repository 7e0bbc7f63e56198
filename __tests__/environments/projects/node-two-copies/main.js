// Imports another copy of `@tensorflow/tfjs` than the package does.
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint, EntropyCheckpointCallback, loadCheckpoint } from 'tfjs-entropy-checkpoint';

const model = tf.sequential({
  layers: [tf.layers.dense({ units: 3, activation: 'softmax', inputShape: [2] })],
});
model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
const x = tf.ones([8, 2]);
const y = tf.ones([8, 3]);
const other = new tf.CustomCallback({});
const weights = () => model.getWeights().map((weight) => [...weight.dataSync()]);
const before = weights();

const checkpoint = () => new EntropyCheckpointCallback({ filepath: null });
const fit = (callbacks) => model.fit(x, y, { epochs: 1, verbose: 0, callbacks });
const attempts = {
  'callback alone': () => fit(checkpoint()),
  'callback first': () => fit([checkpoint(), other]),
  'callback second': () => fit([other, checkpoint()]),
  resume: () => checkpoint().resume(model),
  'custom training loop': () => new EntropyCheckpoint(model, undefined, { filepath: null }),
  loadCheckpoint: () => loadCheckpoint('missing', { model }),
};
const refusals = {};
for (const [name, attempt] of Object.entries(attempts)) {
  try {
    await attempt();
    refusals[name] = 'not refused';
  } catch ({ code, message }) {
    refusals[name] = { code, message };
  }
}
const isUnchanged = JSON.stringify(weights()) === JSON.stringify(before);
process.stdout.write(`${JSON.stringify({ refusals, isUnchanged })}\n`);
