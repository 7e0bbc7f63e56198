import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint, loadCheckpoint, type EntropyCheckpointOptions } from '../../src/index.js';
import type { FileStore } from '../../src/stores/file/file-store.js';

/** A training whose epochs have given values. All weights of an epoch are its value, which so tells epochs apart. */
export class ValuedTraining {
  readonly checkpoint: EntropyCheckpoint;
  readonly #model = makeModel();

  constructor(filepath: FileStore | string, options: EntropyCheckpointOptions) {
    const valued = { filepath, monitor: 'val_x', mode: 'max', includeOptimizer: false } as const;
    this.checkpoint = new EntropyCheckpoint(this.#model, undefined, { ...valued, ...options });
  }

  /** The value of the current weights. */
  get weight(): number {
    return weightOf(this.#model);
  }

  async end(value: number): Promise<void> {
    for (const weight of this.#model.weights) {
      tf.tidy(() => {
        weight.write(tf.fill(weight.shape as number[], value));
      });
    }
    await this.checkpoint.saveCheckpoint(this.checkpoint.history.length, { val_x: value });
  }

  dispose(): void {
    this.checkpoint.dispose();
    this.#model.dispose();
  }
}

/** The value of the epoch that is stored, after comparing record and weights; null if they differ, or nothing is. */
export async function storedValue(
  folder: string,
  epoch?: number | 'last',
): Promise<{ readonly value: number | null; readonly code: string | null }> {
  const model = makeModel();
  try {
    const options = epoch === undefined ? { model } : { model, epoch };
    const { record } = await loadCheckpoint(folder, options);
    const value = record.logs['val_x'] === weightOf(model) ? weightOf(model) : null;
    return { value, code: null };
  } catch (error) {
    return { value: null, code: (error as { code?: string }).code ?? String(error) };
  } finally {
    model.dispose();
  }
}

function makeModel(): tf.LayersModel {
  return tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4], activation: 'softmax' })] });
}

function weightOf(model: tf.LayersModel): number {
  const values = new Set(model.weights.flatMap((weight) => [...weight.read().dataSync()]));
  return values.size === 1 ? [...values][0]! : NaN;
}
