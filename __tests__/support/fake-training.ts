import type { EpochRecord } from '../../src/epoch-record.js';
import { resolveOptions, type EntropyCheckpointOptions } from '../../src/options.js';
import type { Outcome } from '../../src/report/explain.js';
import { EpochSelector } from '../../src/selection/epoch-selector.js';

/** The fields of an epoch that a test sets. The others are made up. */
export type GivenEpoch = Partial<EpochRecord> & { readonly value: number | null };

/** The outcome of a training whose epochs had these values, with the selection that these options make. */
export function fakeTraining(
  epochs: readonly GivenEpoch[],
  options: EntropyCheckpointOptions = {},
  numClasses: number | null = 10,
): Outcome {
  const resolved = resolveOptions({ filepath: null, ...options });
  let value: number | null = null;
  const monitor = { ...resolved.monitor, valueOf: () => value };
  const selector = new EpochSelector(monitor, resolved);
  for (const [position, given] of epochs.entries()) {
    ({ value } = given);
    const entropies = { entropy: value, trainEntropy: value, valEntropy: null };
    selector.add({ epoch: position, fit: 0, ...entropies, logs: {}, ...given }, true);
  }
  return { selector, monitor, options: resolved, score: { numClasses, mostClasses: numClasses } };
}
