import { readManifests } from '../../src/saving/read-checkpoints.js';
import type { CheckpointStore } from '../../src/stores/store.js';

/** The epochs that a store holds, by slot. */
export async function storedEpochs(store: CheckpointStore): Promise<Record<string, number>> {
  const { manifests } = await readManifests(store);
  return Object.fromEntries(manifests.map(({ slot, record }) => [slot, record.epoch]));
}
