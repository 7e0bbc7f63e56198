import * as tf from '@tensorflow/tfjs';
import * as tfvis from '@tensorflow/tfjs-vis';
import { EntropyCheckpointCallback } from 'tfjs-entropy-checkpoint';

/** Trains, and draws the curves in `container` after every epoch. */
export async function trainWithCurves(
  model: tf.LayersModel,
  x: tf.Tensor,
  y: tf.Tensor,
  container: HTMLElement,
): Promise<EntropyCheckpointCallback> {
  const checkpoint = new EntropyCheckpointCallback();
  const curves = tfvis.show.fitCallbacks(
    container,
    ['entropy', 'val_entropy', 'train_entropy', 'loss', 'val_loss', 'acc', 'val_acc'],
    { callbacks: ['onEpochEnd'] }, // the entropies are known at the end of an epoch, not of a batch
  );
  await model.fit(x, y, {
    epochs: 5,
    validationSplit: 0.2,
    callbacks: [checkpoint, new tf.CustomCallback(curves)], // an instance, and after the checkpoint
  });
  return checkpoint;
}
