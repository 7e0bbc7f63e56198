import { count, percent, points } from './number-format.js';
import { textTable } from './text-table.js';
import type { EpochResult } from './train.js';

type Scored = Pick<EpochResult, 'epoch' | 'entropy' | 'validationAccuracy' | 'cleanAccuracy'>;

export interface Comparison {
  /** What would be left without a checkpoint. */
  readonly last: Scored;
  /** What the checkpoint kept. */
  readonly kept: Scored;
  /** Of all epochs; the first of several that are equal, here and below. */
  readonly highestEntropy: Scored;
  /** What is usually done. */
  readonly highestValidationAccuracy: Scored;
  /** What nobody can know without clean labels. */
  readonly best: Scored;
}

/** @param keptEpoch one of `epochs`. */
export function compareEpochs(epochs: readonly Scored[], keptEpoch: number): Comparison {
  const last = epochs.at(-1);
  const kept = epochs.find(({ epoch }) => epoch === keptEpoch);
  if (last === undefined || kept === undefined) throw new RangeError(`No epoch ${keptEpoch} was trained.`);
  const highest = (value: (epoch: Scored) => number): Scored =>
    epochs.reduce((best, epoch) => (value(epoch) > value(best) ? epoch : best));
  return {
    last,
    kept,
    highestEntropy: highest(({ entropy }) => entropy),
    highestValidationAccuracy: highest(({ validationAccuracy }) => validationAccuracy),
    best: highest(({ cleanAccuracy }) => cleanAccuracy),
  };
}

/** @param keptBy the flag that the checkpoint kept its epoch by. */
export function comparisonTable(comparison: Comparison, keptBy: string): string {
  const { last, kept, highestEntropy, highestValidationAccuracy, best } = comparison;
  const row = (name: string, { epoch, cleanAccuracy }: Scored): string[] => [
    name,
    String(epoch),
    percent(cleanAccuracy),
    points(cleanAccuracy - best.cleanAccuracy),
  ];
  const byEntropy =
    kept === highestEntropy
      ? [row('highest entropy (kept)', kept)]
      : [row('highest entropy', highestEntropy), row(`kept by ${keptBy}`, kept)];
  return textTable(
    ['which epoch', 'epoch', 'clean test accuracy', 'points to the best'],
    [
      row('last', last),
      ...byEntropy,
      row('highest noisy validation accuracy', highestValidationAccuracy),
      row('best on clean test data', best),
    ],
    ['left', 'right', 'right', 'right'],
  );
}

/**
 * What the comparison says about the epoch that was kept, as far as that many test images can tell.
 *
 * A difference is called clear from two standard errors up, as if the two accuracies were independent. They
 * are of the same images and so vary less: it errs on the side of "no clear difference".
 */
export function verdict(comparison: Comparison, testSamples: number): string {
  const { last, kept, highestValidationAccuracy: usual, best } = comparison;
  const gain = kept.cleanAccuracy - last.cleanAccuracy;
  const variance = [kept, last].reduce((sum, { cleanAccuracy: p }) => sum + (p * (1 - p)) / testSamples, 0);
  const isClear = Math.abs(gain) > 2 * Math.sqrt(variance);
  const toLast = `epoch ${kept.epoch} is ${betterBy(gain)} the last one.`;
  const effect = isClear
    ? `${gain > 0 ? 'helped' : 'did harm'}: ${toLast}`
    : `made no clear difference: ${toLast}\n${count(testSamples)} test images cannot tell so little from chance.`;
  const toUsual = kept.cleanAccuracy - usual.cleanAccuracy;
  const toBest = kept.cleanAccuracy - best.cleanAccuracy;
  return [
    kept === last
      ? 'In this run the checkpoint changed nothing: it kept the last epoch.'
      : `In this run the checkpoint ${effect}`,
    kept === usual
      ? 'Noisy validation accuracy would have kept the same epoch.'
      : `That is ${betterBy(toUsual)} what noisy validation accuracy would have kept, epoch ${usual.epoch}.`,
    toBest === 0
      ? 'No epoch was better.'
      : `That is ${betterBy(toBest)} the best one, epoch ${best.epoch}, which only clean labels can tell.`,
  ].join('\n');
}

function betterBy(difference: number): string {
  if (difference === 0) return 'as good as';
  return `${points(Math.abs(difference))} points ${difference < 0 ? 'worse' : 'better'} than`;
}
