import type { EpochRecord } from '../epoch-record.js';
import { COMPUTED_MONITORS, isEntropyMonitor, type Monitor } from '../selection/monitor.js';
import { loggedNames } from './columns.js';

/** The values of one name by epoch, in the order in which the epochs ran. */
export interface Curve {
  readonly name: string;
  /** NaN where there's none. */
  readonly values: Float64Array;
  /** Whether the epochs were compared by these values. */
  readonly isMonitored: boolean;
}

/** Curves that share a plot. */
export interface Panel {
  readonly title: string;
  /** The unit of the values; empty where they have none. */
  readonly unit: string;
  readonly curves: readonly Curve[];
}

const VALIDATION = 'val_';

/** The entropies, the monitored values, then the losses and metrics. Curves without a value are left out. */
export function panelsOf(history: readonly EpochRecord[], monitor: Monitor): Panel[] {
  const curve = (
    name: string,
    key: string,
    valueOf: (record: EpochRecord) => number | null | undefined,
  ): Curve => ({
    name,
    values: Float64Array.from(history, (record) => finite(valueOf(record))),
    isMonitored: key === monitor.name,
  });
  /** A metric may have the name of a computed value, which alone is monitored then. */
  const metric = (name: string, key: string): Curve => ({
    ...curve(name, key, ({ logs }) => logs[key]),
    isMonitored: key === monitor.name && monitor.phases.length === 0,
  });
  const entropies: Panel = {
    title: 'Entropy of the predictions',
    unit: 'nats',
    curves: [
      curve('training and validation', 'entropy', ({ entropy }) => entropy),
      curve('training', 'train_entropy', ({ trainEntropy }) => trainEntropy),
      curve('validation', 'val_entropy', ({ valEntropy }) => valEntropy),
    ],
  };
  const monitored: Panel = {
    title: 'Monitored values',
    unit: '',
    curves: [
      curve(monitor.name, monitor.name, ({ value }) => value),
      curve('changed predictions', 'val_changes', ({ valChanges }) => valChanges),
      curve('information', 'val_information', ({ valInformation }) => valInformation),
    ],
  };
  const logged = metricNames(history).map((name): Panel => {
    const validation = VALIDATION + name;
    return {
      title: name === 'loss' ? 'Loss' : labelOf(name),
      unit: '',
      curves: [metric('training', name), metric('validation', validation)],
    };
  });
  return [entropies, ...(hasOwnPanel(monitor) ? [monitored] : []), ...logged]
    .map((panel) => ({ ...panel, curves: panel.curves.filter(hasValues) }))
    .filter(({ curves }) => curves.length > 0);
}

/** Whether the monitored value is neither an entropy nor logged by `fit`. */
export function hasOwnPanel(monitor: Monitor): boolean {
  return !isEntropyMonitor(monitor) && !monitor.logged.includes(monitor.name);
}

/** How a logged value is called: a metric may have the name of a value that this package computes. */
export function labelOf(name: string): string {
  return COMPUTED_MONITORS.includes(name) ? `${name} (metric)` : name;
}

/** The names of what was logged, without `val_`; the loss first. */
function metricNames(history: readonly EpochRecord[]): string[] {
  const names = loggedNames(history);
  const stems = [...names].map((name) =>
    name.startsWith(VALIDATION) ? name.slice(VALIDATION.length) : name,
  );
  return [...new Set(['loss', ...stems])].filter((stem) => names.has(stem) || names.has(VALIDATION + stem));
}

function finite(value: number | null | undefined): number {
  return value != null && Number.isFinite(value) ? value : NaN;
}

function hasValues({ values }: Curve): boolean {
  return values.some((value) => !Number.isNaN(value));
}
