import * as tf from '@tensorflow/tfjs';
import { NUM_CLASSES, NUM_PIXELS } from '../../noisy-mnist/image-pool.js';
import { PRESETS, type Settings } from './settings.js';

/** The model's metadata key for the settings of its training. Neither can be stored without the other. */
export const SETTINGS_KEY = 'noisyMnistPage';

/** A network whose first weights follow from the seed, compiled with Adam. The caller disposes both. */
export function buildNetwork(settings: Settings): tf.LayersModel {
  const { hiddenUnits, learningRate } = PRESETS[settings.preset];
  const inputs = tf.input({ shape: [NUM_PIXELS] });
  const dense = (units: number, activation: 'relu' | 'softmax', position: number): tf.layers.Layer =>
    tf.layers.dense({
      units,
      activation,
      kernelInitializer: tf.initializers.glorotUniform({ seed: 100 * settings.seed + position }),
    });
  const hidden = hiddenUnits.reduce<tf.SymbolicTensor>(
    (input, units, position) => dense(units, 'relu', position).apply(input) as tf.SymbolicTensor,
    inputs,
  );
  const outputs = dense(NUM_CLASSES, 'softmax', hiddenUnits.length).apply(hidden) as tf.SymbolicTensor;
  // A tf.Sequential would not be stored with its metadata.
  const model = tf.model({ inputs, outputs });
  model.setUserDefinedMetadata({ [SETTINGS_KEY]: settings });
  model.compile({
    optimizer: tf.train.adam(learningRate),
    loss: 'categoricalCrossentropy',
    metrics: ['accuracy'],
  });
  return model;
}
