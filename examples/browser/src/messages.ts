import { EntropyCheckpointError, type EpochRecord } from 'tfjs-entropy-checkpoint';
import type { Restored } from './run.js';
import type { Settings } from './settings.js';
import type { StoredRun } from './stored-run.js';
import { percent } from './text.js';

export function storedRunText({ settings, numEpochs }: StoredRun): string {
  const { epochs, preset, noise } = settings;
  const what = `${preset} network, ${percent(noise, 0)} wrong labels`;
  return numEpochs >= epochs
    ? `Stored in this browser: a finished training (${what}, ${epochs} epochs).`
    : `Stored in this browser: a training that got to epoch ${numEpochs - 1} (${what}, ${numEpochs} of ${epochs} epochs done).`;
}

export function keptText({ epoch }: EpochRecord, { monitor }: Settings): string {
  const rule = {
    entropy: 'the highest entropy so far',
    consensus: 'the best agreement with the epochs before it so far',
    label_wave: 'the fewest changed predictions so far',
  }[monitor];
  return `The checkpoint keeps epoch ${epoch}: ${rule}.`;
}

export function restoredText({ best, accuracy, difference }: Restored): string {
  const text = `Epoch ${best.epoch} is back in the network: ${percent(accuracy)} of the clean test digits are right`;
  if (difference === null) return `${text}.`;
  return difference === 0
    ? `${text}, and every prediction is, bit for bit, what it was when that epoch ended.`
    : `${text}. Predictions differ from those when that epoch ended by at most ${difference}.`;
}

/** A save that failed while the network was training. */
export function storageFailureText(error: EntropyCheckpointError): string {
  const reason = isFull(error) ? 'There is no room left for the checkpoint in this browser.' : error.message;
  return (
    `${reason} Training goes on, and the best epoch stays in memory while this tab is open; what was stored before ` +
    'is still there.'
  );
}

/** What went wrong, and what the user can do about it. */
export function problemText(error: unknown): string {
  if (!(error instanceof EntropyCheckpointError)) {
    return `This did not work: ${error instanceof Error ? error.message : String(error)}`;
  }
  switch (error.code) {
    case 'ENTROPY_STORE_FAILED':
      return isFull(error)
        ? 'There is no room left for a checkpoint in this browser: make some, and try again.'
        : `The storage of this browser cannot be used, as in some private windows. ${error.message}`;
    case 'ENTROPY_STORE_IN_USE':
      return 'Another tab is training on this page. Stop it or close it, then start here.';
    case 'ENTROPY_CORRUPT_CHECKPOINT':
    case 'ENTROPY_NOT_A_CHECKPOINT':
      return `What is stored in this browser is damaged; a new training replaces it. ${error.message}`;
    default:
      return error.message;
  }
}

function isFull({ cause, message }: Error): boolean {
  return (
    (cause instanceof DOMException && cause.name === 'QuotaExceededError') ||
    message.includes('QuotaExceededError')
  );
}
