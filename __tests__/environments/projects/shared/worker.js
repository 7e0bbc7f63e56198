import * as tf from '@tensorflow/tfjs';
import * as library from './library.js';
import { toyTraining } from './toy-training.js';

globalThis.onmessage = async () => {
  try {
    await tf.setBackend('cpu');
    const { summary } = await toyTraining(tf, library, 'toy-in-worker');
    globalThis.postMessage(summary);
  } catch (error) {
    globalThis.postMessage({ error: String(error) });
  }
};
