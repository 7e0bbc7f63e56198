import * as tf from '@tensorflow/tfjs';

/** `addWeight` of a layer, which its types keep private: (name, shape, dtype, initializer, …). */
type AddWeight = (
  this: tf.layers.Layer,
  name: string,
  shape: number[],
  dtype: tf.DataType | undefined,
  initializer: unknown,
  ...rest: unknown[]
) => tf.LayerVariable;

/** What a recurrent layer makes its states of, which its types keep private. */
interface StatefulLayer {
  readonly inputSpec: readonly [{ readonly shape: number[] }];
  readonly cell: { readonly stateSize: number | number[] };
  /** Of a convolution. */
  computeSingleOutputShape?(inputShape: number[]): number[];
  states_: tf.Tensor[] | null;
}

interface StatefulPrototype {
  resetStates: (this: StatefulLayer, ...args: unknown[]) => void;
}

/** The weights and the states of recurrent layers that are made while it watches. */
export interface ModelParts {
  /** To be called before anything else can run. */
  readonly endWatch: () => void;
  /** Frees them, of a model that comes to nothing. */
  readonly dispose: () => void;
}

const layerPrototype = tf.layers.Layer.prototype as unknown as { addWeight: AddWeight };

/**
 * Makes every weight of zeros from now on: initialisers would be thrown away, and some are slow. Nor is memory
 * taken for more than is stored, whatever the architecture says.
 *
 * @param sizeBytes of all that is stored.
 */
export function watchParts(sizeBytes: number): ModelParts {
  let restBytes = sizeBytes;
  const take = (partBytes: number, name: string): void => {
    restBytes -= partBytes;
    if (!(partBytes >= 0 && restBytes >= 0)) throw new Error(`${name} is larger than what is stored.`);
  };
  const weights: tf.LayerVariable[] = [];
  const layers: StatefulLayer[] = [];
  const ends = [
    watchWeights(take, weights),
    ...statefulPrototypes().map((type) => watchStates(type, take, layers)),
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

type Take = (sizeBytes: number, name: string) => void;

function watchWeights(take: Take, made: tf.LayerVariable[]): () => void {
  const { addWeight } = layerPrototype;
  const zeros = tf.initializers.zeros();
  layerPrototype.addWeight = function (name, shape, dtype, _initializer, ...rest) {
    const sizeBytes = tf.util.sizeFromShape(shape) * tf.util.bytesPerElement(dtype ?? 'float32');
    take(sizeBytes, `Weight "${name}" [${shape.join(', ')}]`);
    let weight!: tf.LayerVariable;
    // tfjs leaves the zeros behind where it refuses the name.
    tf.tidy(() => {
      weight = addWeight.call(this, name, shape, dtype, zeros, ...rest);
    });
    made.push(weight);
    return weight;
  };
  return () => {
    layerPrototype.addWeight = addWeight;
  };
}

/** A stateful layer makes its states when it is built. */
function watchStates(type: StatefulPrototype, take: Take, layers: StatefulLayer[]): () => void {
  const { resetStates } = type;
  type.resetStates = function (...args) {
    take(stateSizeBytes(this), 'The state of a recurrent layer');
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
  // All of an image as it comes out but its time; else the units.
  const [batchSize = 0, , ...image] = layer.computeSingleOutputShape?.(shape) ?? shape;
  const sizes =
    layer.computeSingleOutputShape === undefined
      ? stateSizes
      : stateSizes.map(() => tf.util.sizeFromShape(image));
  return 4 * batchSize * sizes.reduce((total, size) => total + size, 0);
}

/** Those of recurrent layers that have a way of their own to make states. */
function statefulPrototypes(): StatefulPrototype[] {
  const found = new Set<object>();
  for (const [{ prototype }] of Object.values(tf.serialization.SerializationMap.getMap().classNameMap)) {
    let type = prototype as object | null;
    for (; type instanceof tf.RNN || type === tf.RNN.prototype; type = Reflect.getPrototypeOf(type)) {
      if (Object.hasOwn(type, 'resetStates')) found.add(type);
    }
  }
  return [...found] as StatefulPrototype[];
}
