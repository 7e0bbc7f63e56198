import type { EpochRecord } from '../epoch-record.js';
import { COMPUTED_MONITORS, isEntropyMonitor, type Monitor } from '../selection/monitor.js';
import { loggedNames } from './columns.js';
import type { CurveRole } from './curve-styles.js';
import { capitalized, isTrainingName, phaseName, splitName, stemInWords } from './readable-names.js';

/** The values of one name by epoch, in the order in which the epochs ran. */
export interface Curve {
  readonly name: string;
  /** NaN where there's none. */
  readonly values: Float64Array;
  /** Whether the epochs were compared by these values. */
  readonly isMonitored: boolean;
  /** The position of the epoch that its own training kept, where each curve has one; null for none. */
  readonly keptAt?: number | null;
  /** Which data its values are of; its training's position where each training has a curve. */
  readonly style: CurveRole | number;
}

/** Curves that share a plot. */
export interface Panel {
  readonly title: string;
  /** The unit of the values; empty where they have none. */
  readonly unit: string;
  readonly curves: readonly Curve[];
}

/**
 * The panel with the monitored curve, then the entropies, the losses and the metrics. Curves without a value are left
 * out.
 */
export function panelsOf(history: readonly EpochRecord[], monitor: Monitor): Panel[] {
  const curve = (
    name: string,
    key: string,
    style: Curve['style'],
    valueOf: (record: EpochRecord) => number | null | undefined,
  ): Curve => ({
    name,
    style,
    values: Float64Array.from(history, (record) => finite(valueOf(record))),
    isMonitored: key === monitor.name,
  });
  /** A metric may have the name of a computed value, which alone is monitored then. */
  const metric = (name: string, key: string): Curve => ({
    ...curve(name, key, roleOf(name), ({ logs }) => logs[key]),
    isMonitored: key === monitor.name && monitor.phases.length === 0,
  });
  const entropies: Panel = {
    title: 'Entropy of the predictions',
    unit: 'nats',
    curves: [
      curve('training and validation', 'entropy', 'all', ({ entropy }) => entropy),
      curve('training', 'train_entropy', 'training', ({ trainEntropy }) => trainEntropy),
      curve('validation', 'val_entropy', 'validation', ({ valEntropy }) => valEntropy),
    ],
  };
  const monitored: Panel = {
    title: 'Monitored values',
    unit: '',
    curves: [
      curve(monitor.name, monitor.name, 'all', ({ value }) => value),
      curve('changed predictions', 'val_changes', 'validation', ({ valChanges }) => valChanges),
      curve('information', 'val_information', INFORMATION_STYLE, ({ valInformation }) => valInformation),
    ],
  };
  const names = loggedNames(history);
  const stems = stemsOf(names);
  const logged = stems.map((stem): Panel => {
    const keys = [stem, `val_${stem}`, `test_${stem}`];
    return {
      title: titleOf(stem, stems),
      unit: '',
      curves: keys.map((key) => metric(curveName(key, names), key)),
    };
  });
  return [entropies, ...(hasOwnPanel(monitor) ? [monitored] : []), ...logged]
    .map((panel) => ({ ...panel, curves: panel.curves.filter(hasValues) }))
    .filter(({ curves }) => curves.length > 0)
    .sort((a, b) => Number(isMonitored(b)) - Number(isMonitored(a)));
}

/** That of a fourth curve, which differs from those of all data. */
const INFORMATION_STYLE = 3;

/** The data that a curve's name says. */
function roleOf(name: string): CurveRole {
  return name === 'training' || name === 'validation' || name === 'test' ? name : 'all';
}

function isMonitored({ curves }: Panel): boolean {
  return curves.some((curve) => curve.isMonitored);
}

/** A title that no other metric has. */
function titleOf(stem: string, stems: readonly string[]): string {
  const titles = stems.map((other) => capitalized(stemInWords(other)));
  const title = capitalized(stemInWords(stem));
  if (labelOf(stem) !== stem) return capitalized(labelOf(stem));
  return titles.filter((other) => other === title).length > 1 ? `${title} (${stem})` : title;
}

/** Where `fit` validates, a value without a validation value isn't of `fit`, and may be of anything. */
function curveName(key: string, names: ReadonlySet<string>): string {
  const [phase] = splitName(key);
  const isOfFit = phase !== '' || isTrainingName(key) || names.has(`val_${key}`) || !names.has('val_loss');
  return isOfFit ? phaseName(phase) : stemInWords(key);
}

/** Whether the monitored value is neither an entropy nor logged by `fit`. */
export function hasOwnPanel(monitor: Monitor): boolean {
  return !isEntropyMonitor(monitor) && !monitor.logged.includes(monitor.name);
}

/** How a logged value is called: a metric may have the name of a value that this package computes. */
export function labelOf(name: string): string {
  return COMPUTED_MONITORS.includes(name) ? `${name} (metric)` : name;
}

/** The names of what was logged, without their phases; the loss first. */
function stemsOf(names: ReadonlySet<string>): string[] {
  const stems = new Set([...names].map((name) => splitName(name)[1]));
  return [...stems].sort((a, b) => Number(b === 'loss') - Number(a === 'loss'));
}

/** NaN for what a chart can't show. */
export function finite(value: number | null | undefined): number {
  return value != null && Number.isFinite(value) ? value : NaN;
}

export function hasValues({ values }: Curve): boolean {
  return values.some((value) => !Number.isNaN(value));
}
