import type * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../errors.js';
import { areSameAveraging, textOfAveraging, type AveragingSettings } from '../format/averaging-settings.js';
import type { WeightAverage } from './weight-average.js';

interface Shared {
  readonly average: WeightAverage;
  numUsers: number;
}

/** The average of each model that is being trained with one. */
const running = new WeakMap<tf.LayersModel, Shared>();

/**
 * The average for a `fit` that begins. Validation runs on one average, so all checkpoints of the `fit` share it.
 *
 * @param own the caller's average, which is disposed if that of another checkpoint takes its place.
 * @returns the caller owns it. It calls `leaveAverage` when the `fit` ends.
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` if the other checkpoint averages with other settings.
 */
export function joinAverage(model: tf.LayersModel, own: WeightAverage): WeightAverage {
  const shared = running.get(model);
  if (shared === undefined) {
    running.set(model, { average: own, numUsers: 1 });
    return own;
  }
  const { average } = shared;
  if (average !== own) {
    if (!areSameAveraging(average.settings, own.settings))
      throw otherSettings(average.settings, own.settings);
    // It continues an earlier `fit`, and the other one begins.
    if (average.progress.mass === 0 && own.progress.mass > 0) average.takeOver(own);
    average.retain();
    own.dispose();
  }
  shared.numUsers += 1;
  return average;
}

/** The `fit` has ended for one of the checkpoints that joined. */
export function leaveAverage(model: tf.LayersModel): void {
  const shared = running.get(model);
  if (shared === undefined) return;
  shared.numUsers -= 1;
  if (shared.numUsers > 0) return;
  running.delete(model);
  shared.average.endFit();
}

function otherSettings(expected: AveragingSettings, got: AveragingSettings): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_INVALID_OPTION',
    'Set the same `averageWeights` in all checkpoints of one `fit`, as its validation runs on one average: expected ' +
      `${textOfAveraging(expected)}, got ${textOfAveraging(got)}.`,
  );
}
