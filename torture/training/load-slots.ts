import type * as tf from '@tensorflow/tfjs';
import { loadCheckpoint } from '../../src/index.js';
import { isCheckpointSlot, type CheckpointSlot } from '../../src/stores/store.js';
import { singleSlotStore } from '../single-slot-store.js';
import { storedFiles } from '../stored-files.js';
import { recordText, type ReferenceEpoch } from './reference.js';
import { stateDigest } from './state-digest.js';

/** What the slots of a folder hold. */
export interface LoadedSlots {
  /** The epoch in each slot that is whole and equal to that of the uninterrupted training. */
  readonly epochs: ReadonlyMap<CheckpointSlot, number>;
  /** What is wrong with the other slots. */
  readonly problems: readonly string[];
}

/** Loads every slot separately, and compares every bit. */
export async function loadSlots(
  folder: string,
  model: tf.LayersModel,
  reference: readonly ReferenceEpoch[],
): Promise<LoadedSlots> {
  const epochs = new Map<CheckpointSlot, number>();
  const problems: string[] = [];
  for (const slot of [...storedFiles(folder).slots.keys()].filter(isCheckpointSlot)) {
    try {
      const { record } = await loadCheckpoint(singleSlotStore(folder, slot), { model });
      const expected = reference[record.epoch];
      const belongsInSlot = ['best', 'last'].includes(slot) || slot.endsWith(`epoch-${record.epoch}`);
      const isSame =
        recordText(record) === expected?.record && (await stateDigest(model)) === expected.digest;
      if (belongsInSlot && isSame) epochs.set(slot, record.epoch);
      else problems.push(`slot "${slot}" differs from the state of epoch ${record.epoch}`);
    } catch (error) {
      problems.push(`slot "${slot}": ${String(error)}`);
    }
  }
  return { epochs, problems };
}
