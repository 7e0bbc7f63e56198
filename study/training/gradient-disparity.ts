import * as tf from '@tensorflow/tfjs';
import { drawWithoutReplacement } from '../../examples/noisy-mnist/sampling.js';
import { pickRows, type Samples, type Task } from '../data/samples.js';
import { tensorsOf } from './batches.js';

const BATCHES = 3;

/**
 * Mean Euclidean distance between the gradients of every pair of a few random batches. Each gradient is divided by the
 * standard deviation of the losses in its batch, so that small losses do not make the distance small.
 *
 * @see Forouzesh and Thiran, Disparity Between Batches as a Signal for Early Stopping, ECML 2021
 *   (arXiv 2107.06665)
 */
export function gradientDisparity(
  model: tf.Sequential,
  samples: Samples,
  task: Task,
  batchSize: number,
): number {
  return tf.tidy(() => {
    const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const rows = drawWithoutReplacement(samples.labels.length, BATCHES * batchSize, Math.random);
    const gradients = Array.from({ length: BATCHES }, (_, i) => {
      const { x, y } = tensorsOf(pickRows(samples, rows.subarray(i * batchSize, (i + 1) * batchSize)), task);
      return scaledGradient(model, variables, x, y);
    });
    const distances: tf.Scalar[] = [];
    for (const [i, a] of gradients.entries()) {
      for (const b of gradients.slice(i + 1)) distances.push(a.sub(b).norm().asScalar());
    }
    return tf.stack(distances).mean().dataSync()[0]!;
  });
}

/** The gradient of all weights as one vector, over the standard deviation of the losses. */
function scaledGradient(
  model: tf.Sequential,
  variables: tf.Variable[],
  x: tf.Tensor,
  y: tf.Tensor,
): tf.Tensor1D {
  const lossOf = (reduction: tf.Reduction): tf.Tensor =>
    tf.losses.softmaxCrossEntropy(y, model.apply(x) as tf.Tensor, undefined, undefined, reduction);
  const deviation = Math.sqrt(tf.moments(lossOf(tf.Reduction.NONE)).variance.dataSync()[0]!) || 1;
  const { grads } = tf.variableGrads(() => lossOf(tf.Reduction.MEAN).asScalar(), variables);
  const pieces = variables.map((variable) => grads[variable.name]!.flatten());
  return tf.concat1d(pieces).div(deviation);
}
