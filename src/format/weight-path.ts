/**
 * Where a weight or a recurrent state is in its model: the index of the layer within `layers`, then of the layer
 * within that where it's a model itself, and so on, and last the index within the layer.
 *
 * Names are no key: the same model built twice in one process gets other names. Nor is the position in
 * `model.weights`, which changes when a layer is frozen. The path is stable under both.
 */
export type WeightPath = readonly number[];

export function pathKey(path: WeightPath): string {
  return path.join('.');
}
