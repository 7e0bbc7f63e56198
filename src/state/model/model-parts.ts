import * as tf from '@tensorflow/tfjs';
import {
  layerPrototype,
  statefulPrototypes,
  type StatefulLayer,
  type StatefulPrototype,
} from '../../tfjs-internals.js';

/** The weights and recurrent states that are made during the watch. */
export interface ModelParts {
  /** Call it before anything else can run. */
  readonly endWatch: () => void;
  /** Frees the parts of a model that couldn't be completed. */
  readonly dispose: () => void;
}

/**
 * Makes every weight of zeros from now on: initial values would be discarded, and some initializers are slow.
 * Refuses to reserve more memory than what is stored, whatever the architecture says.
 *
 * @param sizeBytes size of everything that is stored.
 */
export function watchParts(sizeBytes: number): ModelParts {
  let bytesLeft = sizeBytes;
  const reserve = (partBytes: number, name: string): void => {
    bytesLeft -= partBytes;
    if (!(partBytes >= 0 && bytesLeft >= 0)) throw new Error(`${name} is larger than what is stored.`);
  };
  const weights: tf.LayerVariable[] = [];
  const layers: StatefulLayer[] = [];
  const ends = [
    watchWeights(reserve, weights),
    ...statefulPrototypes().map((type) => watchStates(type, reserve, layers)),
  ];
  return {
    endWatch() {
      for (const end of ends) end();
    },
    dispose() {
      for (const weight of weights) weight.dispose();
      for (const { states_ } of layers) tf.dispose(states_ ?? []);
    },
  };
}

type Reserve = (sizeBytes: number, name: string) => void;

function watchWeights(reserve: Reserve, made: tf.LayerVariable[]): () => void {
  const prototype = layerPrototype();
  const { addWeight } = prototype;
  const zeros = tf.initializers.zeros();
  prototype.addWeight = function (name, shape, dtype, _initializer, ...rest) {
    const sizeBytes = tf.util.sizeFromShape(shape) * tf.util.bytesPerElement(dtype ?? 'float32');
    reserve(sizeBytes, `Weight "${name}" [${shape.join(', ')}]`);
    let weight!: tf.LayerVariable;
    // TensorFlow.js leaves the zeros behind where it refuses the name.
    tf.tidy(() => {
      weight = addWeight.call(this, name, shape, dtype, zeros, ...rest);
    });
    made.push(weight);
    return weight;
  };
  return () => {
    prototype.addWeight = addWeight;
  };
}

/** A stateful layer makes its states when it's built. */
function watchStates(type: StatefulPrototype, reserve: Reserve, layers: StatefulLayer[]): () => void {
  const { resetStates } = type;
  type.resetStates = function (...args) {
    reserve(stateSizeBytes(this), 'The state of a recurrent layer');
    resetStates.apply(this, args);
    layers.push(this);
  };
  return () => {
    type.resetStates = resetStates;
  };
}

function stateSizeBytes(layer: StatefulLayer): number {
  const [{ shape }] = layer.inputSpec;
  const stateSizes = [layer.cell.stateSize].flat();
  // A convolution's state is an output image without the time axis; any other has the size of its units.
  const [batchSize = 0, , ...image] = layer.computeSingleOutputShape?.(shape) ?? shape;
  const sizes =
    layer.computeSingleOutputShape === undefined
      ? stateSizes
      : stateSizes.map(() => tf.util.sizeFromShape(image));
  return 4 * batchSize * sizes.reduce((total, size) => total + size, 0);
}
