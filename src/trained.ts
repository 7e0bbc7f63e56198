import type * as tf from '@tensorflow/tfjs';

/** The model that is trained and the optimizer whose state is kept with it. */
export interface Trained {
  readonly model: tf.LayersModel;
  readonly optimizer: tf.Optimizer | null;
}
