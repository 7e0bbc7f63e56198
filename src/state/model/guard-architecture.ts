import * as tf from '@tensorflow/tfjs';

/** How many layers, initializers and other parts an architecture may have. No model has a tenth of them. */
const MAX_PARTS = 50_000;
/** How often its layers may be connected. Each connection takes about a kilobyte. */
const MAX_NODES = 50_000;
/** More dimensions than any tensor has. */
const MAX_RANK = 1000;

/** The arguments of a layer or an initializer, as TensorFlow.js spells them. */
interface Config {
  readonly axes?: unknown;
  readonly layers?: unknown;
}

/**
 * Makes TensorFlow.js refuse an architecture that would keep it busy for ever. A crafted one can: TensorFlow.js makes
 * and connects layers without a limit. Architectures that TensorFlow.js wrote aren't affected.
 *
 * @returns a function that ends the guard. Call it before anything else can run.
 */
export function guardArchitecture(): () => void {
  const { classNameMap } = tf.serialization.SerializationMap.getMap();
  const originals = { ...classNameMap };
  let partsLeft = MAX_PARTS;
  let nodesLeft = MAX_NODES;
  for (const [name, [type, fromConfig]] of Object.entries(originals)) {
    // Some take more arguments than their type says.
    const make: typeof fromConfig = (...args) => {
      if (type.prototype instanceof tf.Optimizer) throw new Error('A layer is an optimizer.');
      if (--partsLeft < 0) throw new Error(`It has more than ${MAX_PARTS} layers and initializers.`);
      nodesLeft -= checkConfig(args[1]);
      if (nodesLeft < 0) throw new Error(`Its layers are connected more than ${MAX_NODES} times.`);
      return fromConfig(...args);
    };
    classNameMap[name] = [type, make];
  }
  return () => {
    Object.assign(classNameMap, originals);
  };
}

/** @returns how often its layers are connected. */
function checkConfig({ axes, layers }: Config): number {
  // TensorFlow.js adds the rank to a negative axis until it's positive.
  const isAxis = (axis: unknown): boolean => !(Math.abs(Number(axis)) > MAX_RANK);
  if (![axes].flat().every(isAxis)) throw new Error('A layer has an axis that no tensor has.');
  return Array.isArray(layers) ? limitPasses(layers) : 0;
}

/**
 * Limits how often TensorFlow.js iterates over the layers. Each time it connects the layers whose inputs exist, until
 * all are connected. Layers that wait for each other, or for one that doesn't exist, never are.
 *
 * @returns how often they are connected.
 */
function limitPasses(layers: unknown[]): number {
  const nodes = layers.map(
    (layer) => (layer as { inboundNodes?: unknown[] } | null)?.inboundNodes?.length ?? 0,
  );
  // One pass makes the layers. Each further pass connects at least one node.
  const numNodes = nodes.reduce((total, count) => total + count, 0);
  let passesLeft = numNodes + 1;
  const iterate = (): Iterator<unknown> => {
    if (!(passesLeft-- > 0)) throw new Error('Its layers wait for inputs that do not exist.');
    return layers.values();
  };
  Object.defineProperty(layers, Symbol.iterator, { value: iterate });
  return numNodes;
}
