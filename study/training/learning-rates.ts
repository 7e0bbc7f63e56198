import * as tf from '@tensorflow/tfjs';
import { EPOCHS, type OptimizerName, type ScheduleName } from '../grid.js';

/** Small steps memorise slowly, large ones within a few epochs. */
const LEARNING_RATES: Record<OptimizerName, number> = {
  'adam-small': 0.0005,
  'adam-large': 0.005,
  'sgd-small': 0.01,
  'sgd-large': 0.1,
};
const MOMENTUM = 0.9;

/** The share of the learning rate that an epoch gets. */
const SHARES: Record<ScheduleName, (epoch: number) => number> = {
  constant: () => 1,
  cosine: (epoch) => (1 + Math.cos((Math.PI * epoch) / EPOCHS)) / 2,
  // A tenth after half of the epochs, and a hundredth after three quarters.
  step: (epoch) => (epoch < EPOCHS / 2 ? 1 : epoch < 0.75 * EPOCHS ? 0.1 : 0.01),
};

/** TensorFlow.js's Adam, whose learning rate only a subclass can set. */
class Adam extends tf.AdamOptimizer {
  setLearningRate(learningRate: number): void {
    this.learningRate = learningRate;
  }
}

type Optimizer = Adam | tf.MomentumOptimizer;

/** @returns an optimizer that the caller disposes. */
export function createOptimizer(name: OptimizerName): Optimizer {
  const learningRate = LEARNING_RATES[name];
  return name.startsWith('adam')
    ? new Adam(learningRate, 0.9, 0.999)
    : tf.train.momentum(learningRate, MOMENTUM);
}

/** Sets the learning rate of an epoch. @param epoch counted from 0. */
export function setLearningRate(
  optimizer: Optimizer,
  name: OptimizerName,
  schedule: ScheduleName,
  epoch: number,
): void {
  if (schedule !== 'constant') optimizer.setLearningRate(LEARNING_RATES[name] * SHARES[schedule](epoch));
}
