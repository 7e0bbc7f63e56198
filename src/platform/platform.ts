import type * as tf from '@tensorflow/tfjs';
import type { CheckpointStore } from '../stores/store.js';

/** A sha256 over bytes that come piece by piece. */
export interface Sha256 {
  update(bytes: Uint8Array): void;
  /** 64 lower-case hex digits. Ends it. */
  hex(): string;
}

/** What only Node or only a browser has. */
export interface Platform {
  /** Of backends that there are nowhere else. */
  readonly kernels: readonly tf.KernelConfig[];
  createSha256(): Sha256;
  /**
   * The store of a plain name or a `file://` URL; or the URL of one that tfjs has a handler for.
   *
   * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` where there are no folders.
   */
  storeForPath(path: string): CheckpointStore | string;
}
