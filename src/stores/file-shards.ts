import type { DurableFolder } from './durable-folder.js';
import { shardFileName } from './file-names.js';
import { SHARD_BYTES, type CheckpointSource, type ShardInBuffer, type ShardSpec } from './store.js';

/** How many shards are in memory: one is read while the others are on their way to the disk. */
const BUFFERS = 3;

/**
 * Writes the weights of a checkpoint. When it has ended, however it has, nothing is under way any more.
 *
 * @param written is given the name of each file that may have been made, also when this fails.
 * @throws whatever went wrong first.
 */
export async function writeShards(
  folder: DurableFolder,
  source: CheckpointSource,
  written: Set<string>,
): Promise<ShardSpec[]> {
  const writes: Promise<ShardSpec>[] = [];
  const failure = new AbortController();
  const fail = (error: unknown) => {
    failure.abort(error);
  };

  const pump = async () => {
    const buffers = buffersFor(source.sizeBytes);
    for (;;) {
      // The buffer is free when the shard that was last in it has been written.
      await writes.at(-buffers.length);
      failure.signal.throwIfAborted();
      const buffer = buffers[writes.length % buffers.length]!;
      const shard = await source.readShard(buffer);
      if (shard === null) return;
      const write = writeShard(folder, shard, buffer, written);
      write.catch(fail);
      writes.push(write);
    }
  };
  await pump().catch(fail);
  await Promise.allSettled(writes);
  failure.signal.throwIfAborted();
  return Promise.all(writes);
}

function buffersFor(sizeBytes: number): Uint8Array<ArrayBuffer>[] {
  const length = Math.min(BUFFERS, Math.max(1, Math.ceil(sizeBytes / SHARD_BYTES)));
  return Array.from({ length }, () => new Uint8Array(Math.min(SHARD_BYTES, sizeBytes)));
}

async function writeShard(
  folder: DurableFolder,
  shard: ShardInBuffer,
  buffer: Uint8Array,
  written: Set<string>,
): Promise<ShardSpec> {
  const bytes = buffer.subarray(0, shard.sizeBytes);
  // Both are waited for, also when one fails: the buffer is in use until then.
  const [checksum, temporary] = await Promise.allSettled([shard.sha256, folder.writeTemporary(bytes)]);
  if (checksum.status === 'rejected') throw checksum.reason;
  if (temporary.status === 'rejected') throw temporary.reason;
  const sha256 = checksum.value;
  const name = shardFileName({ sha256 });
  written.add(name);
  // Also where a file of this name exists: it may be damaged.
  await folder.rename(temporary.value, name);
  return { sizeBytes: bytes.length, sha256 };
}
