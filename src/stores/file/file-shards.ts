import { settleAll } from '../settle-all.js';
import type { DurableFolder } from './durable-folder.js';
import { shardFileName } from './file-names.js';
import { SHARD_BYTES, type CheckpointSource, type ShardInBuffer, type ShardSpec } from '../store.js';

/** How many shards are in memory: one is read while the others are hashed and handed to the system. */
const MAX_BUFFERS = 4;
/** How many are on their way to the disk, out of this process's memory or not. */
const MAX_UNDER_WAY = 8;

/** Memory for shards, used again by each save: to fill what is new takes several times as long. */
export class ShardBuffers {
  #buffers: readonly Uint8Array<ArrayBuffer>[] = [];

  /** One buffer or more for the shards of a checkpoint of this size. No other save may use them meanwhile. */
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
 * Writes the weights of a checkpoint, into a folder that need not exist. Their names are not flushed. When it
 * has ended, however it has, nothing is under way any more.
 *
 * @param buffers as `ShardBuffers.take` gives them.
 * @param written is given the name of each file that may have been made, also when this fails.
 * @throws whatever went wrong first.
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

  const pump = async () => {
    for (;;) {
      await writes.at(-buffers.length)?.released;
      await writes.at(-MAX_UNDER_WAY)?.stored;
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
  await pump().catch(fail);
  const stored = writes.map((write) => write.stored);
  await Promise.allSettled([created, ...stored]);
  failure.signal.throwIfAborted();
  return Promise.all(stored);
}

interface ShardWrite {
  /** Its buffer is free. */
  readonly released: Promise<unknown>;
  /** It is on the disk, but for its name; or has failed, and nothing is under way any more. */
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
    // Also where a file of this name exists: it may be damaged.
    await folder.rename(from, name);
    return shard;
  };
  return { released: settleAll([sha256, Promise.race([isWritten, temporary])]), stored: store() };
}
