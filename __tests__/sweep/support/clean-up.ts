import { GetObjectCommand } from '@aws-sdk/client-s3';
import { RESULT_NAME } from '../../../examples/sweep/sweep-store.js';
import { EntropyCheckpointError } from '../../../src/index.js';
import { S3Store } from '../../../src/stores/s3/index.js';
import { slotFileName } from '../../../src/stores/file-names.js';
import { INDEX_NAME } from '../../../src/stores/s3/checkpoint-index.js';
import type { CheckpointSlot } from '../../../src/stores/store.js';
import { pause } from '../../support/pause.js';
import { LEASE_SECONDS } from './small-sweep.js';
import { BUCKET, type S3Server } from './s3-server.js';

/** Opens and closes the store of each training: that removes what killed workers have left. */
export async function cleanUp({ client }: S3Server, prefix: string, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const store = new S3Store({
      client,
      bucket: BUCKET,
      prefix: `${prefix}/${id}`,
      leaseSeconds: LEASE_SECONDS,
    });
    while (!(await opens(store))) await pause();
    store.close();
    // Waits until it's closed.
    await store.slots();
  }
}

/** @returns false while a worker that was killed has the lease. */
async function opens(store: S3Store): Promise<boolean> {
  try {
    await store.open();
    return true;
  } catch (error) {
    if (error instanceof EntropyCheckpointError && error.code === 'ENTROPY_STORE_IN_USE') return false;
    throw error;
  }
}

interface StoredIndex {
  /** null while nobody holds the lease. */
  readonly owner: string | null;
  readonly slots: Readonly<Record<CheckpointSlot, { manifest: string; shards: string[] }>>;
}

/** What a training's store says of itself. */
export async function indexOf({ client }: S3Server, prefix: string): Promise<StoredIndex> {
  const get = new GetObjectCommand({ Bucket: BUCKET, Key: `${prefix}/${INDEX_NAME}` });
  const text = await (await client.send(get)).Body!.transformToString();
  return (JSON.parse(text) as { entropyCheckpointIndex: StoredIndex }).entropyCheckpointIndex;
}

/** The objects under a prefix that are neither a result nor named by the index of a training, and those that are missing. */
export async function orphansIn(s3: S3Server, prefix: string, ids: readonly string[]): Promise<string[]> {
  const found = new Set((await s3.list(`${prefix}/`)).keys());
  const expected = new Set<string>();
  for (const id of ids) {
    const { slots } = await indexOf(s3, `${prefix}/${id}`);
    for (const name of [INDEX_NAME, RESULT_NAME]) expected.add(`${id}/${name}`);
    for (const [slot, { manifest, shards }] of Object.entries(slots)) {
      for (const name of [slotFileName(slot as CheckpointSlot), manifest, ...shards])
        expected.add(`${id}/${name}`);
    }
  }
  return [
    ...[...found].filter((name) => !expected.has(name)),
    ...[...expected].filter((name) => !found.has(name)).map((name) => `${name} is missing`),
  ].sort();
}
