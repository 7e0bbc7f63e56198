import type { EpochRecord } from '../epoch-record.js';
import { FUNCTION_NAME, isEntropyMonitor, type Monitor } from '../selection/monitor.js';
import type { Outcome } from './explain.js';
import { logColumns, rounded, SCORES, withDistinctNames, type NumberColumn } from './columns.js';

/** An epoch in the table that `summary` returns. All rows have the same columns, in the same order. */
export interface EpochSummary {
  /** Counted from 0. */
  readonly epoch: number;
  /** `'best'`, `'kept'` (`maxToKeep`), `'last'` (`saveLast`), or two of them; `''` for an epoch that isn't kept. */
  readonly state: string;
  /** The other values by their names in `logs`, to 4 significant digits; null where the epoch has none. */
  readonly [column: string]: number | string | null;
}

/** The epochs as a table for people: what was monitored first, then the entropies and what was logged. */
export function summary(outcome: Outcome): EpochSummary[] {
  const { history } = outcome.selector;
  const hasSeveralFits = history.at(-1)?.fit !== history[0]?.fit;
  const columns = valueColumns(history, outcome.monitor);
  const states = statesOf(outcome);
  return history.map((record) => {
    const values = columns.map(({ name, valueOf }) => {
      const value = valueOf(record);
      return [name, value == null ? null : rounded(value)] as const;
    });
    const { epoch, fit } = record;
    return {
      epoch,
      ...(hasSeveralFits ? { fit } : {}),
      ...Object.fromEntries(values),
      state: states.get(record) ?? '',
    };
  });
}

function valueColumns(history: readonly EpochRecord[], monitor: Monitor): NumberColumn[] {
  const { name, logged } = monitor;
  const monitored: NumberColumn = {
    name: name === FUNCTION_NAME ? 'value' : name,
    valueOf: ({ value }) => value,
  };
  const scores = isEntropyMonitor(monitor) ? SCORES.filter((score) => score.name !== name) : SCORES;
  const logs = logColumns(history).filter((log) => log.name !== name || !logged.includes(name));
  const shown = [monitored, ...scores, ...logs].filter(({ valueOf }) =>
    history.some((record) => valueOf(record) != null),
  );
  return withDistinctNames(shown, ['epoch', 'fit', 'state']);
}

function statesOf({ selector, options }: Outcome): Map<EpochRecord, string> {
  const { best, kept, last } = selector;
  const states = new Map(kept.map((record) => [record, record === best ? 'best' : 'kept']));
  if (!options.saveLast || last === null) return states;
  const state = states.get(last);
  return states.set(last, state === undefined ? 'last' : `${state}, last`);
}
