import type { TrainingIdentity } from '../format/checkpoint-metadata.js';
import { randomId } from '../platform/random-id.js';

/**
 * The identity of a training that begins now.
 *
 * @param others the trainings that are in the store. The new one counts as later than all of them, even if a clock was
 *   set back.
 */
export function newTraining(others: readonly TrainingIdentity[]): TrainingIdentity {
  const earliest = others.reduce((start, other) => Math.max(start, other.startedAt + 1), Date.now());
  return { id: randomId(), startedAt: Math.min(earliest, Number.MAX_SAFE_INTEGER) };
}

/** Sorts the newest training first. Trainings of two folders may have begun in the same millisecond. */
function newestFirst(a: TrainingIdentity, b: TrainingIdentity): number {
  return b.startedAt - a.startedAt || (a.id < b.id ? 1 : -1);
}

/** Those of `stored` that belong to the newest training among them. */
export function ofNewestTraining<Stored extends { readonly training: TrainingIdentity }>(
  stored: readonly Stored[],
): Stored[] {
  const [newest] = stored.map(({ training }) => training).sort(newestFirst);
  return stored.filter(({ training }) => training.id === newest?.id);
}
