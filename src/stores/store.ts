import type * as tf from '@tensorflow/tfjs';

/** A value that survives JSON unchanged: finite numbers only. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** The most bytes in one shard. Servers and browsers take files of this size, and four are held while saving. */
export const SHARD_BYTES = 2 ** 23;

/**
 * Where in a store a checkpoint is: `'best'`, `'last'` (the latest epoch), and `'epoch-7'` or
 * `'fit-1-epoch-7'` where several are kept.
 */
export type CheckpointSlot = 'best' | 'last' | `epoch-${number}` | `fit-${number}-epoch-${number}`;

/** One piece of the bytes of all weights; what tells it from every other is its checksum. */
export interface ShardSpec {
  /** 1 … `SHARD_BYTES`. */
  readonly sizeBytes: number;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
}

/** All of a checkpoint but the bytes of its weights, in the terms of a tfjs layers-model artifact. */
export interface CheckpointManifest {
  /** The architecture, as `tf.io.ModelArtifacts` has it. */
  readonly modelTopology: Json;
  /** Name, shape, dtype and group of each weight and each slot of the optimizer, in the order of the bytes. */
  readonly weightSpecs: readonly tf.io.WeightsManifestEntry[];
  /** The version of TensorFlow.js that wrote it. */
  readonly generatedBy: string;
  /**
   * The artifact's `userDefinedMetadata`. `entropyCheckpoint` in it has the checksums of the whole, and the
   * `shards`; whoever encodes and decodes checkpoints makes and verifies them, a store need not.
   */
  readonly metadata: Readonly<Record<string, Json>>;
  /** The bytes of all weights, little-endian and in the order of `weightSpecs`, cut into pieces. */
  readonly shards: readonly ShardSpec[];
}

/** A checkpoint on its way into a store, read piece by piece. Can be read once. */
export interface CheckpointSource {
  /** Of all weights. */
  readonly sizeBytes: number;
  /**
   * Fills `buffer` from its beginning with the next shard.
   *
   * @param buffer of at least `SHARD_BYTES`, or of `sizeBytes` where that is less; it must stay as it is
   *   until the checksum is there.
   * @returns null after the last one.
   */
  readShard(buffer: Uint8Array<ArrayBuffer>): Promise<ShardInBuffer | null>;
  /** To be called after the last shard, as their checksums are in it. */
  manifest(): Promise<CheckpointManifest>;
}

/** What `readShard` has put into the buffer. */
export interface ShardInBuffer {
  /** 1 … `SHARD_BYTES`. */
  readonly sizeBytes: number;
  /** Computed beside whatever is done with the bytes. */
  readonly sha256: Promise<string>;
}

/** A checkpoint in a store. It stays readable as it is until it is closed, whatever is saved in the meantime. */
export interface StoredCheckpoint {
  /** For messages: the path of the file that has its manifest. */
  readonly name: string;
  /** All but the bytes of the weights. */
  readonly manifest: CheckpointManifest;
  /** Fills `bytes` from `position` on in the bytes of all weights. */
  read(position: number, bytes: Uint8Array): Promise<void>;
  /** What the shard is called, for messages: the path of its file. */
  shardName(index: number): string;
  /** Gives back what was opened to read it. */
  close(): Promise<void>;
}

/** What a save changes. */
export interface SlotUpdate {
  /** The checkpoint is put into these. */
  readonly into: readonly CheckpointSlot[];
  /** These stay as they are; all others are emptied. */
  readonly keep: readonly CheckpointSlot[];
}

/**
 * A place that holds the checkpoints of one training at a time.
 *
 * A slot is replaced as a whole: until `save` has resolved, `load` gives the previous checkpoint or the new
 * one, and a `save` that fails leaves one of them there, intact.
 */
export interface CheckpointStore {
  /** For messages: `folder "entropy_checkpoint"`. */
  readonly name: string;

  /** `'one'`: only the slot `'best'` can be used. */
  readonly capacity: 'one' | 'many';

  /**
   * Claims the place for one training and checks that it can be written.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE` while another training has claimed it;
   *   `ENTROPY_NOT_A_CHECKPOINT` when it holds something of the user's that `save` would overwrite;
   *   `ENTROPY_STORE_FAILED`.
   */
  open(): Promise<void>;

  /** @throws EntropyCheckpointError `ENTROPY_STORE_FAILED`. */
  save(checkpoint: CheckpointSource, update: SlotUpdate): Promise<void>;

  /**
   * Needs no `open`. What this thread has begun to save is waited for, here and in `load`.
   *
   * @returns the slots that hold something, whole or damaged, in any order.
   */
  slots(): Promise<readonly CheckpointSlot[]>;

  /**
   * Needs no `open`.
   *
   * @returns null where nothing is stored; the caller closes it.
   * @throws EntropyCheckpointError `ENTROPY_CORRUPT_CHECKPOINT`, `ENTROPY_NOT_A_CHECKPOINT`,
   *   `ENTROPY_STORE_FAILED`.
   */
  load(slot: CheckpointSlot): Promise<StoredCheckpoint | null>;

  /** Gives the place back. Idempotent; synchronous, because nobody awaits the end of a `fit` that threw. */
  close(): void;
}

/** Whether `value` is a store and not, say, a `tf.io.IOHandler`, which has no `open`. */
export function isStore(value: object): value is CheckpointStore {
  const store = value as Partial<CheckpointStore>;
  return [store.open, store.save, store.slots, store.load, store.close].every(
    (method) => typeof method === 'function',
  );
}

const SLOT = /^(?:best|last|(?:fit-\d{1,15}-)?epoch-\d{1,15})$/;

export function isCheckpointSlot(name: string): name is CheckpointSlot {
  return SLOT.test(name);
}

/** Of all together, in bytes. */
export function sizeOfShards(shards: readonly ShardSpec[]): number {
  return shards.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}
