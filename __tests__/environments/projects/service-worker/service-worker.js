import * as tf from '@tensorflow/tfjs';
import * as library from 'tfjs-entropy-checkpoint/single';
import { toyTraining } from './toy-training.js';

globalThis.onmessage = (event) => {
  event.waitUntil(train().then((answer) => event.source.postMessage(answer)));
};

async function train() {
  try {
    await tf.setBackend('cpu');
    const { checkpoint, summary } = await toyTraining(tf, library, 'toy');
    // The charts are in another file, which a service worker cannot import.
    const report = await checkpoint.report().catch(({ code, message }) => ({ code, message }));
    return { summary, report };
  } catch (error) {
    return { error: String(error) };
  }
}
