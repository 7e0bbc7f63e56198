import type { Rule } from '../rules/rule.js';
import type { Trajectory } from '../trajectories.js';
import { regretOf } from './regret.js';
import { estimateMean, quantile, type MeanEstimate } from './statistics.js';

/** The regrets of a rule, in percentage points. */
export interface Performance {
  readonly regret: MeanEstimate;
  readonly percentile95: number;
  readonly worst: number;
}

/** A rule compared with another one in the same trainings. */
export interface PairedComparison {
  /** Mean regret minus that of the other rule: below 0, the rule is better. */
  readonly difference: MeanEstimate;
  /** The same mean, with an interval that draws whole tasks. */
  readonly differenceByTask: MeanEstimate;
  readonly wins: number;
  readonly ties: number;
  readonly losses: number;
}

export function performanceOf(rule: Rule, trajectories: readonly Trajectory[]): Performance {
  const regrets = trajectories.map((trajectory) => regretOf(rule, trajectory));
  return {
    regret: estimateMean(grouped(trajectories, regrets)),
    percentile95: quantile(regrets, 0.95),
    worst: Math.max(...regrets),
  };
}

export function compareRules(rule: Rule, other: Rule, trajectories: readonly Trajectory[]): PairedComparison {
  const differences = trajectories.map(
    (trajectory) => regretOf(rule, trajectory) - regretOf(other, trajectory),
  );
  const count = (isCounted: (difference: number) => boolean): number => differences.filter(isCounted).length;
  return {
    difference: estimateMean(grouped(trajectories, differences)),
    differenceByTask: estimateMean(groupedBy(trajectories, differences, ({ cell }) => cell.task)),
    wins: count((difference) => difference < 0),
    ties: count((difference) => difference === 0),
    losses: count((difference) => difference > 0),
  };
}

/** Groups the values of trainings that differ only in their seed. */
function grouped(trajectories: readonly Trajectory[], values: readonly number[]): number[][] {
  return groupedBy(trajectories, values, ({ cell: { seed, ...rest } }) => Object.values(rest).join('/'));
}

function groupedBy(
  trajectories: readonly Trajectory[],
  values: readonly number[],
  keyOf: (trajectory: Trajectory) => string,
): number[][] {
  const groups = new Map<string, number[]>();
  for (const [i, trajectory] of trajectories.entries()) {
    const key = keyOf(trajectory);
    groups.set(key, [...(groups.get(key) ?? []), values[i]!]);
  }
  return [...groups.values()];
}
