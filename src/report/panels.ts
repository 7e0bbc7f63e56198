import type { EpochRecord } from '../epoch-record.js';
import type { ResolvedOptions } from '../options.js';

/** The values of one name, an epoch each, in the order in which they were run; null where there is none. */
export interface Curve {
  readonly name: string;
  readonly values: readonly (number | null)[];
  /** Whether the epochs were compared by it. */
  readonly isCompared: boolean;
}

/** Curves that share a plot. */
export interface Panel {
  readonly title: string;
  /** Of the values; empty where they have none. */
  readonly unit: string;
  readonly curves: readonly Curve[];
}

type Compared = Pick<ResolvedOptions, 'criterion' | 'monitor'>;

const VALIDATION = 'val_';

/** The entropies, what a criterion compared, then losses and metrics; those alone that have a value. */
export function panelsOf(history: readonly EpochRecord[], { criterion, monitor }: Compared): Panel[] {
  const compared = criterion === 'max-entropy' ? monitor : criterion;
  const curve = (
    name: string,
    key: string,
    valueOf: (record: EpochRecord) => number | null | undefined,
  ): Curve => ({
    name,
    values: history.map((record) => finite(valueOf(record))),
    isCompared: key === compared,
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
  const ofCriterion: Panel = {
    title: 'What was compared',
    unit: '',
    curves: [
      curve(criterion, criterion, ({ value }) => value),
      curve('changed predictions', 'val_changes', ({ valChanges }) => valChanges),
      curve('information', 'val_information', ({ valInformation }) => valInformation),
    ],
  };
  const logged = metricNames(history).map((name): Panel => {
    const validation = VALIDATION + name;
    return {
      title: name === 'loss' ? 'Loss' : name,
      unit: '',
      curves: [
        curve('training', name, ({ logs }) => logs[name]),
        curve('validation', validation, ({ logs }) => logs[validation]),
      ],
    };
  });
  return [entropies, ...(criterion === 'max-entropy' ? [] : [ofCriterion]), ...logged]
    .map((panel) => ({ ...panel, curves: panel.curves.filter(hasValues) }))
    .filter(({ curves }) => curves.length > 0);
}

/** What was logged, without `val_`; the loss first. */
function metricNames(history: readonly EpochRecord[]): string[] {
  const names = new Set(history.flatMap(({ logs }) => Object.keys(logs)));
  const stems = [...names].map((name) =>
    name.startsWith(VALIDATION) ? name.slice(VALIDATION.length) : name,
  );
  return [...new Set(['loss', ...stems])].filter((stem) => names.has(stem) || names.has(VALIDATION + stem));
}

function finite(value: number | null | undefined): number | null {
  return value != null && Number.isFinite(value) ? value : null;
}

function hasValues({ values }: Curve): boolean {
  return values.some((value) => value !== null);
}
