import {
  lastEpoch,
  maximumEntropy,
  maximumEntropyLater,
  validationAccuracy,
  validationAccuracyAndLoss,
  validationLoss,
} from './baselines.js';
import { consensus, informedConsensus } from './consensus.js';
import { labelWave } from './label-wave.js';
import {
  firstShiftMinimum,
  gradientDisparity,
  matrixNorm,
  mutualInformation,
  nuclearNorm,
} from './literature.js';
import { firstAveragedMarginMaximum, firstMarginMaximum, marginGap } from './margins.js';
import type { Rule } from './rule.js';

const WINDOWS = [1, 2, 3, 5];

/** All rules on weights as they were trained, in the order of the tables. */
export const RULES: readonly Rule[] = [
  lastEpoch,
  maximumEntropy,
  maximumEntropyLater,
  ...WINDOWS.map((window) => labelWave('training', window)),
  ...WINDOWS.map((window) => labelWave('training at epoch end', window)),
  ...WINDOWS.map((window) => labelWave('validation', window)),
  firstMarginMaximum,
  ...[2, 3].map(firstAveragedMarginMaximum),
  marginGap('train', 0.02),
  ...[0, 0.02].map((threshold) => marginGap('running', threshold)),
  ...[3, 5, 7].map((patience) => consensus(0, patience)),
  ...[1, 1.5, 2].flatMap((weight) => [null, 5, 7].map((patience) => consensus(weight, patience))),
  ...[0.05, 0.1, 0.2].map((threshold) => informedConsensus(7, threshold)),
  firstShiftMinimum,
  nuclearNorm,
  matrixNorm,
  mutualInformation,
  gradientDisparity,
  validationLoss,
  validationAccuracy,
];

/** Its constants were chosen in the second round. */
export const shippedConsensus = informedConsensus(7, 0.1);

/** The rules that are compared on averaged weights. */
export const RULES_TO_AVERAGE: readonly Rule[] = [
  lastEpoch,
  maximumEntropy,
  labelWave('validation', 3),
  shippedConsensus,
  validationLoss,
  validationAccuracy,
  validationAccuracyAndLoss,
];
