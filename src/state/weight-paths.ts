import * as tf from '@tensorflow/tfjs';
import type { WeightPath } from '../format/weight-path.js';
import { requireLiveWeights } from './live-weights.js';
import { functionalModel, isStatefulLayer, wrappedLayers, type RecurrentLayer } from '../tfjs-internals.js';

/** A weight and its path. */
export interface WeightWithPath {
  readonly path: WeightPath;
  readonly weight: tf.LayerVariable;
}

/**
 * Every weight of `model`, once each: a shared weight at its first path. The model owns them.
 *
 * @throws EntropyCheckpointError `ENTROPY_MODEL_DISPOSED`, `ENTROPY_UNSUPPORTED_MODEL`.
 */
export function weightsWithPaths(model: tf.LayersModel): WeightWithPath[] {
  const seen = new Set<tf.LayerVariable>();
  const found: WeightWithPath[] = [];
  visitLayers(model, (layer, path) => {
    // The order of creation: unlike that of `layer.weights`, it doesn't depend on which layers are frozen.
    const weights = [...layer.weights].sort((a, b) => a.id - b.id);
    for (const [index, weight] of weights.entries()) {
      if (seen.has(weight)) continue;
      seen.add(weight);
      found.push({ path: [...path, index], weight });
    }
  });
  requireLiveWeights(found.map(({ weight }) => weight));
  return found;
}

/** Every stateful recurrent layer of `model` with its path, those inside wrappers included. */
export function recurrentLayersWithPaths(
  model: tf.LayersModel,
): { path: WeightPath; layer: RecurrentLayer }[] {
  const seen = new Set<tf.layers.Layer>();
  const found: { path: WeightPath; layer: RecurrentLayer }[] = [];
  const visit = (layer: tf.layers.Layer, path: WeightPath): void => {
    if (seen.has(layer)) return;
    seen.add(layer);
    if (isStatefulLayer(layer)) found.push({ path, layer });
    for (const [index, inner] of wrappedLayers(layer).entries()) visit(inner, [...path, index]);
  };
  visitLayers(model, visit);
  return found;
}

/** Calls `visit` for each layer that isn't a model itself, in a stable order. */
function visitLayers(model: tf.LayersModel, visit: (layer: tf.layers.Layer, path: WeightPath) => void): void {
  const walk = (container: tf.LayersModel, path: WeightPath): void => {
    // A Sequential lists no input layer, the functional model inside it does.
    const layers = container.layers.filter((layer) => layer.getClassName() !== 'InputLayer');
    for (const [index, layer] of layers.entries()) {
      if (layer instanceof tf.LayersModel) walk(layer, [...path, index]);
      else visit(layer, [...path, index]);
    }
  };
  walk(functionalModel(model), []);
}
