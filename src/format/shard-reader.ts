import type * as tf from '@tensorflow/tfjs';
import { Pacer } from '../platform/event-loop.js';
import { sha256 } from '../platform/sha256.js';
import { SHARD_BYTES, type ShardInBuffer, type ShardSpec } from '../stores/store.js';

/**
 * Reads tensors from the device, one at a time, and cuts their bytes into shards: of the whole no more is in
 * memory than the tensor that is being read. In between the event loop comes round: on some backends a read is
 * over before it does.
 */
export class ShardReader {
  /** Those that have been read; their checksums may be yet to come. */
  readonly shards: { sizeBytes: number; sha256: Promise<string> }[] = [];
  readonly #tensors: tf.Tensor[];
  readonly #pacer = new Pacer();
  /** What is left of the tensor that is being read. */
  #rest: Uint8Array = new Uint8Array();

  /** @param tensors stay the caller's, who must not dispose them before the last shard. */
  constructor(tensors: readonly tf.Tensor[]) {
    this.#tensors = [...tensors];
  }

  /** As `CheckpointSource.readShard`. */
  async read(buffer: Uint8Array<ArrayBuffer>): Promise<ShardInBuffer | null> {
    const sizeBytes = await this.#fill(buffer.subarray(0, SHARD_BYTES));
    if (sizeBytes === 0) return null;
    const checksum = sha256(buffer.subarray(0, sizeBytes));
    // Heard by whoever awaits it; a store that has failed meanwhile does not.
    checksum.catch(() => undefined);
    const shard = { sizeBytes, sha256: checksum };
    this.shards.push(shard);
    return shard;
  }

  async specs(): Promise<ShardSpec[]> {
    const specs = this.shards.map(async (shard) => ({ ...shard, sha256: await shard.sha256 }));
    return Promise.all(specs);
  }

  async #fill(buffer: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < buffer.length && (this.#rest.length > 0 || (await this.#next()))) {
      await this.#pacer.yieldIfDue();
      const piece = this.#rest.subarray(0, buffer.length - filled);
      buffer.set(piece, filled);
      filled += piece.length;
      this.#rest = this.#rest.subarray(piece.length);
    }
    return filled;
  }

  /** Reads the next tensor that has any bytes; false after the last one. */
  async #next(): Promise<boolean> {
    for (;;) {
      // Before the next is read: of two weights, one is in memory.
      this.#rest = new Uint8Array();
      const tensor = this.#tensors.shift();
      if (tensor === undefined) return false;
      if (tensor.size === 0) continue;
      const { buffer, byteOffset, byteLength } = await tensor.data();
      this.#rest = new Uint8Array(buffer, byteOffset, byteLength);
      return true;
    }
  }
}
