import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, loadCheckpoint } from 'tfjs-entropy-checkpoint';
import { toyTraining } from './toy-training.js';
import { trainInWorker } from './train-in-worker.js';

let checkpoint;

globalThis.train = async () => {
  const trained = await toyTraining(tf, { EntropyCheckpointCallback, loadCheckpoint }, 'toy');
  checkpoint = trained.checkpoint;
  return { ...trained.summary, isFused: hasKernel(tf.getBackend()) };
};
globalThis.report = () => checkpoint.report();
globalThis.trainInWorker = trainInWorker;

function hasKernel(backend) {
  return tf.getKernel('EntropyCheckpointTopKEntropy1', backend) !== undefined;
}
