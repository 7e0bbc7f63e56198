// A program that trains by a library of others, whose estimators take options of `fit`.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, loadCheckpoint } from 'tfjs-entropy-checkpoint';

// Node cannot import it: its modules name each other without extensions.
const { LogisticRegression, setBackend } = createRequire(import.meta.url)('scikitjs');
setBackend(tf);

const x = Array.from({ length: 90 }, (_, i) => [Math.sin(i), Math.cos(3 * i), Math.sin(7 * i)]);
const y = x.map((row) => row.indexOf(Math.max(...row)));

let estimator;
let best;
const checkpoint = new EntropyCheckpointCallback({
  filepath: 'toy',
  // The first epoch is the best, so that the last isn't.
  monitor: ({ epoch }) => -epoch,
  mode: 'max',
  onBest: () => {
    best = coefficients();
  },
});
const callbacks = checkpoint.with(tf.callbacks.earlyStopping({ monitor: 'loss', patience: 2 }));
const coefficients = () => Array.from(estimator.coef.dataSync());
estimator = new LogisticRegression({ modelFitOptions: { epochs: 4, callbacks } });
await estimator.fit(x, y);

assert.equal(checkpoint.history.length, 4);
assert.ok(checkpoint.history.every(({ entropy, logs }) => entropy > 0 && logs.loss > 0));
assert.notDeepEqual(coefficients(), best);

// The library's estimator has the best epoch again, and a new model predicts as it does.
await checkpoint.loadCheckpoint();
assert.deepEqual(coefficients(), best);
const { model, record } = await loadCheckpoint('toy');
assert.equal(record.epoch, 0);
const probabilities = model.predict(tf.tensor2d(x)).dataSync();
assert.deepEqual(estimator.predictProba(x).dataSync(), probabilities);

const what = 'its `LogisticRegression`, beside early stopping';
process.stdout.write(`${JSON.stringify({ ok: true, what })}\n`);
