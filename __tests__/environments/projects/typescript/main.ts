import * as tf from '@tensorflow/tfjs';
import {
  EntropyCheckpoint,
  EntropyCheckpointCallback,
  EntropyCheckpointError,
  loadCheckpoint,
  MemoryStore,
  topKEntropy,
  type EpochRecord,
} from 'tfjs-entropy-checkpoint';

export async function train(model: tf.LayersModel, x: tf.Tensor, y: tf.Tensor): Promise<EpochRecord | null> {
  const checkpoint = new EntropyCheckpointCallback({ filepath: new MemoryStore(), monitor: 'val_acc' });
  await model.fit(x, y, { epochs: 2, callbacks: checkpoint });
  await model.fit(x, y, { epochs: 2, callbacks: checkpoint.with({ onEpochEnd: () => undefined }) });
  const { model: loaded, record } = await loadCheckpoint('entropy_checkpoint');
  loaded.dispose();
  const entropy: tf.Tensor = topKEntropy(tf.zeros([2, 3]));
  entropy.dispose();
  new EntropyCheckpoint(model, model.optimizer).dispose();
  if (record.epoch < 0) throw new EntropyCheckpointError('ENTROPY_NO_BEST', 'none');
  return checkpoint.best;
}
