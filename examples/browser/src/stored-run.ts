import { EntropyCheckpointError, loadCheckpoint } from 'tfjs-entropy-checkpoint';
import { SETTINGS_KEY } from './network.js';
import { isSettings, type Settings } from './settings.js';

/** The name of the checkpoint in IndexedDB. */
export const PLACE = 'noisy-mnist-page';

/** A training that an earlier visit to this page has left, or this one. */
export interface StoredRun {
  readonly settings: Settings;
  /** How many epochs it can go on from. */
  readonly numEpochs: number;
}

/** Null where none is stored. It needs a backend, whichever. */
export async function findStoredRun(): Promise<StoredRun | null> {
  try {
    const { model, record: latest } = await loadCheckpoint(PLACE, { epoch: 'last' });
    const settings = model.getUserDefinedMetadata() as Record<string, unknown> | undefined;
    model.dispose();
    const stored = settings?.[SETTINGS_KEY];
    return isSettings(stored) ? { settings: stored, numEpochs: latest.epoch + 1 } : null;
  } catch (error) {
    if (error instanceof EntropyCheckpointError && error.code === 'ENTROPY_NO_CHECKPOINT') return null;
    throw error;
  }
}
