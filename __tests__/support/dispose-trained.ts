import * as tf from '@tensorflow/tfjs';

/**
 * Frees a model, its optimizer and the optimizer's slots. The `dispose` of a Sequential doesn't free an optimizer that
 * was given by name: only the functional model inside owns it.
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
