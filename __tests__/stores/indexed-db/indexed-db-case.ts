import { assert } from 'chai';
import type { CheckpointManifest } from '../../../src/stores/store.js';
import { rawRecords } from './raw-database.js';

/** One test of `IndexedDbStore`, which runs in a page. */
export interface IndexedDbCase {
  readonly name: string;
  /** @param location one that no other case uses. */
  readonly run: (location: string) => Promise<void>;
}

/** Asserts that manifests name exactly the shards in the database. */
export async function assertNoLeftovers(location: string): Promise<void> {
  const { manifests, shards } = await rawRecords(location);
  const named = Object.values(manifests).flatMap((text) => {
    const { metadata } = JSON.parse(text as string) as CheckpointManifest;
    const { shards: specs } = metadata['entropyCheckpoint'] as unknown as CheckpointManifest;
    return specs.map(({ sha256 }) => sha256);
  });
  assert.sameMembers(Object.keys(shards), [...new Set(named)]);
}
