import { TUNING_TASKS } from '../grid.js';
import type { Rule } from '../rules/rule.js';
import type { Trajectory } from '../trajectories.js';
import { performanceOf } from './compare.js';

/** In points. */
const MAX_WORST = 5;

export const isTuning = ({ cell }: Trajectory): boolean => TUNING_TASKS.includes(cell.task);

/** Of rules that need neither labels nor a further pass, the one that README.md says is shipped. */
export function bestOf(rules: readonly Rule[], tuning: readonly Trajectory[]): Rule {
  const candidates = rules
    .filter(({ needs }) => needs === 'tap')
    .map((rule) => ({ rule, ...performanceOf(rule, tuning) }));
  const within = candidates.filter(({ worst }) => worst <= MAX_WORST);
  const [first] = (within.length > 0 ? within : candidates).toSorted((a, b) => a.regret.mean - b.regret.mean);
  if (first === undefined) throw new RangeError('Expected at least one rule that needs no labels.');
  return first.rule;
}

/** Whatever it needs. */
export function bestByMean(rules: readonly Rule[], tuning: readonly Trajectory[]): Rule {
  const meanOf = (rule: Rule): number => performanceOf(rule, tuning).regret.mean;
  return rules.reduce((best, rule) => (meanOf(rule) < meanOf(best) ? rule : best));
}
