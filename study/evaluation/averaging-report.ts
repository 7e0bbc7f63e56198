import { AVERAGE_NAMES, DEFAULT_AVERAGE } from '../averages.js';
import { RULES_TO_AVERAGE, shippedConsensus } from '../rules/all-rules.js';
import { validationAccuracy } from '../rules/baselines.js';
import { averaged, type Rule } from '../rules/rule.js';
import type { Trajectory } from '../trajectories.js';
import { compareRules, performanceOf } from './compare.js';
import { hasAverage, isFresh, isTuning } from './selection.js';
import { interval, partTables, table } from './tables.js';

/** What the package recommends, with labels and without. */
const RECOMMENDED = [validationAccuracy, shippedConsensus];

/** The sections of RESULTS.md on averaged weights. */
export function averagingSections(all: readonly Trajectory[]): string[] {
  const trajectories = all.filter(hasAverage);
  const fresh = trajectories.filter(isFresh);
  const tuning = trajectories.filter(isTuning);
  const seen = trajectories.filter((trajectory) => !isFresh(trajectory) && !isTuning(trajectory));
  return [
    '# The third round: averaged weights',
    'A regret below 0 is a model that is better than every epoch of the training. The difference is the regret of the average minus that of the same rule on weights as they were trained, in the same trainings. The second interval draws whole tasks.',
    ...sectionsOf('Tables that nobody had looked at', fresh),
    ...sectionsOf('Held-out tasks of the first two rounds', seen),
    `## MNIST and languages, used for tuning: ${tuning.length} trainings`,
    averagingTable(RULES_TO_AVERAGE, tuning),
    'The decay of an epoch and the updates of an epoch, by their mean regret on the first seeds:',
    averagesTable(tuning),
  ];
}

function sectionsOf(title: string, trajectories: readonly Trajectory[]): string[] {
  const withoutPair45 = trajectories.filter(({ cell }) => cell.noise !== 'pair-45');
  const parts = RECOMMENDED.flatMap((rule) => [rule, averaged(rule)]);
  return [
    `## ${title}: ${trajectories.length} trainings`,
    averagingTable(RULES_TO_AVERAGE, trajectories),
    `Without 45 % pair noise, ${withoutPair45.length} trainings:`,
    averagingTable(RECOMMENDED, withoutPair45),
    ...partTables(parts, trajectories),
  ];
}

/** Compares each rule on averaged weights with the same rule on weights as they were trained. */
export function averagingTable(rules: readonly Rule[], trajectories: readonly Trajectory[]): string {
  return table(
    ['rule', 'mean regret', '95 % ≤', 'worst', 'averaged: mean regret', '95 % ≤', 'worst', 'difference'],
    rules.map((rule) => {
      const average = averaged(rule);
      const [raw, better] = [rule, average].map((one) => performanceOf(one, trajectories));
      const { difference, differenceByTask } = compareRules(average, rule, trajectories);
      return [
        rule.name,
        ...[raw!, better!].flatMap(({ regret, percentile95, worst }) => [
          interval(regret),
          percentile95.toFixed(1),
          worst.toFixed(1),
        ]),
        `${interval(difference)} [${differenceByTask.low.toFixed(2)}, ${differenceByTask.high.toFixed(2)}]`,
      ];
    }),
  );
}

/** Compares the averages with each other, in the trainings in which all of them were recorded. */
function averagesTable(tuning: readonly Trajectory[]): string {
  const complete = tuning.filter((one) => AVERAGE_NAMES.every((name) => name in one.averaged));
  return table(
    ['decay / updates', ...RECOMMENDED.flatMap(({ name }) => [name, 'against the default'])],
    AVERAGE_NAMES.map((name) => [
      name,
      ...RECOMMENDED.flatMap((rule) => {
        const average = averaged(rule, name);
        const { difference } = compareRules(average, averaged(rule), complete);
        return [
          interval(performanceOf(average, complete).regret),
          name === DEFAULT_AVERAGE ? '' : interval(difference),
        ];
      }),
    ]),
  );
}
