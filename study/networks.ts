import * as tf from '@tensorflow/tfjs';
import type { InputForm } from './data/samples.js';

export const NETWORKS = ['dense', 'dropout', 'conv', 'recurrent'] as const;
export type NetworkName = (typeof NETWORKS)[number];

/** The inputs that each network takes. */
export const INPUT_FORM_OF: Record<NetworkName, InputForm> = {
  dense: 'vector',
  dropout: 'vector',
  conv: 'image',
  recurrent: 'sequence',
};

/**
 * Builds a network that outputs logits, large enough to memorise its training labels.
 *
 * @returns a model that the caller disposes.
 */
export function buildNetwork(
  name: NetworkName,
  inputShape: readonly number[],
  numClasses: number,
): tf.Sequential {
  const layers = LAYERS[name]([...inputShape]);
  return tf.sequential({ layers: [...layers, tf.layers.dense({ units: numClasses })] });
}

const CONV_FILTERS = 16;

const LAYERS: Record<NetworkName, (inputShape: number[]) => tf.layers.Layer[]> = {
  dense: (inputShape) => [
    tf.layers.dense({ inputShape, units: 128, activation: 'relu' }),
    tf.layers.dense({ units: 64, activation: 'relu' }),
  ],
  dropout: (inputShape) => [
    tf.layers.dense({ inputShape, units: 256, activation: 'relu' }),
    tf.layers.dropout({ rate: 0.5 }),
  ],
  // Two convolutions, written as a dense layer that is applied to every window. TensorFlow.js has no convolution
  // gradient on wasm, and takes minutes for one on cpu.
  conv: (inputShape) => [
    tf.layers.dense({ inputShape, units: CONV_FILTERS, activation: 'relu' }),
    ...twoByTwoWindows(inputShape[0]!),
    tf.layers.dense({ units: 32, activation: 'relu' }),
    tf.layers.flatten(),
    tf.layers.dense({ units: 64, activation: 'relu' }),
  ],
  recurrent: (inputShape) => [tf.layers.simpleRNN({ inputShape, units: 64 })],
};

/** Reshapes `[side, side, filters]` to its non-overlapping 2 × 2 windows, `[windows, 4 · filters]`. */
function twoByTwoWindows(side: number): tf.layers.Layer[] {
  const half = side / 2;
  return [
    tf.layers.reshape({ targetShape: [half, 2, half, 2 * CONV_FILTERS] }),
    tf.layers.permute({ dims: [1, 3, 2, 4] }),
    tf.layers.reshape({ targetShape: [half * half, 4 * CONV_FILTERS] }),
  ];
}
