import * as tf from '@tensorflow/tfjs';

/**
 * How long the steps of optimizers take in all while `train` runs, in ms: forward, backward, update. On
 * backends that compute at once, as cpu and wasm do.
 */
export async function stepsTimed(train: () => Promise<unknown>): Promise<number> {
  const prototype = tf.Optimizer.prototype;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- put back below
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
