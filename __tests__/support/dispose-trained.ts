import * as tf from '@tensorflow/tfjs';

/**
 * Frees a model, its optimizer and what the optimizer has made. A Sequential leaves an optimizer that it has
 * made to the functional model inside.
 */
export function disposeTrained(model: tf.LayersModel): void {
  const { optimizer } = model;
  model.dispose();
  for (const value of Object.values(optimizer) as unknown[]) {
    if (value instanceof tf.Tensor && !value.isDisposed) value.dispose();
    if (!Array.isArray(value)) continue;
    for (const { variable } of value as { variable: tf.Variable }[]) {
      if (!variable.isDisposed) variable.dispose();
    }
  }
}
