import type { EpochRecord } from '../epoch-record.js';
import { EntropyCheckpointError } from '../errors.js';
import type { EpochSelector } from './epoch-selector.js';

/**
 * One of the selected epochs.
 *
 * @param epoch counted from 0, or `'last'`; undefined: the best.
 * @throws EntropyCheckpointError `ENTROPY_NO_BEST`, `ENTROPY_NO_CHECKPOINT`.
 */
export function findEpoch(
  { best, last, kept, history }: Pick<EpochSelector, 'best' | 'last' | 'kept' | 'history'>,
  epoch: number | 'last' | undefined,
): EpochRecord {
  if (epoch === 'last' && last !== null) return last;
  if (epoch === undefined && best !== null) return best;
  const [found] = kept.filter((record) => record.epoch === epoch).sort((a, b) => b.fit - a.fit);
  if (found !== undefined) return found;
  throw epoch === undefined || kept.length === 0 ? noBest(history.length) : notKept(epoch, kept);
}

/** The error for a missing best epoch. @param epochs how many epochs have ended. */
export function noBest(epochs: number): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_NO_BEST',
    epochs === 0
      ? 'There is no best epoch yet: no epoch has ended.'
      : `There is no best epoch: none of ${epochs} could be selected (see \`history\`, \`startFromEpoch\`, ` +
          '`initialThreshold`), or this instance has been disposed.',
  );
}

function notKept(epoch: number | 'last' | undefined, kept: readonly EpochRecord[]): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_NO_CHECKPOINT',
    `Expected \`epoch\` to be one that is kept (${kept.map((record) => record.epoch).join(', ')}), got ${epoch}. ` +
      '`maxToKeep` and `keepEvery` set which are.',
  );
}

/** The error for a `fit` that doesn't begin where `resume` said. */
export function wrongInitialEpoch(expected: number, got: number): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_WRONG_INITIAL_EPOCH',
    `Pass what \`resume\` returns to \`fit\`: expected it to begin with \`initialEpoch: ${expected}\`, got ${got}.`,
  );
}
