import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError, excerpt } from '../errors.js';

/** A tensor in memory, or one whose bytes are still in a store. */
export type TensorSource = tf.Tensor | StoredTensor;

/** A tensor whose bytes are in a store. It holds no memory until it's loaded. */
export class StoredTensor {
  readonly shape: number[];
  readonly dtype: 'float32' | 'int32' | 'bool';
  readonly #read: (bytes: Uint8Array) => Promise<void>;

  /** @param read fills an array that has the size of the tensor in bytes. */
  constructor(spec: tf.io.WeightsManifestEntry, read: (bytes: Uint8Array) => Promise<void>) {
    this.shape = spec.shape;
    this.dtype = spec.dtype as 'float32';
    this.#read = read;
  }

  /**
   * Reads the tensor from the store.
   *
   * @returns the caller disposes it.
   * @throws EntropyCheckpointError `ENTROPY_STORE_FAILED`.
   */
  async load(): Promise<tf.Tensor> {
    const length = tf.util.sizeFromShape(this.shape);
    const values =
      this.dtype === 'bool'
        ? new Uint8Array(length)
        : this.dtype === 'int32'
          ? new Int32Array(length)
          : new Float32Array(length);
    try {
      await this.#read(new Uint8Array(values.buffer));
    } catch (cause) {
      throw new EntropyCheckpointError(
        'ENTROPY_STORE_FAILED',
        `Load the checkpoint again: it was verified, but a second read failed: ${excerpt(cause)} Nothing was ` +
          'changed.',
        { cause },
      );
    }
    return tf.tensor(values, this.shape, this.dtype);
  }

  dispose(): void {
    // Nothing to free: the caller of `load` disposes the loaded tensor.
  }
}

/** Runs `use` on the tensor of `source`. `use` must not keep it: a loaded tensor is disposed afterwards. */
export async function withTensor<T>(
  source: TensorSource,
  use: (tensor: tf.Tensor) => T | Promise<T>,
): Promise<T> {
  if (!(source instanceof StoredTensor)) return use(source);
  const tensor = await source.load();
  try {
    return await use(tensor);
  } finally {
    tensor.dispose();
  }
}
