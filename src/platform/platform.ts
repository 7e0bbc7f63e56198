import type * as tf from '@tensorflow/tfjs';
import type { CheckpointStore } from '../stores/store.js';

/** What only Node or only a browser has. */
export interface Platform {
  /** Of backends that there are nowhere else. */
  readonly kernels: readonly tf.KernelConfig[];
  /**
   * This package's own store for a place.
   *
   * @param place a plain name or a URL.
   * @returns null for a URL that is left to the handlers of tfjs.
   * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` for a place that there is none of here.
   */
  storeAt(place: string): CheckpointStore | null;
}
