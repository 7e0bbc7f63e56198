import * as tf from '@tensorflow/tfjs-node';
import { EntropyCheckpointCallback } from 'tfjs-entropy-checkpoint';

/** Trains, and writes event files for `tensorboard --logdir logs/run-1`. */
export async function trainWithTensorBoard(model, x, y) {
  const checkpoint = new EntropyCheckpointCallback();
  await model.fit(x, y, {
    epochs: 5,
    validationSplit: 0.2,
    callbacks: [checkpoint, tf.node.tensorBoard('logs/run-1')], // after the checkpoint
  });
  return checkpoint;
}
