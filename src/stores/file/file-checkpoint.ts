import { partsOfRange } from '../byte-range.js';
import type { DurableFolder } from './durable-folder.js';
import { shardFileName } from './file-names.js';
import type { OpenFile } from './file-system.js';
import { mapConcurrent } from '../map-concurrent.js';
import { damaged } from '../check-manifest.js';
import { type CheckpointManifest, type ShardSpec, type StoredCheckpoint } from '../store.js';

/**
 * Parts of a range that are read at a time. The system takes long to hand out new memory, and does so for two at
 * a time; with more, memory is asked for again before that of the last range has been collected.
 */
const LANES = 2;

/** A checkpoint in a folder. Its files are open, and so outlive their names. */
export class FileCheckpoint implements StoredCheckpoint {
  readonly name: string;
  readonly manifest: CheckpointManifest;
  readonly #folder: DurableFolder;
  /** By name: several shards may be in one file. */
  readonly #files = new Map<string, OpenFile>();
  #closing: Promise<unknown> | null = null;

  private constructor(folder: DurableFolder, manifest: CheckpointManifest, name: string) {
    this.name = name;
    this.#folder = folder;
    this.manifest = manifest;
  }

  /** @throws EntropyCheckpointError `ENTROPY_CORRUPT_CHECKPOINT` where a file is missing or of another size. */
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
    await mapConcurrent(parts, LANES, ({ piece, from, to, offset }) =>
      this.#readShard(piece, from, bytes.subarray(offset, offset + to - from)),
    );
  }

  shardName(index: number): string {
    return this.#folder.pathOf(shardFileName(this.manifest.shards[index]!));
  }

  async close(): Promise<void> {
    // Nothing was written, so that no error can matter.
    this.#closing ??= Promise.allSettled([...this.#files.values()].map((file) => file.close()));
    await this.#closing;
  }

  async #open(shard: ShardSpec): Promise<void> {
    const name = shardFileName(shard);
    const path = this.#folder.pathOf(name);
    await this.#folder.attempt(`open "${path}"`, '', async () => {
      const file = this.#files.get(name) ?? (await this.#folder.open(name));
      if (file === null) throw damaged(`"${path}"`, 'there is no such file');
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
