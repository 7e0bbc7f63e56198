import { settleAll } from '../settle-all.js';
import type { DurableFolder } from './durable-folder.js';
import { shardFileName } from '../file-names.js';
import { SHARD_BYTES, specOf, type CheckpointSource, type ShardInBuffer, type ShardSpec } from '../store.js';

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

/** Where the shards of one save are written, and which needn't be. */
export interface ShardDestination {
  /** The result of `ShardBuffers.take`. */
  readonly buffers: readonly Uint8Array<ArrayBuffer>[];
  /** Receives the name of each file that may have been created, even if the save fails. */
  readonly written: Set<string>;
  /** Whether a shared shard is in the folder already. */
  readonly holds: (shard: ShardSpec) => Promise<boolean>;
}

/**
 * Writes the shards of a checkpoint to a folder, which it creates if needed. It doesn't flush their names. Nothing is
 * still running when the promise settles.
 *
 * @returns all shards of the checkpoint.
 * @throws the first error.
 */
export async function writeShards(
  folder: DurableFolder,
  source: CheckpointSource,
  { buffers, written, holds }: ShardDestination,
): Promise<ShardSpec[]> {
  const writes: ShardWrite[] = [];
  /** Of all shards, in order: also of those that are in the folder already. */
  const stored: Promise<ShardSpec>[] = [];
  const failure = new AbortController();
  const fail = (error: unknown) => {
    failure.abort(error);
  };

  const created = folder.create();
  created.catch(fail);

  const start = (shard: ShardInBuffer, bytes: Uint8Array) => {
    const write = startShard(folder, created, shard, bytes, written);
    write.released.catch(fail);
    write.stored.catch(fail);
    writes.push(write);
    stored.push(write.stored);
  };
  const writeAll = async () => {
    for (;;) {
      await writes.at(-buffers.length)?.released;
      await writes.at(-MAX_PENDING_WRITES)?.stored;
      failure.signal.throwIfAborted();
      const buffer = buffers[writes.length % buffers.length]!;
      const shard = await source.readShard(buffer);
      if (shard === null) return;
      start(shard, buffer);
    }
  };
  const writeShared = async () => {
    const sharedShards = (await source.sharedShards?.()) ?? [];
    const held = await Promise.all(sharedShards.map(holds));
    for (const [i, shared] of sharedShards.entries()) {
      await writes.at(-MAX_PENDING_WRITES)?.stored;
      failure.signal.throwIfAborted();
      const shard = specOf(shared);
      if (held[i]) stored.push(Promise.resolve(shard));
      else start({ ...shard, sha256: Promise.resolve(shard.sha256) }, await shared.bytes());
    }
  };
  await writeAll().then(writeShared).catch(fail);
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
