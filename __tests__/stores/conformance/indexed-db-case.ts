import { assert } from 'chai';
import type { CheckpointHead } from '../../../src/stores/store.js';
import { rawRecords } from '../fixtures/raw-database.js';

/** One thing that must hold of `IndexedDbStore` alone, in a page. */
export interface IndexedDbCase {
  readonly name: string;
  /** @param place that nobody else uses. */
  readonly run: (place: string) => Promise<void>;
}

/** All shards in the database are named by a head, and the other way round. */
export async function assertNoLeftovers(place: string): Promise<void> {
  const { heads, shards } = await rawRecords(place);
  const named = Object.values(heads).flatMap((text) => {
    const { metadata } = JSON.parse(text as string) as CheckpointHead;
    const { shards: specs } = metadata['entropyCheckpoint'] as unknown as CheckpointHead;
    return specs.map(({ sha256 }) => sha256);
  });
  assert.sameMembers(Object.keys(shards), [...new Set(named)]);
}
