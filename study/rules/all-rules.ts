import {
  last,
  maximumEntropy,
  maximumEntropyLater,
  validationAccuracy,
  validationLoss,
} from './baselines.js';
import { consensus, informedConsensus } from './consensus.js';
import { labelWave } from './label-wave.js';
import { firstShift, gradientDisparity, matrixNorm, mutualInformation, nuclearNorm } from './literature.js';
import { firstAveragedMargin, firstMargin, marginGap } from './margins.js';
import type { Rule } from './rule.js';

const WINDOWS = [1, 2, 3, 5];

/** In the order of the tables. */
export const RULES: readonly Rule[] = [
  last,
  maximumEntropy,
  maximumEntropyLater,
  ...WINDOWS.map((window) => labelWave('training', window)),
  ...WINDOWS.map((window) => labelWave('training, predicted again', window)),
  ...WINDOWS.map((window) => labelWave('validation', window)),
  firstMargin,
  ...[2, 3].map(firstAveragedMargin),
  marginGap('train', 0.02),
  ...[0, 0.02].map((threshold) => marginGap('running', threshold)),
  ...[3, 5, 7].map((patience) => consensus(0, patience)),
  ...[1, 1.5, 2].flatMap((weight) => [null, 5, 7].map((patience) => consensus(weight, patience))),
  ...[0.05, 0.1, 0.2].map((enough) => informedConsensus(7, enough)),
  firstShift,
  nuclearNorm,
  matrixNorm,
  mutualInformation,
  gradientDisparity,
  validationLoss,
  validationAccuracy,
];
