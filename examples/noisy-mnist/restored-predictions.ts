import { percent } from './number-format.js';
import { accuracy, maxDifference, type Probabilities } from './predictions.js';
import { textTable } from './text-table.js';

/** The predictions of the kept epoch for the same images, in three ways. */
export interface RestoredPredictions {
  /** By the network at the end of the epoch. */
  readonly original: Probabilities;
  /** By the same network, once the checkpoint was restored into it. */
  readonly restored: Probabilities;
  /** By a network that another process has loaded. */
  readonly loaded: Probabilities;
}

/** Shows how exactly the epoch was restored. The expected difference is 0. */
export function restoreTable(predictions: RestoredPredictions, labels: Uint8Array): string {
  const { original, restored, loaded } = predictions;
  const row = (name: string, probabilities: Probabilities, difference: string): string[] => [
    name,
    percent(accuracy(probabilities, labels)),
    difference,
  ];
  return textTable(
    ['predictions of the kept epoch', 'clean test accuracy', 'largest difference'],
    [
      row('at its end', original, ''),
      row('restored after the last epoch', restored, String(maxDifference(original, restored))),
      row('loaded in a new process', loaded, String(maxDifference(original, loaded))),
    ],
    ['left', 'right', 'right'],
  );
}

export function isExact({ original, restored, loaded }: RestoredPredictions): boolean {
  return maxDifference(original, restored) === 0 && maxDifference(original, loaded) === 0;
}
