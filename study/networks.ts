import * as tf from '@tensorflow/tfjs';
import type { Form } from './data/samples.js';

export const NETWORKS = ['dense', 'dropout', 'conv', 'recurrent'] as const;
export type NetworkName = (typeof NETWORKS)[number];

/** What each takes. */
export const FORM_OF: Record<NetworkName, Form> = {
  dense: 'vector',
  dropout: 'vector',
  conv: 'image',
  recurrent: 'sequence',
};

/**
 * A network that ends in logits, large enough to memorise its training labels.
 *
 * @returns the caller disposes it.
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
  // Two convolutions, written as what they are: the same dense layer on every window. TensorFlow.js has no
  // gradient of its own on wasm, and takes minutes for one on cpu.
  conv: (inputShape) => [
    tf.layers.dense({ inputShape, units: CONV_FILTERS, activation: 'relu' }),
    ...twoByTwoWindows(inputShape[0]!),
    tf.layers.dense({ units: 32, activation: 'relu' }),
    tf.layers.flatten(),
    tf.layers.dense({ units: 64, activation: 'relu' }),
  ],
  recurrent: (inputShape) => [tf.layers.simpleRNN({ inputShape, units: 64 })],
};

/** `[side, side, filters]` to its windows of two by two that do not overlap, `[windows, 4 · filters]`. */
function twoByTwoWindows(side: number): tf.layers.Layer[] {
  const half = side / 2;
  return [
    tf.layers.reshape({ targetShape: [half, 2, half, 2 * CONV_FILTERS] }),
    tf.layers.permute({ dims: [1, 3, 2, 4] }),
    tf.layers.reshape({ targetShape: [half * half, 4 * CONV_FILTERS] }),
  ];
}
