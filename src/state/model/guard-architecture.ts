import * as tf from '@tensorflow/tfjs';

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
  for (const [name, [type, fromConfig]] of Object.entries(originals)) {
    // Some take more arguments than their type says.
    const make: typeof fromConfig = (...args) => {
      if (type.prototype instanceof tf.Optimizer) throw new Error('A layer is an optimizer.');
      checkConfig(args[1]);
      return fromConfig(...args);
    };
    classNameMap[name] = [type, make];
  }
  return () => {
    Object.assign(classNameMap, originals);
  };
}

function checkConfig({ axes, layers }: Config): void {
  // TensorFlow.js adds the rank to a negative axis until it's positive.
  const isAxis = (axis: unknown): boolean => !(Math.abs(Number(axis)) > MAX_RANK);
  if (![axes].flat().every(isAxis)) throw new Error('A layer has an axis that no tensor has.');
  if (Array.isArray(layers)) limitPasses(layers);
}

/**
 * Limits how often TensorFlow.js iterates over the layers. Each time it connects the layers whose inputs exist, until
 * all are connected. Layers that wait for each other, or for one that doesn't exist, never are.
 */
function limitPasses(layers: unknown[]): void {
  const nodes = layers.map(
    (layer) => (layer as { inboundNodes?: unknown[] } | null)?.inboundNodes?.length ?? 0,
  );
  // One pass makes the layers. Each further pass connects at least one node.
  let passesLeft = nodes.reduce((total, count) => total + count, 1);
  const iterate = (): Iterator<unknown> => {
    if (!(passesLeft-- > 0)) throw new Error('Its layers wait for inputs that do not exist.');
    return layers.values();
  };
  Object.defineProperty(layers, Symbol.iterator, { value: iterate });
}
