import type * as tf from '@tensorflow/tfjs';
import { loadCheckpoint } from '../../src/index.js';
import { isCheckpointSlot, type CheckpointSlot } from '../../src/stores/store.js';
import { oneSlot } from '../one-slot.js';
import { storedFiles } from '../stored-files.js';
import { recordText, type ReferenceEpoch } from './reference.js';
import { stateDigest } from './state-digest.js';

/** What the slots of a folder hold. */
export interface LoadedSlots {
  /** The epochs of those that are whole and as in the uninterrupted training. */
  readonly epochs: ReadonlyMap<CheckpointSlot, number>;
  /** What is wrong with the others. */
  readonly problems: readonly string[];
}

/** Loads every slot by itself, and compares every bit. */
export async function loadSlots(
  folder: string,
  model: tf.LayersModel,
  reference: readonly ReferenceEpoch[],
): Promise<LoadedSlots> {
  const epochs = new Map<CheckpointSlot, number>();
  const problems: string[] = [];
  for (const slot of [...storedFiles(folder).slots.keys()].filter(isCheckpointSlot)) {
    try {
      const { record } = await loadCheckpoint(oneSlot(folder, slot), { model });
      const expected = reference[record.epoch];
      const isOfSlot = ['best', 'last'].includes(slot) || slot.endsWith(`epoch-${record.epoch}`);
      const isSame =
        recordText(record) === expected?.record && (await stateDigest(model)) === expected.digest;
      if (isOfSlot && isSame) epochs.set(slot, record.epoch);
      else problems.push(`slot "${slot}" holds another state than epoch ${record.epoch} had`);
    } catch (error) {
      problems.push(`slot "${slot}": ${String(error)}`);
    }
  }
  return { epochs, problems };
}
