import type { EpochRecord } from '../../src/epoch-record.js';
import { resolveOptions, type EntropyCheckpointOptions } from '../../src/options.js';
import type { Outcome } from '../../src/report/explain.js';
import { EpochSelector } from '../../src/selection/epoch-selector.js';

/** What is known of an epoch; the rest is made up. */
export type KnownEpoch = Partial<EpochRecord> & { readonly value: number | null };

/** A training whose epochs had these values, as a callback with these options would have selected from them. */
export function fakeTraining(
  epochs: readonly KnownEpoch[],
  options: EntropyCheckpointOptions = {},
  numClasses: number | null = 10,
): Outcome {
  const resolved = resolveOptions({ filepath: null, ...options });
  let value: number | null = null;
  const monitor = { ...resolved.monitor, valueOf: () => value };
  const selector = new EpochSelector(monitor, resolved);
  for (const [position, known] of epochs.entries()) {
    ({ value } = known);
    const entropies = { entropy: value, trainEntropy: value, valEntropy: null };
    selector.add({ epoch: position, fit: 0, ...entropies, logs: {}, ...known }, true);
  }
  return { selector, monitor, options: resolved, numClasses };
}

/** A training whose epochs had these values; `known` of every epoch. */
export function fakeTrainingOf(
  values: readonly (number | null)[],
  options: EntropyCheckpointOptions = {},
  known: (value: number | null) => Partial<EpochRecord> = () => ({}),
): Outcome {
  return fakeTraining(
    values.map((value) => ({ value, ...known(value) })),
    options,
  );
}
