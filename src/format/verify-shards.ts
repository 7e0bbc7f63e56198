import { EntropyCheckpointError } from '../errors.js';
import { sha256 } from '../platform/sha256.js';
import { mapConcurrent } from '../stores/map-concurrent.js';
import { SHARD_BYTES, sizeOfShards, type StoredCheckpoint } from '../stores/store.js';

/** Fills `bytes` with the bytes of all weights from `position` on. */
export type ReadBytes = StoredCheckpoint['read'];

/** Up to this size, verified bytes are kept in memory and not read again. */
const MAX_KEPT_BYTES = 4 * SHARD_BYTES;
/** How many shards are read and hashed at a time. */
const MAX_CONCURRENT = 3;

/**
 * Compares every shard with its checksum.
 *
 * @returns a function that reads the verified bytes. It works until `stored` is closed.
 * @throws EntropyCheckpointError `ENTROPY_CORRUPT_CHECKPOINT`, which names the shard; `ENTROPY_STORE_FAILED`.
 */
export async function verifyShards(stored: StoredCheckpoint): Promise<ReadBytes> {
  const { shards } = stored.manifest;
  const sizeBytes = sizeOfShards(shards);
  const kept = sizeBytes <= MAX_KEPT_BYTES ? new Uint8Array(sizeBytes) : null;
  const buffers = Array.from({ length: MAX_CONCURRENT }, () =>
    kept === null ? new Uint8Array(SHARD_BYTES) : null,
  );

  let end = 0;
  const ranges = shards.map((shard, index) => {
    const start = end;
    end += shard.sizeBytes;
    return { index, start, end };
  });
  // A crafted manifest may name one file a million times. In memory, each shard has separate bytes.
  const verified = new Set<string>();
  // No read is pending when this rejects, so the caller may then close `stored`.
  await mapConcurrent(ranges, MAX_CONCURRENT, async ({ index, start, end }, worker) => {
    const name = `${stored.shardName(index)} ${shards[index]!.sha256} ${end - start}`;
    if (kept === null && verified.has(name)) return;
    const bytes = kept?.subarray(start, end) ?? buffers[worker]!.subarray(0, end - start);
    await stored.read(start, bytes);
    await verifyShard(stored, index, bytes);
    verified.add(name);
  });

  if (kept === null) return (position, bytes) => stored.read(position, bytes);
  return (position, bytes) => {
    bytes.set(kept.subarray(position, position + bytes.length));
    return Promise.resolve();
  };
}

async function verifyShard(
  stored: StoredCheckpoint,
  index: number,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const expected = stored.manifest.shards[index]?.sha256;
  const got = await sha256(bytes);
  if (got === expected) return;
  throw new EntropyCheckpointError(
    'ENTROPY_CORRUPT_CHECKPOINT',
    `"${stored.shardName(index)}" is damaged: expected sha256 ${expected ?? ''}, got ${got}. Nothing was changed. ` +
      'Restore it from a copy, or train again.',
  );
}
