import * as tf from '@tensorflow/tfjs';

/** More dimensions than any tensor has. */
const MAX_RANK = 1000;

/** The arguments of a layer, of its initialisers …, in the spelling of tfjs. */
interface Config {
  readonly axes?: unknown;
  readonly layers?: unknown;
}

/**
 * Makes tfjs refuse an architecture that would keep it busy for ever, as one can that was not written by tfjs:
 * it makes layers and connects them without looking for an end. None that it has written is affected.
 *
 * @returns what ends the watch, to be called before anything else can run.
 */
export function guardArchitecture(): () => void {
  const { classNameMap } = tf.serialization.SerializationMap.getMap();
  const originals = { ...classNameMap };
  for (const [name, [type, fromConfig]] of Object.entries(originals)) {
    // Some take more arguments than their type says.
    const make: typeof fromConfig = (...args) => {
      if (type.prototype instanceof tf.Optimizer) throw new Error('It has an optimizer for a layer.');
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
  // tfjs adds the rank to a negative one until it is positive.
  const isAxis = (axis: unknown): boolean => !(Math.abs(Number(axis)) > MAX_RANK);
  if (![axes].flat().every(isAxis)) throw new Error('It has an axis beyond those of any tensor.');
  if (Array.isArray(layers)) limitPasses(layers);
}

/**
 * tfjs goes through the layers, and connects those whose inputs are there, until all are connected; those that
 * wait for each other, or for one that does not exist, never are.
 */
function limitPasses(layers: unknown[]): void {
  const nodes = layers.map(
    (layer) => (layer as { inboundNodes?: unknown[] } | null)?.inboundNodes?.length ?? 0,
  );
  // One to make them. Each of the others connects at least one.
  let restPasses = nodes.reduce((total, count) => total + count, 1);
  const iterate = (): Iterator<unknown> => {
    if (!(restPasses-- > 0)) throw new Error('Its layers wait for inputs that do not exist.');
    return layers.values();
  };
  Object.defineProperty(layers, Symbol.iterator, { value: iterate });
}
