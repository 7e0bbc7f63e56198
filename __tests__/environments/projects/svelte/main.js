// Compiles a module with runes for the client, and trains with what it holds in `$state`.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { compileModule } from 'svelte/compiler';
import { EntropyCheckpointCallback } from 'tfjs-entropy-checkpoint';

const source = readFileSync(new URL('training.svelte.js', import.meta.url), 'utf8');
const { js } = compileModule(source, { generate: 'client', filename: 'training.svelte.js' });
writeFileSync(new URL('training.compiled.js', import.meta.url), js.code);
const { Training, watchEpochs } = await import('./training.compiled.js');

const x = tf.randomUniform([60, 4], 0, 1, 'float32', 1);
const y = tf.oneHot(tf.argMax(tf.slice2d(x, [0, 0], [60, 3]), 1), 3);

const training = new Training();
const seen = [];
const stop = watchEpochs(training, (numEpochs, loss) => void seen.push([numEpochs, loss]));
const { epoch } = await training.train(x, y);
// Svelte runs effects after the task that has changed their state.
await new Promise((resolve) => setTimeout(resolve));
stop();

const { checkpoint } = training;
assert.ok(checkpoint instanceof EntropyCheckpointCallback);
assert.equal(checkpoint.history.length, 3);
assert.deepEqual(seen.at(-1), [3, checkpoint.history.at(-1).logs.val_loss]);
assert.equal(epoch, training.nested.best.epoch);
const loss = training.nested.model.evaluate(x.slice([48, 0]), y.slice([48, 0])).dataSync()[0];
assert.ok(Math.abs(loss - checkpoint.best.logs.val_loss) < 1e-5);

const what = 'checkpoint and model in $state, and records in deep state';
process.stdout.write(`${JSON.stringify({ ok: true, what })}\n`);
