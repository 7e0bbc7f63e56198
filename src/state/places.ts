import * as tf from '@tensorflow/tfjs';
import { functionalModel } from '../tfjs-internals.js';

/**
 * Where a weight or a recurrent state is in its model: the index of the layer within `layers`, of the
 * layer within that where it is a model itself, and so on, and last the index within the layer.
 *
 * Names are no key: the same model built twice in one process gets other names. Nor is the position in
 * `model.weights`, which changes when a layer is frozen. This is stable under both.
 */
export type Place = readonly number[];

export function placeKey(place: Place): string {
  return place.join('.');
}

/** A weight and where it is. */
export interface PlacedWeight {
  readonly place: Place;
  readonly weight: tf.LayerVariable;
}

/** Every weight of `model` once, at the first place where a shared layer stands. Not owned. */
export function placeWeights(model: tf.LayersModel): PlacedWeight[] {
  const seen = new Set<tf.LayerVariable>();
  const placed: PlacedWeight[] = [];
  visitLayers(model, (layer, path) => {
    // The order of creation: unlike that of `layer.weights`, it does not depend on what is frozen.
    const weights = [...layer.weights].sort((a, b) => a.id - b.id);
    for (const [index, weight] of weights.entries()) {
      if (seen.has(weight)) continue;
      seen.add(weight);
      placed.push({ place: [...path, index], weight });
    }
  });
  return placed;
}

/** A recurrent layer, whose `states` tfjs does not save. */
export type RecurrentLayer = tf.layers.Layer & { states_: tf.Tensor[] | null };

/** Every stateful recurrent layer of `model`, also inside of wrappers. */
export function placeRecurrentLayers(model: tf.LayersModel): { place: Place; layer: RecurrentLayer }[] {
  const seen = new Set<tf.layers.Layer>();
  const placed: { place: Place; layer: RecurrentLayer }[] = [];
  const visit = (layer: tf.layers.Layer, path: Place): void => {
    if (seen.has(layer)) return;
    seen.add(layer);
    if (layer instanceof tf.RNN && layer.stateful) {
      placed.push({ place: path, layer: layer as tf.layers.Layer as RecurrentLayer });
    }
    for (const [index, inner] of wrappedLayers(layer).entries()) visit(inner, [...path, index]);
  };
  visitLayers(model, visit);
  return placed;
}

/** Calls `visit` for each layer that is no model, in a stable order. */
function visitLayers(model: tf.LayersModel, visit: (layer: tf.layers.Layer, path: Place) => void): void {
  const walk = (container: tf.LayersModel, path: Place): void => {
    // A Sequential lists no input layer, the functional model inside of it does.
    const layers = container.layers.filter((layer) => layer.getClassName() !== 'InputLayer');
    for (const [index, layer] of layers.entries()) {
      if (layer instanceof tf.LayersModel) walk(layer, [...path, index]);
      else visit(layer, [...path, index]);
    }
  };
  walk(functionalModel(model), []);
}

/** The layers inside of `Bidirectional`, `TimeDistributed` and other wrappers. */
function wrappedLayers(layer: tf.layers.Layer): tf.layers.Layer[] {
  const {
    forwardLayer,
    backwardLayer,
    layer: inner,
  } = layer as tf.layers.Layer & {
    forwardLayer?: unknown;
    backwardLayer?: unknown;
    layer?: unknown;
  };
  const candidates = forwardLayer === undefined ? [inner] : [forwardLayer, backwardLayer];
  return candidates.filter((candidate) => candidate instanceof tf.layers.Layer);
}
