import { DEFAULT_AVERAGE } from '../averages.js';
import { FRESH_TASKS, scheduleOf, TUNING_TASKS } from '../grid.js';
import type { Rule } from '../rules/rule.js';
import type { Trajectory } from '../trajectories.js';
import { performanceOf } from './compare.js';

/** In percentage points. */
const MAX_WORST_REGRET = 5;

export const isTuning = ({ cell }: Trajectory): boolean => TUNING_TASKS.includes(cell.task);

/** Whether nobody had looked at the task before the third round. */
export const isFresh = ({ cell }: Trajectory): boolean => FRESH_TASKS.includes(cell.task);

/** Whether averaged weights were validated in the training. */
export const hasAverage = ({ averaged }: Trajectory): boolean => DEFAULT_AVERAGE in averaged;

/** Whether the training belongs to the first two rounds as well. */
export const isOfFirstRounds = (trajectory: Trajectory): boolean =>
  !isFresh(trajectory) && scheduleOf(trajectory.cell) === 'constant';

/**
 * Selects the rule that the package ships, among those that need only the predictions that a callback sees. It has the
 * smallest mean regret among rules whose worst regret is at most 5 points. If no rule has such a worst regret, the
 * smallest mean regret decides.
 */
export function selectShippedRule(rules: readonly Rule[], tuning: readonly Trajectory[]): Rule {
  const candidates = rules
    .filter(({ needs }) => needs === 'predictions')
    .map((rule) => ({ rule, ...performanceOf(rule, tuning) }));
  const within = candidates.filter(({ worst }) => worst <= MAX_WORST_REGRET);
  const [first] = (within.length > 0 ? within : candidates).toSorted((a, b) => a.regret.mean - b.regret.mean);
  if (first === undefined) throw new RangeError('Expected at least one rule that needs predictions alone.');
  return first.rule;
}

/** The rule with the smallest mean regret, whatever it needs. */
export function bestByMeanRegret(rules: readonly Rule[], tuning: readonly Trajectory[]): Rule {
  const meanOf = (rule: Rule): number => performanceOf(rule, tuning).regret.mean;
  return rules.reduce((best, rule) => (meanOf(rule) < meanOf(best) ? rule : best));
}
