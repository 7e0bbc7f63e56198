import seedrandom from 'seedrandom';
import { atMost, type Bound } from '../bound.js';
import { valuesOf, type Round } from '../rounds.js';
import { estimate, median, type Estimate } from '../statistics.js';
import type { LargeModelResult, PauseResult, SaveFitResult, SavingResults } from './results.js';

/** Of the time of bare `fit`, with a save in every epoch. */
const MAX_SAVING_OVERHEAD = 1.05;
/** Of what `await model.save` adds. */
const MAX_SHARE = 0.5;
/** Above the longest of bare training. */
const MAX_ADDED_PAUSE_MS = 50;
/** Of the speed of plain writing and reading. */
const MIN_SPEED = 0.7;
/** Above the largest weight. */
const SPARE_BYTES = 64e6;

/** Every bound that the results have a figure for. */
export function savingBoundsOf({ fits, pauses, large }: SavingResults): Bound[] {
  return [...fits.flatMap(saveFitBounds), ...pauses.map(pauseBound), ...large.flatMap(largeModelBounds)];
}

/** What storing adds, of what saving by hand adds; null where that could not be told from nothing. */
export function shareOfSavingByHand({ added }: SaveFitResult): number | null {
  return added === null || added.byHand.low <= 0 ? null : added.stored.median / added.byHand.median;
}

/** Speed over that of the plain way, by rounds. */
export function speedOf<Way extends string>(
  rounds: readonly Round<Way, number>[],
  own: NoInfer<Way>,
  plain: NoInfer<Way>,
): Estimate | null {
  const values = valuesOf(rounds, [own, plain], (ownMs, plainMs) => plainMs / ownMs);
  return values.length === 0 ? null : estimate(values, seedrandom.alea('bootstrap'));
}

/**
 * Largest resident set above that of before, in bytes, by the way. A new model is what was asked for, and
 * does not count.
 */
export function extraBytesOf({
  resident,
  size,
}: LargeModelResult): Record<keyof typeof resident, number | null> {
  const extra = (way: keyof typeof resident, asked = 0): number | null => {
    const runs = resident[way];
    return runs.length === 0 ? null : median(runs.map(({ peak, before }) => peak - before - asked));
  };
  return {
    save: extra('save'),
    'load-new': extra('load-new', size.sizeBytes),
    'load-given': extra('load-given'),
  };
}

function saveFitBounds(result: SaveFitResult): Bound[] {
  const { backend, ratios } = result;
  const share = shareOfSavingByHand(result);
  const { stored, 'stored-last': last } = ratios;
  return [
    ...(stored === undefined
      ? []
      : [atMost(`fit with a save in every epoch on ${backend}`, stored.median, MAX_SAVING_OVERHEAD, 3)]),
    ...(last === undefined
      ? []
      : [atMost(`the same with \`saveLast\` on ${backend}`, last.median, MAX_SAVING_OVERHEAD, 3)]),
    ...(share === null
      ? []
      : [atMost(`what storing adds, of what saving by hand adds, on ${backend}`, share, MAX_SHARE, 2)]),
  ];
}

function pauseBound({ backend, added }: PauseResult): Bound {
  return atMost(
    `longest pause above that of bare training on ${backend}, ms`,
    added.median,
    MAX_ADDED_PAUSE_MS,
    1,
  );
}

function largeModelBounds(result: LargeModelResult): Bound[] {
  const { written, readCold, size } = result;
  const speeds = [
    ['saving a large model', speedOf(written, 'save', 'write')],
    ['loading a large model, cold, new', speedOf(readCold, 'load-new', 'read')],
    ['loading a large model, cold, given', speedOf(readCold, 'load-given', 'read')],
  ] as const;
  const mostBytes = size.largestBytes + SPARE_BYTES;
  const memory = Object.entries(extraBytesOf(result)).flatMap(([way, bytes]) =>
    bytes === null
      ? []
      : [atMost(`memory of a large model, ${way}, MB`, bytes / 1e6, Math.round(mostBytes / 1e6), 0)],
  );
  return [
    ...speeds.flatMap(([of, speed]) => (speed === null ? [] : [atLeast(`speed of ${of}`, speed.median)])),
    ...memory,
  ];
}

function atLeast(of: string, speed: number): Bound {
  return { of, expected: `at least ${MIN_SPEED}`, got: speed.toFixed(2), isHeld: speed >= MIN_SPEED };
}
