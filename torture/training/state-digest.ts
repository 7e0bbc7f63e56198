import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs';

/** A checksum of every bit of a model's weights and its optimizer slots. @param weights in place of the model's. */
export async function stateDigest(
  model: tf.LayersModel,
  weights: readonly tf.Tensor[] = model.getWeights(),
): Promise<string> {
  const slots = await model.optimizer.getWeights();
  const hash = createHash('sha256');
  for (const tensor of [...weights, ...slots.map((slot) => slot.tensor)]) {
    const { buffer, byteOffset, byteLength } = await tensor.data();
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  // `getWeights` creates the tensor of the step count. The other tensors belong to the optimizer.
  tf.dispose(slots.filter(({ name }) => name === 'iter').map(({ tensor }) => tensor));
  return hash.digest('hex');
}
