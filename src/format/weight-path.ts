import { excerpt } from '../errors.js';

/**
 * The path to a weight or a recurrent state in its model. It starts with the index of the layer in `layers`. If that
 * layer is a model, the index of a layer inside it follows, and so on. The last number is the index within the layer.
 *
 * Names can't identify a weight: the same model built twice in one process gets different names. Nor can the position
 * in `model.weights`: it changes when a layer is frozen. The path is stable in both cases.
 */
export type WeightPath = readonly number[];

export function pathKey(path: WeightPath): string {
  return path.join('.');
}

/** A path for a message. */
export function describePath(path: WeightPath): string {
  return excerpt(pathKey(path), 40);
}

/** A shape for a message. */
export function describeShape(shape: readonly number[]): string {
  return excerpt(`[${shape.join(', ')}]`, 60);
}
