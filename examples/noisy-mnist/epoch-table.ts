import { percent } from './number-format.js';
import { textTable } from './text-table.js';
import type { TrainingResult } from './train.js';

/**
 * Formats a row for each epoch, with a mark where the checkpoint saved.
 *
 * @param monitor the name of the value that selects the epoch.
 */
export function epochTable(
  { epochs, savedEpochs, best }: Pick<TrainingResult, 'epochs' | 'savedEpochs' | 'best'>,
  monitor: string,
): string {
  const mark = (epoch: number): string => {
    if (epoch === best.epoch) return 'saved, kept';
    return savedEpochs.includes(epoch) ? 'saved' : '';
  };
  return textTable(
    ['epoch', monitor, 'noisy validation\naccuracy', 'clean test\naccuracy', 'of the\naverage', 'checkpoint'],
    epochs.map((result) => [
      String(result.epoch),
      result.monitored.toFixed(4),
      percent(result.validationAccuracy),
      percent(result.cleanAccuracy),
      percent(result.averagedAccuracy),
      mark(result.epoch),
    ]),
    ['right', 'right', 'right', 'right', 'right', 'left'],
  );
}
