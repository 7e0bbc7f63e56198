import { settleAll } from '../settle-all.js';
import type { DurableFolder } from './durable-folder.js';
import { shardFileName } from './file-names.js';
import { SHARD_BYTES, type CheckpointSource, type ShardInBuffer, type ShardSpec } from '../store.js';

/** How many shards are in memory: one is read while the others are hashed and passed to the operating system. */
const MAX_BUFFERS = 4;
/** How many shards are not on the disk yet, whether or not they still occupy a buffer. */
const MAX_PENDING_WRITES = 8;

/** Memory for shards, which all saves reuse. Filling new memory takes several times as long. */
export class ShardBuffers {
  #buffers: readonly Uint8Array<ArrayBuffer>[] = [];

  /** One or more buffers for a checkpoint of this size. Only one save may use them at a time. */
  take(sizeBytes: number): readonly Uint8Array<ArrayBuffer>[] {
    const length = Math.min(MAX_BUFFERS, Math.max(1, Math.ceil(sizeBytes / SHARD_BYTES)));
    const bytes = Math.min(SHARD_BYTES, sizeBytes);
    if (this.#buffers.length !== length || this.#buffers[0]?.length !== bytes) {
      this.#buffers = Array.from({ length }, () => Buffer.allocUnsafeSlow(bytes));
    }
    return this.#buffers;
  }

  free(): void {
    this.#buffers = [];
  }
}

/**
 * Writes the weights of a checkpoint to a folder, which it creates if needed. It doesn't flush their names. Nothing is
 * still running when the promise settles.
 *
 * @param buffers the result of `ShardBuffers.take`.
 * @param written receives the name of each file that may have been created, even if this fails.
 * @throws the first error.
 */
export async function writeShards(
  folder: DurableFolder,
  source: CheckpointSource,
  buffers: readonly Uint8Array<ArrayBuffer>[],
  written: Set<string>,
): Promise<ShardSpec[]> {
  const writes: ShardWrite[] = [];
  const failure = new AbortController();
  const fail = (error: unknown) => {
    failure.abort(error);
  };

  const created = folder.create();
  created.catch(fail);

  const writeAll = async () => {
    for (;;) {
      await writes.at(-buffers.length)?.released;
      await writes.at(-MAX_PENDING_WRITES)?.stored;
      failure.signal.throwIfAborted();
      const buffer = buffers[writes.length % buffers.length]!;
      const shard = await source.readShard(buffer);
      if (shard === null) return;
      const write = startShard(folder, created, shard, buffer, written);
      write.released.catch(fail);
      write.stored.catch(fail);
      writes.push(write);
    }
  };
  await writeAll().catch(fail);
  const stored = writes.map((write) => write.stored);
  await Promise.allSettled([created, ...stored]);
  failure.signal.throwIfAborted();
  return Promise.all(stored);
}

interface ShardWrite {
  /** Resolves when its buffer may be reused. */
  readonly released: Promise<unknown>;
  /** Resolves when the shard is on the disk, except for its name. Nothing is still running when it rejects. */
  readonly stored: Promise<ShardSpec>;
}

function startShard(
  folder: DurableFolder,
  created: Promise<void>,
  { sizeBytes, sha256 }: ShardInBuffer,
  buffer: Uint8Array,
  written: Set<string>,
): ShardWrite {
  let onWritten!: () => void;
  const isWritten = new Promise<void>((resolve) => {
    onWritten = resolve;
  });
  const temporary = created.then(() => folder.writeTemporary(buffer.subarray(0, sizeBytes), onWritten));
  const store = async (): Promise<ShardSpec> => {
    const [checksum, from] = await settleAll([sha256, temporary]);
    const shard = { sizeBytes, sha256: checksum };
    const name = shardFileName(shard);
    written.add(name);
    // Replaces an existing file of this name too: it may be damaged.
    await folder.rename(from, name);
    return shard;
  };
  return { released: settleAll([sha256, Promise.race([isWritten, temporary])]), stored: store() };
}
