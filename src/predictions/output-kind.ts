import * as tf from '@tensorflow/tfjs';
import { internalsOf, wrappedLayers } from '../tfjs-internals.js';

/**
 * What an output holds: class scores as probabilities or logits, an independent probability for each unit
 * (`multi-label`), or no classes (`other`). It's `unknown` if neither its layer nor its loss says.
 */
export type OutputKind = 'probabilities' | 'logits' | 'multi-label' | 'other' | 'unknown';

/**
 * What the output at `index` of a functional model holds.
 *
 * A softmax layer makes probabilities. So does a sigmoid of one unit: it's the probability of the positive class of
 * two. A log-softmax makes logits, and so does any layer trained with a loss that takes logits. An output trained with
 * a distance between values isn't a class output.
 */
export function outputKind(model: tf.LayersModel, index: number): OutputKind {
  const shape = model.outputs[index]?.shape ?? [];
  const units = shape.at(-1) ?? null;
  switch (outputActivation(model, index, shape.length)) {
    case 'softmax':
      // A softmax over one unit is always 1.
      return units === 1 ? 'other' : 'probabilities';
    case 'sigmoid':
    case 'hardSigmoid':
      return units === 1 ? 'probabilities' : 'multi-label';
    case 'logSoftmax':
      return 'logits';
    default:
      return kindByLoss(outputLoss(model, index), units);
  }
}

type Loss = string | ((yTrue: tf.Tensor, yPred: tf.Tensor) => tf.Tensor);

/** The loss of one output, as it was passed to `compile`. */
function outputLoss(model: tf.LayersModel, index: number): Loss | undefined {
  const loss = model.loss as Loss | Loss[] | Record<string, Loss> | undefined;
  if (loss === undefined || typeof loss === 'string' || typeof loss === 'function') return loss;
  if (Array.isArray(loss)) return loss[index];
  return loss[model.outputNames[index] ?? ''];
}

function kindByLoss(loss: Loss | undefined, units: number | null): OutputKind {
  if (loss === tf.losses.softmaxCrossEntropy) return 'logits';
  if (loss === tf.losses.sigmoidCrossEntropy) return units === 1 ? 'logits' : 'multi-label';
  // All named class losses of TensorFlow.js expect probabilities, but no layer here makes them.
  if (typeof loss === 'string') return /crossentropy|kullback|hinge/i.test(loss) ? 'unknown' : 'other';
  const distances: unknown[] = [
    tf.losses.absoluteDifference,
    tf.losses.cosineDistance,
    tf.losses.huberLoss,
    tf.losses.meanSquaredError,
  ];
  return distances.includes(loss) ? 'other' : 'unknown';
}

/** The activation that makes the values along the last axis; null if no layer says. */
function outputActivation(model: tf.LayersModel, index: number, rank: number): string | null {
  const { outputLayers, outputLayersTensorIndices } = internalsOf(model);
  const layer = outputLayers[index];
  return layer === undefined ? null : layerActivation(layer, outputLayersTensorIndices[index] ?? 0, rank);
}

function layerActivation(layer: tf.layers.Layer, index: number, rank: number): string | null {
  // A model used as a layer: look at its inner layer that makes this output.
  if (layer instanceof tf.LayersModel) return outputActivation(layer, index, rank);
  const className = layer.getClassName();
  if (className === 'TimeDistributed') return layerActivation(wrappedLayers(layer)[0]!, index, rank - 1);
  const config = layer.getConfig();
  if (className === 'Softmax') {
    const axis = config['axis'];
    return axis === -1 || axis === rank - 1 ? 'softmax' : null;
  }
  const isAlongLastAxis = config['dataFormat'] !== 'channelsFirst';
  const { activation } = config;
  // Recurrent and custom layers may apply their activation before their last step.
  const isAppliedLast = /^(Dense|Activation|(Separable|Depthwise)?Conv\dD(Transpose)?)$/.test(className);
  return isAppliedLast && isAlongLastAxis && typeof activation === 'string' ? activation : null;
}
