import * as tf from '@tensorflow/tfjs';

/**
 * The total time of all optimizer steps while `train` runs, in ms: forward, backward and update. It's right for
 * backends that compute synchronously, like cpu and wasm.
 */
export async function timeOptimizerSteps(train: () => Promise<unknown>): Promise<number> {
  const prototype = tf.Optimizer.prototype;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- restored below
  const { minimize } = prototype;
  let stepsMs = 0;
  prototype.minimize = function (...args) {
    const startMs = performance.now();
    try {
      return minimize.apply(this, args);
    } finally {
      stepsMs += performance.now() - startMs;
    }
  };
  try {
    await train();
  } finally {
    prototype.minimize = minimize;
  }
  return stepsMs;
}
