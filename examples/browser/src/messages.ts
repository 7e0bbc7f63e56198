import { EntropyCheckpointError, type EpochRecord } from 'tfjs-entropy-checkpoint';
import type { Restored } from './run.js';
import type { Settings } from './settings.js';
import type { StoredRun } from './stored-run.js';
import { epochNumber, percent } from './text.js';
import type { Stage } from './outcome.js';

export function storedRunText({ settings, numEpochs }: StoredRun): string {
  const { epochs, preset, noise } = settings;
  const description = `${preset} network, ${percent(noise, 0)} wrong labels`;
  return numEpochs >= epochs
    ? `This browser has stored a finished training (${description}, ${epochs} epochs).`
    : `This browser has stored a training up to epoch ${numEpochs} of ${epochs} (${description}).`;
}

/** Says which epoch is kept and by which rule. */
export function keptText(best: EpochRecord, { monitor, averageWeights }: Settings, stage: Stage): string {
  const rule = {
    entropy: 'the highest entropy',
    consensus: 'the best agreement with earlier epochs',
    label_wave: 'the fewest changed predictions',
    val_acc: 'the highest accuracy on noisy validation labels',
  }[monitor];
  const epoch = `epoch ${epochNumber(best)}: ${rule}${stage === 'running' ? ' so far' : ''}.`;
  return averageWeights
    ? `The checkpoint keeps the average of the weights at ${epoch} All values are of the average, but for training entropy and “not averaged”.`
    : `The checkpoint keeps ${epoch}`;
}

export function restoredText({ best, accuracy, difference }: Restored): string {
  const text = `Epoch ${epochNumber(best)} is restored: ${percent(accuracy)} of the clean test digits are right.`;
  if (difference === null) return text;
  return difference === 0
    ? `${text} Every prediction equals the one at the end of that epoch, bit for bit.`
    : `${text} Predictions differ by at most ${difference} from those at the end of that epoch.`;
}

/** The text for a save that failed during training. */
export function storageFailureText(error: EntropyCheckpointError): string {
  const reason = isFull(error) ? 'This browser has no room left for the checkpoint.' : error.message;
  return (
    `${reason} Training continues, and the best epoch stays in memory while this tab is open. What was stored before ` +
    'is still stored.'
  );
}

/** Says what went wrong, and what the user can do about it. */
export function problemText(error: unknown): string {
  if (!(error instanceof EntropyCheckpointError)) {
    return `Something failed: ${error instanceof Error ? error.message : String(error)}`;
  }
  switch (error.code) {
    case 'ENTROPY_STORE_FAILED':
      return isFull(error)
        ? 'This browser has no room left for a checkpoint. Free some storage, and try again.'
        : `This page cannot use the storage of this browser. Some private windows forbid it. ${error.message}`;
    case 'ENTROPY_STORE_IN_USE':
      return 'This page is training in another tab. Stop or close that one, then start here.';
    case 'ENTROPY_CORRUPT_CHECKPOINT':
    case 'ENTROPY_NOT_A_CHECKPOINT':
      return `The stored training is damaged. A new training replaces it. ${error.message}`;
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
