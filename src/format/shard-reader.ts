import type * as tf from '@tensorflow/tfjs';
import { Pacer } from '../platform/event-loop.js';
import { sha256 } from '../platform/sha256.js';
import { SHARD_BYTES, type ShardInBuffer, type ShardSpec } from '../stores/store.js';

/**
 * Reads tensors from the device and cuts their bytes into shards. Only one tensor is in memory at a time.
 *
 * It yields to the event loop between pieces, as on some backends a read ends without doing so.
 */
export class ShardReader {
  /** The shards read so far. Their checksums may still be pending. */
  readonly shards: { sizeBytes: number; sha256: Promise<string> }[] = [];
  readonly #tensors: tf.Tensor[];
  readonly #pacer = new Pacer();
  /** The unread bytes of the current tensor. */
  #unread: Uint8Array = new Uint8Array();

  /** @param tensors the caller keeps them, and must not dispose them before the last shard is read. */
  constructor(tensors: readonly tf.Tensor[]) {
    this.#tensors = [...tensors];
  }

  /**
   * Fills `buffer` from its beginning with the next shard.
   *
   * @returns null after the last shard.
   */
  async read(buffer: Uint8Array<ArrayBuffer>): Promise<ShardInBuffer | null> {
    const sizeBytes = await this.#fill(buffer.subarray(0, SHARD_BYTES));
    if (sizeBytes === 0) return null;
    const checksum = sha256(buffer.subarray(0, sizeBytes));
    // Prevents an unhandled rejection: a store that has failed doesn't await the checksum.
    checksum.catch(() => undefined);
    const shard = { sizeBytes, sha256: checksum };
    this.shards.push(shard);
    return shard;
  }

  /** The sizes and checksums of the shards read so far. */
  async specs(): Promise<ShardSpec[]> {
    const specs = this.shards.map(async (shard) => ({ ...shard, sha256: await shard.sha256 }));
    return Promise.all(specs);
  }

  async #fill(buffer: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < buffer.length && (this.#unread.length > 0 || (await this.#readTensor()))) {
      await this.#pacer.yieldIfDue();
      const piece = this.#unread.subarray(0, buffer.length - filled);
      buffer.set(piece, filled);
      filled += piece.length;
      this.#unread = this.#unread.subarray(piece.length);
    }
    return filled;
  }

  /** Reads the next tensor that isn't empty. @returns false after the last tensor. */
  async #readTensor(): Promise<boolean> {
    for (;;) {
      // Frees the bytes of one tensor before the next is read.
      this.#unread = new Uint8Array();
      const tensor = this.#tensors.shift();
      if (tensor === undefined) return false;
      if (tensor.size === 0) continue;
      const { buffer, byteOffset, byteLength } = await tensor.data();
      this.#unread = new Uint8Array(buffer, byteOffset, byteLength);
      return true;
    }
  }
}
