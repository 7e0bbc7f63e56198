import type { EpochRecord } from 'tfjs-entropy-checkpoint';

/** Names in `logs`, and so in the history that is stored with the checkpoint. */
export const CLEAN_ACCURACY = 'test_acc';
/** Clean accuracy of the weights as they were trained; logged only where an average is tested as well. */
export const PLAIN_ACCURACY = 'test_plain_acc';

/** What the page shows of an epoch. */
export type ShownEpoch = Pick<EpochRecord, 'epoch' | 'entropy' | 'trainEntropy' | 'valEntropy' | 'logs'>;

/** Accuracy on clean test digits, 0…1, of what a checkpoint of this epoch has. */
export function cleanAccuracy({ logs }: ShownEpoch): number {
  return logs[CLEAN_ACCURACY] ?? NaN;
}

/** Accuracy on clean test digits, 0…1, of the weights as they were trained. */
export function plainAccuracy({ logs }: ShownEpoch): number {
  return logs[PLAIN_ACCURACY] ?? logs[CLEAN_ACCURACY] ?? NaN;
}
