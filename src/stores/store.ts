import type * as tf from '@tensorflow/tfjs';

/** A value that JSON preserves. Numbers are finite. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** The maximum size of a shard. Servers and browsers accept files of this size, and a save holds four in memory. */
export const SHARD_BYTES = 2 ** 23;

/**
 * The name under which a store holds a checkpoint: `'best'`, `'last'` (the latest epoch), `'epoch-7'` or
 * `'fit-1-epoch-7'` where several of the best are kept, and `'periodic-epoch-7'` or `'periodic-fit-1-epoch-7'` where
 * every n-th epoch is.
 */
export type CheckpointSlot =
  | 'best'
  | 'last'
  | `epoch-${number}`
  | `fit-${number}-epoch-${number}`
  | `periodic-epoch-${number}`
  | `periodic-fit-${number}-epoch-${number}`;

/** A `Uint8Array<ArrayBuffer>`, written so that TypeScript before 5.7, where the class isn't generic, accepts it too. */
export type ShardBuffer = ReturnType<Uint8Array['slice']>;

/** One piece of the weight bytes, identified by its checksum. */
export interface ShardSpec {
  /** 1 … `SHARD_BYTES`. */
  readonly sizeBytes: number;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
}

/** A checkpoint without its weight bytes, in the terms of TensorFlow.js's layers-model artifacts. */
export interface CheckpointManifest {
  /** The architecture, in the format of `tf.io.ModelArtifacts`. */
  readonly modelTopology: Json;
  /** Name, shape, dtype and group of each weight and optimizer slot, in the order of the bytes. */
  readonly weightSpecs: readonly tf.io.WeightsManifestEntry[];
  /** The version of TensorFlow.js that made the model. */
  readonly generatedBy: string;
  /**
   * The artifact's `userDefinedMetadata`. Its key `entropyCheckpoint` holds the checksums and the `shards`. The code
   * that encodes and decodes checkpoints makes and verifies them; a store needn't.
   */
  readonly metadata: Readonly<Record<string, Json>>;
  /** The pieces of the weight bytes, which are little-endian and in the order of `weightSpecs`. */
  readonly shards: readonly ShardSpec[];
}

/** A shard that several checkpoints of a training have. */
export interface SharedShard extends ShardSpec {
  /** The bytes, for a store that lacks them. Each call computes them anew. */
  bytes(): Promise<ShardBuffer>;
}

/** A checkpoint to save. A store reads it once, shard by shard. */
export interface CheckpointSource {
  /** The size of all weights together, without the shared shards. */
  readonly sizeBytes: number;
  /**
   * Writes the next shard to the start of `buffer`.
   *
   * @param buffer at least `SHARD_BYTES` long, or `sizeBytes` where that is less. It must not change until the checksum
   *   is computed.
   * @returns null after the last shard.
   */
  readShard(buffer: ShardBuffer): Promise<ShardInBuffer | null>;
  /**
   * Shards that earlier checkpoints of the same training may have as well: its history. In the manifest they follow
   * those of `readShard`. A store needn't write one that it holds. Absent: there are none.
   */
  sharedShards?(): Promise<readonly SharedShard[]>;
  /** Call it after the last shard: the manifest holds the checksums of all shards. */
  manifest(): Promise<CheckpointManifest>;
}

/** The shard that `readShard` wrote to the buffer. */
export interface ShardInBuffer {
  /** 1 … `SHARD_BYTES`. */
  readonly sizeBytes: number;
  /** Computed concurrently, while the bytes are written. */
  readonly sha256: Promise<string>;
}

/** A manifest in a store. */
export interface StoredManifest {
  /** For messages: the path of the manifest file, or what else names the checkpoint. */
  readonly name: string;
  /** Everything except the bytes of the weights. */
  readonly manifest: CheckpointManifest;
}

/** A checkpoint in a store. Until it is closed it stays readable, even when a later save replaces it. */
export interface StoredCheckpoint extends StoredManifest {
  /** Fills `bytes` with the weight bytes from `position` on. */
  read(position: number, bytes: Uint8Array): Promise<void>;
  /** The name of a shard, for messages: the path of its file, where it has one. */
  shardName(index: number): string;
  /** Frees the files or memory. Idempotent. */
  close(): Promise<void>;
}

/** Which slots a save changes. */
export interface SlotUpdate {
  /** The slots that receive the checkpoint. */
  readonly into: readonly CheckpointSlot[];
  /** The slots that stay unchanged. All others are emptied. */
  readonly keep: readonly CheckpointSlot[];
}

/**
 * Holds the checkpoints of one training at a time.
 *
 * A slot is replaced atomically. Until `save` has resolved, `load` returns the previous checkpoint or the new one. A
 * `save` that fails leaves one of them intact.
 */
export interface CheckpointStore {
  /** For messages: `folder "entropy_checkpoint"`. */
  readonly name: string;

  /** `'one'`: the store has only the slot `'best'`. */
  readonly capacity: 'one' | 'many';

  /**
   * Locks the store for one training and checks that it's writable.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE` while another training holds the lock;
   *   `ENTROPY_NOT_A_CHECKPOINT` if `save` would overwrite a model that this package didn't write;
   *   `ENTROPY_STORE_FAILED`.
   */
  open(): Promise<void>;

  /**
   * Saves a checkpoint. Without `open`, the store is locked for this one save.
   *
   * @returns the slots that are lost, where the store can notice it: an earlier save filled them, and they were empty
   *   when this one looked. A user may remove a folder during training. Nothing: no slot is lost.
   * @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE`, `ENTROPY_NOT_A_CHECKPOINT`, `ENTROPY_STORE_FAILED`.
   */
  // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- most stores lose nothing, and return nothing
  save(checkpoint: CheckpointSource, update: SlotUpdate): Promise<readonly CheckpointSlot[] | void>;

  /**
   * Lists the filled slots. It needs no `open`, and waits for saves that this thread has begun.
   *
   * @returns the slots that hold something, intact or damaged, in any order.
   */
  slots(): Promise<readonly CheckpointSlot[]>;

  /**
   * Opens a stored checkpoint. It needs no `open`, and waits for saves that this thread has begun.
   *
   * @returns null for an empty slot. The caller closes the checkpoint.
   * @throws EntropyCheckpointError `ENTROPY_CORRUPT_CHECKPOINT`, `ENTROPY_NOT_A_CHECKPOINT`,
   *   `ENTROPY_STORE_FAILED`.
   */
  load(slot: CheckpointSlot): Promise<StoredCheckpoint | null>;

  /**
   * Reads the manifest of a slot, as `load` does. Only for a store whose `load` reads the weights.
   *
   * @returns null for an empty slot.
   * @throws EntropyCheckpointError `ENTROPY_CORRUPT_CHECKPOINT`, `ENTROPY_NOT_A_CHECKPOINT`, `ENTROPY_STORE_FAILED`.
   */
  loadManifest?(slot: CheckpointSlot): Promise<StoredManifest | null>;

  /** Releases the lock once pending saves have ended. Idempotent. Synchronous, as nothing awaits a `fit` that threw. */
  close(): void;
}

/** Whether `value` is a store. A `tf.io.IOHandler`, for example, has no `open`. */
export function isStore(value: object): value is CheckpointStore {
  const store = value as Partial<CheckpointStore>;
  return [store.open, store.save, store.slots, store.load, store.close].every(
    (method) => typeof method === 'function',
  );
}

const SLOT = /^(?:best|last|(?:periodic-)?(?:fit-\d{1,15}-)?epoch-\d{1,15})$/;

export function isCheckpointSlot(name: string): name is CheckpointSlot {
  return SLOT.test(name);
}

/** What names a shard, without its bytes. */
export function specOf({ sizeBytes, sha256 }: ShardSpec): ShardSpec {
  return { sizeBytes, sha256 };
}

/** The total size, in bytes. */
export function sizeOfShards(shards: readonly ShardSpec[]): number {
  return shards.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}
