import { readHeads } from '../../src/stored-checkpoints.js';
import type { CheckpointStore } from '../../src/stores/store.js';

/** The epochs that a store holds, by slot. */
export async function storedEpochs(store: CheckpointStore): Promise<Record<string, number>> {
  const { heads } = await readHeads(store);
  return Object.fromEntries(heads.map(({ slot, record }) => [slot, record.epoch]));
}
