import { partsOfRange } from '../byte-range.js';
import type { DurableFolder } from './durable-folder.js';
import { shardFileName } from '../file-names.js';
import type { OpenFile } from './file-system.js';
import { mapConcurrent } from '../map-concurrent.js';
import { damaged } from '../check-manifest.js';
import { type CheckpointManifest, type ShardSpec, type StoredCheckpoint } from '../store.js';

/**
 * How many parts of a range are read at a time. The operating system is slow to hand out new memory, and does so for
 * two reads at a time. With more, new memory is requested before that of the last range has been garbage-collected.
 */
const MAX_CONCURRENT_READS = 2;

/** A checkpoint in a folder. Its files stay open, so they remain readable after a save has removed them. */
export class FileCheckpoint implements StoredCheckpoint {
  readonly name: string;
  readonly manifest: CheckpointManifest;
  readonly #folder: DurableFolder;
  /** By name, as equal shards share a file. */
  readonly #files = new Map<string, OpenFile>();
  #closing: Promise<unknown> | null = null;

  private constructor(folder: DurableFolder, manifest: CheckpointManifest, name: string) {
    this.name = name;
    this.#folder = folder;
    this.manifest = manifest;
  }

  /**
   * Opens the files of all shards.
   *
   * @param name the checkpoint, for messages.
   * @throws EntropyCheckpointError `ENTROPY_CORRUPT_CHECKPOINT` if a file is missing or has the wrong size;
   *   `ENTROPY_NOT_A_CHECKPOINT` if one isn't a regular file; `ENTROPY_STORE_FAILED`.
   */
  static async open(
    folder: DurableFolder,
    manifest: CheckpointManifest,
    name: string,
  ): Promise<FileCheckpoint> {
    const checkpoint = new FileCheckpoint(folder, manifest, name);
    try {
      for (const shard of manifest.shards) await checkpoint.#open(shard);
      return checkpoint;
    } catch (error) {
      await checkpoint.close();
      throw error;
    }
  }

  async read(position: number, bytes: Uint8Array): Promise<void> {
    const sizes = this.manifest.shards.map((shard) => shard.sizeBytes);
    const parts = partsOfRange(sizes, position, bytes.length);
    await mapConcurrent(parts, MAX_CONCURRENT_READS, ({ piece, from, to, offset }) =>
      this.#readShard(piece, from, bytes.subarray(offset, offset + to - from)),
    );
  }

  shardName(index: number): string {
    return this.#folder.pathOf(shardFileName(this.manifest.shards[index]!));
  }

  async close(): Promise<void> {
    // Nothing was written, so an error loses nothing.
    this.#closing ??= Promise.allSettled([...this.#files.values()].map((file) => file.close()));
    await this.#closing;
  }

  async #open(shard: ShardSpec): Promise<void> {
    const name = shardFileName(shard);
    const path = this.#folder.pathOf(name);
    await this.#folder.attempt(`open "${path}"`, '', async () => {
      const file = this.#files.get(name) ?? (await this.#folder.open(name));
      if (file === null) throw damaged(`"${path}"`, 'the file is missing');
      this.#files.set(name, file);
      const { size } = await file.stat();
      if (size !== shard.sizeBytes)
        throw damaged(`"${path}"`, `expected ${shard.sizeBytes} bytes, got ${size}`);
    });
  }

  async #readShard(index: number, position: number, bytes: Uint8Array): Promise<void> {
    const path = this.shardName(index);
    const file = this.#files.get(shardFileName(this.manifest.shards[index]!))!;
    await this.#folder.attempt(`read "${path}"`, '', async () => {
      for (let filled = 0; filled < bytes.length;) {
        const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, position + filled);
        if (bytesRead === 0) throw damaged(`"${path}"`, `it ends after ${position + filled} bytes`);
        filled += bytesRead;
      }
    });
  }
}
