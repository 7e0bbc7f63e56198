import { invalidOption } from '../check-options.js';
import type { EntropyCheckpointError } from '../errors.js';
import { COMPUTED_MONITORS, unknownMonitor, type Monitor } from './monitor.js';

/** What `fit` tells its callbacks about the values that it logs. */
export interface LoggedByFit {
  readonly metrics: readonly string[];
  readonly hasValidation: boolean;
  /** Whether another callback may add the value to `logs`: only if the user set `mode`. */
  readonly mayBeAdded: boolean;
  /** Whether the user set `monitor`. */
  readonly isNamed: boolean;
}

/**
 * Checks, before training begins, that `fit` will log the monitored value.
 *
 * @returns whether that is known; if not, `requireLogged` decides at the end of the first epoch.
 * @throws EntropyCheckpointError `ENTROPY_UNKNOWN_MONITOR`; `ENTROPY_INVALID_OPTION` for a name that could also mean a
 *   metric of the model.
 */
export function isKnownToFit(
  monitor: Monitor,
  { metrics, hasValidation, mayBeAdded, isNamed }: LoggedByFit,
): boolean {
  const { name, phases, logged, comparing } = monitor;
  if (isNamed && phases.length > 0 && metrics.includes(name)) throw ambiguousName(name);
  const missing = logged.find((one) => !metrics.includes(one));
  const wanted = missing ?? name;
  // The entropy over both phases needs only one of them.
  const needsValidation = phases.includes('val') && (comparing !== null || phases.length === 1);
  if (missing === undefined && (hasValidation || !needsValidation)) return true;
  const lacksValidation =
    !hasValidation && (needsValidation || metrics.includes(wanted.replace(/^val_/, '')));
  if (mayBeAdded && !lacksValidation) return false;
  const available = COMPUTED_MONITORS.filter(
    (other) => hasValidation || !/^(val_|consensus|label_wave)/.test(other),
  );
  const shortName = wanted.replace(/accuracy$/, 'acc');
  if (metrics.includes(shortName)) {
    throw unknownMonitor(wanted, [...available, ...metrics], `TensorFlow.js calls it '${shortName}'.`);
  }
  throw unknownMonitor(
    wanted,
    [...available, ...metrics],
    lacksValidation
      ? 'Give `fit` a `validationSplit` or `validationData`.'
      : "Compile the model with that metric, or monitor another value. To monitor one that an earlier callback adds to `logs`, set `mode: 'max'` or `mode: 'min'`.",
  );
}

function ambiguousName(name: string): EntropyCheckpointError {
  return invalidOption(
    `Rename the metric '${name}' of the model, or monitor it with \`monitor: ({ logs }) => logs['${name}']\` and \`mode\`: ` +
      `expected \`monitor\` to name one value, got '${name}', which is also a value of this package.`,
  );
}
