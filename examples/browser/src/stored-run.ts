import { EntropyCheckpointError, loadCheckpoint } from 'tfjs-entropy-checkpoint';
import { SETTINGS_KEY } from './network.js';
import { isSettings, type Settings } from './settings.js';

/** The name of the checkpoint in IndexedDB. */
export const CHECKPOINT_NAME = 'noisy-mnist-page';

/** A training that this visit to the page, or an earlier one, has stored. */
export interface StoredRun {
  readonly settings: Settings;
  /** How many epochs are done. */
  readonly numEpochs: number;
}

/** Null where nothing is stored. Needs any backend. */
export async function findStoredRun(): Promise<StoredRun | null> {
  try {
    const { model, record: latest } = await loadCheckpoint(CHECKPOINT_NAME, { epoch: 'last' });
    const metadata = model.getUserDefinedMetadata() as Record<string, unknown> | undefined;
    model.dispose();
    const settings = metadata?.[SETTINGS_KEY];
    return isSettings(settings) ? { settings, numEpochs: latest.epoch + 1 } : null;
  } catch (error) {
    if (error instanceof EntropyCheckpointError && error.code === 'ENTROPY_NO_CHECKPOINT') return null;
    throw error;
  }
}
