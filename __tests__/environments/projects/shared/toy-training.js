/**
 * Trains a tiny model with the callback. Restores the best epoch into the model, and loads it as a new model.
 *
 * @param tf the project's TensorFlow.js.
 * @param library the used exports of this package.
 * @param filepath where the best epoch is stored.
 */
export async function toyTraining(tf, { EntropyCheckpointCallback, loadCheckpoint }, filepath) {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [4], units: 8, activation: 'relu' }),
      tf.layers.dense({ units: 3, activation: 'softmax' }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.1), loss: 'categoricalCrossentropy' });
  const x = tf.randomUniform([60, 4]);
  const y = tf.oneHot(tf.argMax(tf.slice2d(x, [0, 0], [60, 3]), 1), 3);

  let atBest = null;
  const checkpoint = new EntropyCheckpointCallback({
    filepath,
    // The first epoch stays the best, and is not the last.
    monitor: ({ epoch }) => -epoch,
    mode: 'max',
    onBest: () => {
      atBest = valuesOf(model);
    },
  });
  await model.fit(x, y, { epochs: 3, validationSplit: 0.2, verbose: 0, callbacks: checkpoint });
  const atEnd = valuesOf(model);
  const { epoch } = await checkpoint.loadCheckpoint();
  const { model: loaded } = await loadCheckpoint(filepath);
  return {
    checkpoint,
    summary: {
      backend: tf.getBackend(),
      epochs: checkpoint.history.length,
      entropy: checkpoint.best.entropy,
      epoch,
      isBestLast: isEqual(atBest, atEnd),
      isRestored: isEqual(atBest, valuesOf(model)),
      isLoaded: isEqual(atBest, valuesOf(loaded)),
    },
  };
}

function valuesOf(model) {
  return model.getWeights().flatMap((weight) => Array.from(weight.dataSync()));
}

function isEqual(a, b) {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}
