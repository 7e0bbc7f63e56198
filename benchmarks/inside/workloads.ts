import * as tf from '@tensorflow/tfjs';
import type { WorkloadName } from '../names.js';

/** A network to train, and the shapes of its data. */
export interface Workload {
  /** Describes layers and shapes. */
  readonly title: string;
  /** Slow devices get smaller batches. */
  readonly batchSize: number;
  /** The shape of one row. */
  readonly inputShape: number[];
  /** The shape of one row. The last axis holds the classes. */
  readonly outputShape: number[];
  layers(initializer: (seed: number) => Initializer): tf.layers.Layer[];
}

type Initializer = ReturnType<typeof tf.initializers.zeros>;

const WORKLOADS: Record<WorkloadName, Workload> = {
  dense: {
    title: '784-128-10',
    batchSize: 128,
    inputShape: [784],
    outputShape: [10],
    layers: (initializer) => [
      tf.layers.dense({
        inputShape: [784],
        units: 128,
        activation: 'relu',
        kernelInitializer: initializer(1),
      }),
      tf.layers.dense({ units: 10, activation: 'softmax', kernelInitializer: initializer(2) }),
    ],
  },
  conv: {
    title: '14×14 images, 8 filters 3×3, pooling, dense 10',
    batchSize: 32,
    inputShape: [14, 14, 1],
    outputShape: [10],
    layers: (initializer) => [
      tf.layers.conv2d({
        inputShape: [14, 14, 1],
        filters: 8,
        kernelSize: 3,
        activation: 'relu',
        kernelInitializer: initializer(1),
      }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 10, activation: 'softmax', kernelInitializer: initializer(2) }),
    ],
  },
  classes: {
    title: '64-64-1000',
    batchSize: 64,
    inputShape: [64],
    outputShape: [1000],
    layers: (initializer) => [
      tf.layers.dense({
        inputShape: [64],
        units: 64,
        activation: 'relu',
        kernelInitializer: initializer(1),
      }),
      tf.layers.dense({ units: 1000, activation: 'softmax', kernelInitializer: initializer(2) }),
    ],
  },
  sequence: {
    title: '8 steps of 32-32-5000',
    batchSize: 8,
    inputShape: [8, 32],
    outputShape: [8, 5000],
    layers: (initializer) => [
      tf.layers.dense({
        inputShape: [8, 32],
        units: 32,
        activation: 'relu',
        kernelInitializer: initializer(1),
      }),
      tf.layers.dense({ units: 5000, activation: 'softmax', kernelInitializer: initializer(2) }),
    ],
  },
};

export function workloadNamed(name: WorkloadName): Workload {
  return WORKLOADS[name];
}
