import { assert } from 'chai';
import type { CheckpointManifest } from '../../../src/stores/store.js';
import { rawRecords } from './raw-database.js';

/** One thing that must hold of `IndexedDbStore` alone, in a page. */
export interface IndexedDbCase {
  readonly name: string;
  /** @param place that nobody else uses. */
  readonly run: (place: string) => Promise<void>;
}

/** All shards in the database are named by a manifest, and the other way round. */
export async function assertNoLeftovers(place: string): Promise<void> {
  const { manifests, shards } = await rawRecords(place);
  const named = Object.values(manifests).flatMap((text) => {
    const { metadata } = JSON.parse(text as string) as CheckpointManifest;
    const { shards: specs } = metadata['entropyCheckpoint'] as unknown as CheckpointManifest;
    return specs.map(({ sha256 }) => sha256);
  });
  assert.sameMembers(Object.keys(shards), [...new Set(named)]);
}
