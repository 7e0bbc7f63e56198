import { describeValue, invalidOption } from '../check-options.js';
import type { MonitoredEpoch, Phase } from '../epoch-record.js';
import { EntropyCheckpointError } from '../errors.js';
import type { Comparison } from './improvement.js';
import type { ComparingMonitor } from './monitors/comparing-monitor.js';
import { COMPARING_MONITORS } from './monitors/registry.js';

/** A monitored value by its name. An editor completes the usual ones; any name that `fit` logs is allowed. */
export type MonitorName =
  | 'entropy'
  | 'train_entropy'
  | 'val_entropy'
  | 'consensus'
  | 'label_wave'
  | 'val_acc_and_loss'
  | 'loss'
  | 'acc'
  | 'val_loss'
  | 'val_acc'
  // Without the intersection an editor would forget the names above.
  | (string & {});

/**
 * A monitored value computed from an epoch's record.
 *
 * @param epoch the record, but for `value` and `isBest`.
 * @returns null where the epoch has no value: it's recorded and never the best.
 */
export type MonitorFunction = (epoch: MonitoredEpoch) => number | null;

/** Options that say what is compared. */
export interface MonitorOptions {
  readonly monitor: MonitorName | MonitorFunction;
  readonly mode: 'auto' | 'max' | 'min';
  /** null: the monitor's default. */
  readonly patience: number | null;
}

/** What epochs are compared by. */
export interface Monitor extends Comparison {
  /** As the user wrote it; `FUNCTION_NAME` for a function. */
  readonly name: string;
  /** After that many epochs without a better one, no later epoch can be the best. `Infinity`: never. */
  readonly patience: number;
  /** The phases whose predictions it's computed from; empty for a metric or a function. */
  readonly phases: readonly Phase[];
  /** The names of the logged values that it's computed from; empty where there are none, and for a function. */
  readonly logged: readonly string[];
  /** How it compares validation predictions; null if it doesn't. */
  readonly comparing: ComparingMonitor | null;
  /**
   * The value of the last of `epochs`.
   *
   * @param epochs the latest `WINDOW_EPOCHS` or fewer, in the order in which they ran.
   * @param numClasses of the output with the fewest; null if unknown.
   */
  readonly valueOf: (epochs: readonly MonitoredEpoch[], numClasses: number | null) => number | null;
}

/** Stands for a function in messages and in what is stored. No metric has such a name. */
export const FUNCTION_NAME = '(a function)';

type LastEpochValue = (epoch: MonitoredEpoch) => number | null | undefined;

const ENTROPIES: Readonly<Record<string, readonly [phases: readonly Phase[], valueOf: LastEpochValue]>> = {
  entropy: [['train', 'val'], ({ entropy }) => entropy],
  train_entropy: [['train'], ({ trainEntropy }) => trainEntropy],
  val_entropy: [['val'], ({ valEntropy }) => valEntropy],
};

const ACCURACY_AND_LOSS = 'val_acc_and_loss';

/** The monitors that no log has under their own name. */
export const COMPUTED_MONITORS: readonly string[] = [
  ...Object.keys(ENTROPIES),
  ...Object.keys(COMPARING_MONITORS),
  ACCURACY_AND_LOSS,
];

/**
 * The monitor that the options name.
 *
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` if `mode` is `'auto'` but needed, or contradicts
 *   the monitor.
 */
export function resolveMonitor({ monitor, mode, patience }: MonitorOptions): Monitor {
  const resolved =
    typeof monitor === 'function' ? functionMonitor(monitor, mode) : namedMonitor(monitor, mode);
  return patience === null ? resolved : { ...resolved, patience };
}

/** Whether the monitored value is an entropy. */
export function isEntropyMonitor({ name, comparing }: Pick<Monitor, 'name' | 'comparing'>): boolean {
  return comparing === null && Object.hasOwn(ENTROPIES, name);
}

function functionMonitor(monitor: MonitorFunction, mode: MonitorOptions['mode']): Monitor {
  if (mode === 'auto') {
    throw invalidOption(
      "Set `mode: 'max'` or `mode: 'min'`: it cannot be inferred from a `monitor` function.",
    );
  }
  const valueOf: LastEpochValue = (epoch) => {
    const value: unknown = monitor(epoch);
    if (value == null || typeof value === 'number') return value;
    throw invalidOption(
      `Expected the \`monitor\` function to return a number or null, got ${describeValue(value)}.`,
    );
  };
  return { ...computedFrom(FUNCTION_NAME, {}, lastValue(valueOf)), mode };
}

function namedMonitor(name: string, mode: MonitorOptions['mode']): Monitor {
  const comparing = Object.hasOwn(COMPARING_MONITORS, name) ? COMPARING_MONITORS[name]! : null;
  if (comparing !== null) return comparingMonitor(name, comparing, mode);
  const maximising = mode === 'auto' ? 'max' : mode;
  if (name === ACCURACY_AND_LOSS) {
    // Its predictions tell the number of classes.
    const sources = { phases: ['val'], logged: ['val_acc', 'val_loss'] } as const;
    return { ...computedFrom(name, sources, accuracyAndLoss), mode: maximising };
  }
  const entropy = Object.hasOwn(ENTROPIES, name) ? ENTROPIES[name]! : null;
  if (entropy !== null) {
    const [phases, valueOf] = entropy;
    return { ...computedFrom(name, { phases }, lastValue(valueOf)), mode: maximising };
  }
  const metric = computedFrom(
    name,
    { logged: [name] },
    lastValue(({ logs }) => logs[name]),
  );
  return { ...metric, mode: mode === 'auto' ? inferMode(name) : mode };
}

function comparingMonitor(name: string, comparing: ComparingMonitor, mode: MonitorOptions['mode']): Monitor {
  if (mode !== 'auto' && mode !== comparing.mode) {
    throw invalidOption(
      `Expected \`mode\` to be '${comparing.mode}' or 'auto' with \`monitor: '${name}'\`, got '${mode}'.`,
    );
  }
  const { patience, phases, valueOf, termSize } = comparing;
  return { name, mode: comparing.mode, termSize, patience, phases, logged: [], comparing, valueOf };
}

/** A monitor that looks at one epoch alone. @param sources what its value is computed from. */
function computedFrom(
  name: string,
  { phases = [], logged = [] }: Partial<Pick<Monitor, 'phases' | 'logged'>>,
  valueOf: Monitor['valueOf'],
): Omit<Monitor, 'mode'> {
  return { name, termSize: 0, patience: Infinity, phases, logged, comparing: null, valueOf };
}

/** Weight of the loss, as a share of the loss of a network that predicts all classes alike, ln C. */
const LOSS_WEIGHT = 0.1;

/** Of epochs with nearly the same validation accuracy, the one with the smaller loss. Selected by the study. */
const accuracyAndLoss: Monitor['valueOf'] = (epochs, numClasses) => {
  const { val_acc: accuracy, val_loss: loss } = epochs.at(-1)!.logs;
  if (accuracy === undefined || loss === undefined || numClasses === null) return null;
  return accuracy - (LOSS_WEIGHT * loss) / Math.log(numClasses);
};

function lastValue(valueOf: LastEpochValue): Monitor['valueOf'] {
  return (epochs) => valueOf(epochs.at(-1)!) ?? null;
}

/**
 * The direction in which a metric improves, inferred from its name.
 *
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` for a name that says nothing about it.
 */
function inferMode(metric: string): 'max' | 'min' {
  // `val_out1_acc_1`: the validation value of output `out1`, for the second of two metrics with the same name.
  const words = metric.toLowerCase().replace(/_\d+$/, '').split('_');
  const last = words.at(-1) ?? '';
  if (/^(acc|precision|recall|auc)$|accuracy$/.test(last)) return 'max';
  if (/^(loss|mse|mae|mape|ce|msle)$|error$|crossentropy$/.test(last)) return 'min';
  throw invalidOption(
    `Set \`mode: 'max'\` or \`mode: 'min'\`: whether a larger or a smaller "${metric}" is better cannot be inferred from its name.`,
  );
}

/**
 * Checks that the logs of an epoch hold the monitored value if it's a metric.
 *
 * @param logs numbers and scalars by name.
 * @throws EntropyCheckpointError `ENTROPY_UNKNOWN_MONITOR`.
 */
export function requireLogged({ logged }: Monitor, logs: readonly string[]): void {
  const missing = logged.find((name) => !logs.includes(name));
  if (missing === undefined) return;
  throw unknownMonitor(missing, logs, 'Add it to `logs` as a number or a scalar before the epoch ends.');
}

/**
 * Checks that an epoch has the predictions that the monitored value is computed from.
 *
 * @param seen the phases that have rows.
 * @throws EntropyCheckpointError `ENTROPY_NO_PREDICTIONS`.
 */
export function requirePredictions({ name, phases, comparing }: Monitor, seen: readonly Phase[]): void {
  const missing = phases.filter((phase) => !seen.includes(phase));
  // One phase is enough for the entropy over both.
  if (missing.length < (comparing === null ? Math.max(1, phases.length) : 1)) return;
  throw new EntropyCheckpointError(
    'ENTROPY_NO_PREDICTIONS',
    `Call \`appendOutput\` before the epoch is saved: \`monitor: '${name}'\` needs predictions of ` +
      `${phases.join(comparing === null ? ' or ' : ' and ')}, got no row of ${missing.join(' or ')}.`,
  );
}

/** The error for a monitor that the training doesn't log. @param available what it logs. */
export function unknownMonitor(
  name: string,
  available: readonly string[],
  remedy: string,
): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_UNKNOWN_MONITOR',
    `Expected \`monitor\` to be a value that this training logs (${available.join(', ') || 'none'}), got '${name}'. ${remedy}`,
  );
}
