import type { Rule } from '../rules/rule.js';
import { signalsWith, visibleSignals, type Trajectory } from '../trajectories.js';

/**
 * The highest clean test accuracy of any epoch as it was trained minus that of the model that `rule` keeps, in percentage
 * points. Below 0, an average is better than every epoch.
 *
 * @throws RangeError if the selected epoch does not exist.
 */
export function regretOf(rule: Rule, trajectory: Trajectory): number {
  const average = rule.average ?? null;
  const epoch = rule.select(visibleSignals(trajectory, average));
  const accuracy = signalsWith(trajectory, average)['test-accuracy'][epoch];
  if (typeof accuracy !== 'number')
    throw new RangeError(`Rule "${rule.name}" selected epoch ${epoch}, which does not exist.`);
  const best = Math.max(...(trajectory.signals['test-accuracy'] as number[]));
  // Four digits are recorded. Further digits of a difference are errors of binary fractions.
  return Number((100 * (best - accuracy)).toFixed(2));
}
