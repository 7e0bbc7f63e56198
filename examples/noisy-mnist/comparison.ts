import type { Flags } from './flags.js';
import { count, percent, points, signedPoints } from './number-format.js';
import { textTable } from './text-table.js';
import type { EpochResult } from './train.js';

type Scored = Pick<
  EpochResult,
  'epoch' | 'entropy' | 'validationAccuracy' | 'cleanAccuracy' | 'averagedAccuracy'
>;

export interface Comparison {
  /** What the model holds without a checkpoint. */
  readonly last: Scored;
  /** The epoch that the checkpoint kept. */
  readonly kept: Scored;
  /** Of several equal epochs, the first, here and below. */
  readonly highestEntropy: Scored;
  /** The epoch that is usually selected. */
  readonly highestValidationAccuracy: Scored;
  /** The average of the weights that noisy validation accuracy selects. */
  readonly averaged: Scored;
  /** By clean accuracy, which is unknown without clean labels. */
  readonly best: Scored;
}

/**
 * @param keptEpoch one of `epochs`.
 * @param averagedEpoch one of `epochs`: that whose average noisy validation accuracy selects.
 * @param isAveraged whether the average of `keptEpoch` is kept, and not its weights.
 */
export function compareEpochs(
  epochs: readonly Scored[],
  keptEpoch: number,
  averagedEpoch: number,
  isAveraged = false,
): Comparison {
  const last = epochs.at(-1);
  const found = epochs.find(({ epoch }) => epoch === keptEpoch);
  const average = epochs.find(({ epoch }) => epoch === averagedEpoch);
  if (last === undefined || found === undefined || average === undefined) {
    throw new RangeError(`No epoch ${keptEpoch} or ${averagedEpoch} was trained.`);
  }
  const kept = isAveraged ? asAverage(found) : found;
  const highest = (value: (epoch: Scored) => number): Scored =>
    epochs.reduce((best, epoch) => (value(epoch) > value(best) ? epoch : best));
  return {
    last,
    kept,
    averaged: asAverage(average),
    highestEntropy: highest(({ entropy }) => entropy),
    highestValidationAccuracy: highest(({ validationAccuracy }) => validationAccuracy),
    best: highest(({ cleanAccuracy }) => cleanAccuracy),
  };
}

function asAverage(epoch: Scored): Scored {
  return { ...epoch, cleanAccuracy: epoch.averagedAccuracy };
}

/** Says in plain words what each way of keeping an epoch leads to. */
export function comparisonTable(
  comparison: Comparison,
  { monitor, averageWeights }: Pick<Flags, 'monitor' | 'averageWeights'>,
): string {
  const { last, kept, averaged, highestEntropy, highestValidationAccuracy, best } = comparison;
  const row = (name: string, { epoch, cleanAccuracy }: Scored): string[] => [
    name,
    String(epoch),
    percent(cleanAccuracy),
    signedPoints(cleanAccuracy - last.cleanAccuracy),
  ];
  const byFlags = `the best ${monitor}${averageWeights ? ', averaged' : ''} (kept)`;
  const byEntropy =
    kept === highestEntropy
      ? [row('the highest entropy (kept)', kept)]
      : [row('the highest entropy', highestEntropy), row(byFlags, kept)];
  return textTable(
    ['If you keep', 'epoch', 'clean test\naccuracy', 'points above\nthe last'],
    [
      row('the last epoch, without a checkpoint', last),
      ...byEntropy,
      row('the best noisy validation accuracy', highestValidationAccuracy),
      row('the same, of averaged weights', averaged),
      row('the best epoch (needs clean labels)', best),
    ],
    ['left', 'right', 'right', 'right'],
  );
}

/**
 * Says whether the kept epoch was better than others, as far as that many test images show it.
 *
 * A difference is called clear from two standard errors up, as if the two accuracies were independent. They come from the
 * same images, so their difference varies less: the verdict errs towards "no clear difference".
 */
export function verdict(comparison: Comparison, testSamples: number): string {
  const { last, kept, highestValidationAccuracy: usual, best } = comparison;
  const gain = kept.cleanAccuracy - last.cleanAccuracy;
  const variance = [kept, last].reduce((sum, { cleanAccuracy: p }) => sum + (p * (1 - p)) / testSamples, 0);
  const isClear = Math.abs(gain) > 2 * Math.sqrt(variance);
  const toLast = `epoch ${kept.epoch} is ${betterBy(gain)} the last epoch.`;
  const effect = isClear
    ? `${gain > 0 ? 'helped' : 'did harm'}: ${toLast}`
    : `made no clear difference: ${toLast}\nWith ${count(testSamples)} test images, such a difference may be chance.`;
  const toUsual = kept.cleanAccuracy - usual.cleanAccuracy;
  const toBest = kept.cleanAccuracy - best.cleanAccuracy;
  return [
    kept === last
      ? 'In this run, the checkpoint changed nothing: it kept the last epoch.'
      : `In this run, the checkpoint ${effect}`,
    kept === usual
      ? 'Noisy validation accuracy selects the same epoch.'
      : `It is ${betterBy(toUsual)} epoch ${usual.epoch}, which noisy validation accuracy selects.`,
    toBest === 0
      ? 'No epoch was better.'
      : `It is ${betterBy(toBest)} the best epoch, ${best.epoch}, which only clean labels reveal.`,
  ].join('\n');
}

function betterBy(difference: number): string {
  if (difference === 0) return 'as good as';
  return `${points(Math.abs(difference))} points ${difference < 0 ? 'worse' : 'better'} than`;
}

/** Says what to use in other trainings, and what it leads to in this one. */
export function recommendation({ averaged, last }: Comparison): string {
  const gain = averaged.cleanAccuracy - last.cleanAccuracy;
  return [
    'Recommended with validation labels, even noisy ones:',
    "  new EntropyCheckpointCallback({ monitor: 'val_acc', averageWeights: true })",
    `In this run: ${percent(averaged.cleanAccuracy)}, ${betterBy(gain)} the last epoch.`,
    'docs/choosing-a-monitor.md says why, and what to do without validation labels.',
  ].join('\n');
}
