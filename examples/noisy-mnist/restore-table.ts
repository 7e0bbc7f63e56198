import { percent } from './number-format.js';
import { accuracy, maxDifference, type Probabilities } from './predictions.js';
import { textTable } from './text-table.js';

export interface RestoredPredictions {
  /** When the epoch ended. */
  readonly original: Probabilities;
  /** By the same network, once the checkpoint has been put back into it. */
  readonly putBack: Probabilities;
  /** By a network that another process has loaded. */
  readonly fresh: Probabilities;
}

/** How exactly the epoch came back; a difference of 0 is what is expected. */
export function restoreTable(predictions: RestoredPredictions, labels: Uint8Array): string {
  const { original, putBack, fresh } = predictions;
  const row = (name: string, probabilities: Probabilities, difference: string): string[] => [
    name,
    percent(accuracy(probabilities, labels)),
    difference,
  ];
  return textTable(
    ['predictions of the kept epoch', 'clean test accuracy', 'largest difference'],
    [
      row('when it ended', original, ''),
      row('put back after the last epoch', putBack, String(maxDifference(original, putBack))),
      row('loaded in a fresh process', fresh, String(maxDifference(original, fresh))),
    ],
    ['left', 'right', 'right'],
  );
}

export function isExact({ original, putBack, fresh }: RestoredPredictions): boolean {
  return maxDifference(original, putBack) === 0 && maxDifference(original, fresh) === 0;
}
