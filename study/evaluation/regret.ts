import type { Rule } from '../rules/rule.js';
import { withoutTest, type Trajectory } from '../trajectories.js';

/**
 * The highest clean test accuracy of any epoch less that of the one that `rule` chooses, in percentage points.
 *
 * @throws RangeError where it chooses none that there is.
 */
export function regretOf(rule: Rule, trajectory: Trajectory): number {
  const { 'test-accuracy': accuracies } = trajectory.signals;
  const epoch = rule.choose(withoutTest(trajectory));
  const accuracy = accuracies[epoch];
  if (typeof accuracy !== 'number') throw new RangeError(`"${rule.name}" chose epoch ${epoch}.`);
  // Four digits are recorded; what a difference has beyond is of binary fractions.
  return Number((100 * (Math.max(...(accuracies as number[])) - accuracy)).toFixed(2));
}
