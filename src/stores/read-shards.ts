import {
  SHARD_BYTES,
  specOf,
  type CheckpointManifest,
  type CheckpointSource,
  type ShardSpec,
} from './store.js';

/**
 * Reads a whole source, its weights through one buffer.
 *
 * @param take receives each shard. Once it resolves, the next shard overwrites the bytes.
 * @param holds whether the store holds a shared shard already. It's not taken then.
 * @throws Error if the source gives other bytes than its size and manifest announce.
 */
export async function readShards(
  source: CheckpointSource,
  take: (bytes: Uint8Array<ArrayBuffer>, shard: ShardSpec) => void | Promise<void>,
  holds: (shard: ShardSpec) => boolean = () => false,
): Promise<CheckpointManifest> {
  const buffer = new Uint8Array(Math.min(SHARD_BYTES, source.sizeBytes));
  const shards: ShardSpec[] = [];
  let position = 0;
  for (let read; (read = await source.readShard(buffer)) !== null;) {
    const { sizeBytes } = read;
    const shard = { sizeBytes, sha256: await read.sha256 };
    position += sizeBytes;
    if (position > source.sizeBytes) break;
    await take(buffer.subarray(0, sizeBytes), shard);
    shards.push(shard);
  }
  if (position !== source.sizeBytes) {
    throw new Error(`Expected ${source.sizeBytes} bytes of weights, got ${position}.`);
  }
  for (const shared of (await source.sharedShards?.()) ?? []) {
    const shard = specOf(shared);
    if (!holds(shard)) await take(await shared.bytes(), shard);
    shards.push(shard);
  }
  const manifest = await source.manifest();
  if (namesOf(manifest.shards) !== namesOf(shards)) {
    throw new Error('Expected the manifest to name the shards that were read, got others.');
  }
  return manifest;
}

function namesOf(shards: readonly ShardSpec[]): string {
  return shards.map(({ sizeBytes, sha256 }) => `${sizeBytes} ${sha256}`).join();
}
