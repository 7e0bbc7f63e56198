import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs';

/** Tells the weights of a model and the moments of its optimizer, bit for bit. */
export async function stateDigest(model: tf.LayersModel): Promise<string> {
  const slots = await model.optimizer.getWeights();
  const hash = createHash('sha256');
  for (const tensor of [...model.getWeights(), ...slots.map((slot) => slot.tensor)]) {
    const { buffer, byteOffset, byteLength } = await tensor.data();
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  // The count of steps is made for the call; the other tensors are the optimizer's.
  tf.dispose(slots.filter(({ name }) => name === 'iter').map(({ tensor }) => tensor));
  return hash.digest('hex');
}
