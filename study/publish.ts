import { compareRules } from './evaluation/compare.js';
import { interval, performanceTable, report, table } from './evaluation/report.js';
import { bestOf, isTuning } from './evaluation/selection.js';
import { cellId } from './grid.js';
import { regretPlot } from './plots/regret-plot.js';
import { trajectoryPlot, type Panel } from './plots/trajectory-plot.js';
import { RULES } from './rules/all-rules.js';
import type { Rule } from './rules/rule.js';
import type { Trajectory } from './trajectories.js';

/** What is shown of the rules where not all are: the names of the table of results. */
const SHOWN = [
  'last epoch',
  'maximum entropy (the original)',
  'maximum entropy from epoch 5 on',
  'Label Wave, training, mean of 2',
  'Label Wave, validation, mean of 3',
  'first maximum of the validation margin',
  'largest nuclear norm of validation',
  'gradient disparity',
  'consensus, 1 × entropy gap, patience 7',
  'informed consensus, patience 7, from 0.1',
  'noisy validation loss',
  'noisy validation accuracy',
];

/** Chosen without looking at their results. */
const TYPICAL: Readonly<Record<string, string>> = {
  'fashion-mnist/symmetric-40/dense/adam-large/1': 'Images, 40 % wrong labels, large steps',
  'fashion-mnist/none/dense/sgd-small/1': 'Images, no wrong labels, small steps',
  'glosses/symmetric-40/dense/adam-large/4': 'Texts of four topics, 40 % wrong labels, large steps',
};

/** Everything that is published of the trajectories. */
export interface Published {
  readonly results: string;
  /** For `docs/choosing-a-monitor.md`. */
  readonly tables: string;
  /** SVG, by name. */
  readonly images: Readonly<Record<'regret-by-rule' | 'typical-trainings', string>>;
}

export function publish(trajectories: readonly Trajectory[]): Published {
  const heldOut = trajectories.filter((trajectory) => !isTuning(trajectory));
  const shipped = bestOf(RULES, trajectories.filter(isTuning));
  const shown = SHOWN.map(ruleNamed);
  return {
    results: report(trajectories),
    tables: [performanceTable(shown, heldOut), pairs(shipped, shown, heldOut)].join('\n\n'),
    images: {
      'regret-by-rule': regretPlot(shown, shipped, heldOut),
      'typical-trainings': trajectoryPlot(panelsOf(trajectories), {
        'max-entropy': ruleNamed('maximum entropy (the original)'),
        'label-wave': ruleNamed('Label Wave, validation, mean of 3'),
        consensus: shipped,
      }),
    },
  };
}

function pairs(shipped: Rule, shown: readonly Rule[], trajectories: readonly Trajectory[]): string {
  const others = shown.filter((rule) => rule !== shipped);
  return table(
    ['`consensus` against', 'difference of the mean regret', 'better', 'equal', 'worse'],
    others.map((other) => {
      const { difference, wins, ties, losses } = compareRules(shipped, other, trajectories);
      return [other.name, interval(difference), ...[wins, ties, losses].map(String)];
    }),
  );
}

function panelsOf(trajectories: readonly Trajectory[]): Panel[] {
  const byId = new Map(trajectories.map((trajectory) => [cellId(trajectory.cell), trajectory]));
  return Object.entries(TYPICAL).flatMap(([id, title]) => {
    const trajectory = byId.get(id);
    return trajectory === undefined ? [] : [{ title, trajectory }];
  });
}

function ruleNamed(name: string): Rule {
  const rule = RULES.find((one) => one.name === name);
  if (rule === undefined) throw new RangeError(`There is no rule "${name}".`);
  return rule;
}
