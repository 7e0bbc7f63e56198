import type { ChartedRun } from './charts.js';
import { CLEAN_ACCURACY, type ShownEpoch } from './shown-epoch.js';

/** By epoch: entropy, training entropy, validation entropy, noisy validation accuracy, clean test accuracy. */
const VALUES: readonly (readonly [number, number, number, number, number])[] = [
  [0.5792, 0.5745, 0.6213, 0.32, 0.724],
  [0.6219, 0.6212, 0.6275, 0.38, 0.73],
  [0.5996, 0.598, 0.6148, 0.39, 0.742],
  [0.5852, 0.5827, 0.6076, 0.35, 0.72],
  [0.5711, 0.5673, 0.6049, 0.34, 0.714],
  [0.5596, 0.5551, 0.6006, 0.34, 0.708],
  [0.5463, 0.5409, 0.5946, 0.34, 0.7],
  [0.5361, 0.5303, 0.5882, 0.34, 0.694],
  [0.5239, 0.5173, 0.5834, 0.33, 0.682],
  [0.511, 0.5034, 0.5794, 0.35, 0.66],
  [0.4954, 0.4874, 0.5674, 0.35, 0.644],
  [0.4783, 0.4691, 0.5608, 0.35, 0.636],
  [0.4575, 0.4476, 0.5472, 0.35, 0.618],
  [0.4366, 0.4256, 0.5352, 0.34, 0.612],
  [0.4139, 0.4014, 0.5265, 0.35, 0.59],
];

const history = VALUES.map(
  ([entropy, trainEntropy, valEntropy, valAccuracy, cleanAccuracy], epoch): ShownEpoch => ({
    epoch,
    entropy,
    trainEntropy,
    valEntropy,
    logs: { val_acc: valAccuracy, [CLEAN_ACCURACY]: cleanAccuracy },
  }),
);

/** A recorded training with the settings that the form has at first. */
export const EXAMPLE: ChartedRun = {
  history,
  best: history[1]!,
  epochs: history.length,
  startFromEpoch: 0,
  ceiling: { numWrong: 53, numLabels: 100, share: 0.47 },
};
