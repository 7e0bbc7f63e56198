import type * as tf from '@tensorflow/tfjs';

/** A value that survives JSON unchanged: finite numbers only. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/**
 * One checkpoint in the form in which it is stored: the pieces of a tfjs layers-model artifact.
 *
 * `metadata` is the artifact's `userDefinedMetadata`. Checksums of the whole are inside it; whoever
 * encodes and decodes checkpoints makes and verifies them, a store need not.
 */
export interface StoredCheckpoint {
  readonly modelTopology: Json;
  readonly weightSpecs: readonly tf.io.WeightsManifestEntry[];
  /** The bytes of `weightSpecs[i]`, little-endian, in order; stores concatenate them. */
  readonly weightData: readonly Uint8Array[];
  /** sha256 of the concatenated `weightData`, 64 lower-case hex digits. */
  readonly weightChecksum: string;
  readonly generatedBy: string;
  readonly metadata: Readonly<Record<string, Json>>;
}

/**
 * A place that holds at most one checkpoint, of one training at a time.
 *
 * A store commits as a whole: until `save` has resolved, `load` gives the previous checkpoint, and a
 * `save` that fails leaves it intact.
 */
export interface CheckpointStore {
  /** For messages: `folder "entropy_checkpoint"`. */
  readonly name: string;

  /**
   * Claims the place for one training and checks that it can be written.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE` while another training has claimed it;
   *   `ENTROPY_NOT_A_CHECKPOINT` when it holds something of the user's that `save` would overwrite;
   *   `ENTROPY_STORE_FAILED`.
   */
  open(): Promise<void>;

  /** @throws EntropyCheckpointError `ENTROPY_STORE_FAILED`; the previous checkpoint is still there. */
  save(checkpoint: StoredCheckpoint): Promise<void>;

  /**
   * Needs no `open`.
   *
   * @returns null where nothing is stored.
   * @throws EntropyCheckpointError `ENTROPY_CORRUPT_CHECKPOINT`, `ENTROPY_NOT_A_CHECKPOINT`,
   *   `ENTROPY_STORE_FAILED`.
   */
  load(): Promise<StoredCheckpoint | null>;

  /** Gives the place back. Idempotent; synchronous, because nobody awaits the end of a `fit` that threw. */
  close(): void;
}

/** Whether `value` is a store and not, say, a `tf.io.IOHandler`, which has no `open`. */
export function isStore(value: object): value is CheckpointStore {
  const store = value as Partial<CheckpointStore>;
  return [store.open, store.save, store.load, store.close].every((method) => typeof method === 'function');
}
