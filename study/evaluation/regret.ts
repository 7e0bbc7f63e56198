import type { Rule } from '../rules/rule.js';
import { visibleSignals, type Trajectory } from '../trajectories.js';

/**
 * The highest clean test accuracy of any epoch minus that of the epoch that `rule` selects, in percentage points.
 *
 * @throws RangeError if the selected epoch does not exist.
 */
export function regretOf(rule: Rule, trajectory: Trajectory): number {
  const { 'test-accuracy': accuracies } = trajectory.signals;
  const epoch = rule.select(visibleSignals(trajectory));
  const accuracy = accuracies[epoch];
  if (typeof accuracy !== 'number')
    throw new RangeError(`Rule "${rule.name}" selected epoch ${epoch}, which does not exist.`);
  // Four digits are recorded. Further digits of a difference are errors of binary fractions.
  return Number((100 * (Math.max(...(accuracies as number[])) - accuracy)).toFixed(2));
}
