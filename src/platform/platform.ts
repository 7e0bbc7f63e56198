import type * as tf from '@tensorflow/tfjs';
import type { StorePlace } from '../stores/store-place.js';

/** What only Node or only a browser has. */
export interface Platform {
  /** Of backends that there are nowhere else. */
  readonly kernels: readonly tf.KernelConfig[];
  /**
   * A place that has a store of this package's own.
   *
   * @param place a plain name or a URL.
   * @returns null for a URL that is left to the handlers of tfjs.
   * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` for a place that there is none of here.
   */
  storePlace(place: string): StorePlace | null;
}
