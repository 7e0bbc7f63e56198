import seedrandom from 'seedrandom';
import { atMost, type Bound } from '../bound.js';
import { valuesOf, type Round } from '../rounds.js';
import { estimate, median, type Estimate } from '../statistics.js';
import type {
  LargeModelResult,
  LongTrainingResult,
  PauseResult,
  SaveFitResult,
  SavingResults,
} from './results.js';

/** Time of `fit` with a save in every epoch, over that of bare `fit`. */
const MAX_SAVING_OVERHEAD = 1.05;
/** The time that storing adds, over the time that `await model.save` adds. */
const MAX_SHARE = 0.5;
/** Above the longest pause of bare training. */
const MAX_ADDED_PAUSE_MS = 50;
/** The cost of a save after many epochs, over that after few. */
const MAX_GROWTH_OF_SAVE = 1.5;
/** Over the speed of plain writing and reading. */
const MIN_SPEED = 0.7;
/** Memory that may be used above that of the weights. */
const SPARE_BYTES = 64e6;

/** Every bound for which the results have a figure. */
export function savingBoundsOf({ fits, pauses, long = [], large }: SavingResults): Bound[] {
  return [
    ...fits.flatMap(saveFitBounds),
    ...pauses.map(pauseBound),
    ...long.map(longTrainingBound),
    ...large.flatMap(largeModelBounds),
  ];
}

/** The time that storing adds, over the time that `model.save` adds; null if the latter is not significant. */
export function shareOfModelSave({ added }: SaveFitResult): number | null {
  return added === null || added.modelSave.low <= 0 ? null : added.stored.median / added.modelSave.median;
}

/** Speed over that of plain file operations in the same round. */
export function speedOf<Method extends string>(
  rounds: readonly Round<Method, number>[],
  method: NoInfer<Method>,
  plain: NoInfer<Method>,
): Estimate | null {
  const values = valuesOf(rounds, [method, plain], (timeMs, plainMs) => plainMs / timeMs);
  return values.length === 0 ? null : estimate(values, seedrandom.alea('bootstrap'));
}

/**
 * The growth of the resident set to its peak, in bytes, by method. A newly loaded model is the result, and does not
 * count.
 */
export function extraBytesOf({
  resident,
  size,
}: LargeModelResult): Record<keyof typeof resident, number | null> {
  const extra = (method: keyof typeof resident, resultBytes = 0): number | null => {
    const runs = resident[method];
    return runs.length === 0 ? null : median(runs.map(({ peak, before }) => peak - before - resultBytes));
  };
  return {
    save: extra('save'),
    'load-new': extra('load-new', size.sizeBytes),
    'load-given': extra('load-given'),
  };
}

function longTrainingBound({ maxToKeep, epochs, ratio }: LongTrainingResult): Bound {
  const figure = `cost of a save at ${epochs.long} epochs over that at ${epochs.short}, maxToKeep ${maxToKeep}`;
  return atMost(figure, ratio.median, MAX_GROWTH_OF_SAVE, 2);
}

function saveFitBounds(result: SaveFitResult): Bound[] {
  const { backend, ratios } = result;
  const share = shareOfModelSave(result);
  const { stored, 'stored-last': last } = ratios;
  return [
    ...(stored === undefined
      ? []
      : [atMost(`fit with a save in every epoch on ${backend}`, stored.median, MAX_SAVING_OVERHEAD, 3)]),
    ...(last === undefined
      ? []
      : [
          atMost(
            `fit with a save in every epoch and \`saveLast\` on ${backend}`,
            last.median,
            MAX_SAVING_OVERHEAD,
            3,
          ),
        ]),
    ...(share === null
      ? []
      : [atMost(`share of what \`model.save\` adds, on ${backend}`, share, MAX_SHARE, 2)]),
  ];
}

function pauseBound({ backend, added }: PauseResult): Bound {
  return atMost(`pause added by a save on ${backend}, ms`, added.median, MAX_ADDED_PAUSE_MS, 1);
}

function largeModelBounds(result: LargeModelResult): Bound[] {
  const { written, readCold, size } = result;
  const speeds = [
    ['saving a large model', speedOf(written, 'save', 'write')],
    ['loading a large model, cold, into a new model', speedOf(readCold, 'load-new', 'read')],
    ['loading a large model, cold, into a given model', speedOf(readCold, 'load-given', 'read')],
  ] as const;
  const memory = Object.entries(extraBytesOf(result)).flatMap(([method, bytes]) => {
    // A given model keeps its old weights until all new ones are in memory.
    const neededBytes = method === 'load-given' ? size.sizeBytes : size.largestBytes;
    const limitMB = Math.round((neededBytes + SPARE_BYTES) / 1e6);
    return bytes === null ? [] : [atMost(`memory of a large model, ${method}, MB`, bytes / 1e6, limitMB, 0)];
  });
  return [
    ...speeds.flatMap(([action, speed]) =>
      speed === null ? [] : [atLeast(`speed of ${action}`, speed.median)],
    ),
    ...memory,
  ];
}

function atLeast(figure: string, speed: number): Bound {
  return { figure, expected: `at least ${MIN_SPEED}`, got: speed.toFixed(2), isMet: speed >= MIN_SPEED };
}
