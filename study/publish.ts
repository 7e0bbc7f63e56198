import { DEFAULT_AVERAGE } from './averages.js';
import { averagingTable } from './evaluation/averaging-report.js';
import { performanceTable, report } from './evaluation/report.js';
import { hasAverage, isFresh, isOfFirstRounds, isTuning } from './evaluation/selection.js';
import { cellId } from './grid.js';
import { keptAgainstLastPlot } from './plots/kept-against-last-plot.js';
import { regretPlot } from './plots/regret-plot.js';
import { trajectoryPlot, type Panel } from './plots/trajectory-plot.js';
import { RULES, RULES_TO_AVERAGE, shippedConsensus } from './rules/all-rules.js';
import { averaged, type Rule } from './rules/rule.js';
import type { Trajectory } from './trajectories.js';

/** The rules on weights as they were trained that `docs/choosing-a-monitor.md` shows. RESULTS.md has all of them. */
const SHOWN_RULES = [
  'last epoch',
  'maximum entropy (the original)',
  'maximum entropy from epoch 5 on',
  'Label Wave, training, mean of 2',
  'Label Wave, validation, mean of 3',
  'first maximum of the validation margin',
  'largest validation nuclear norm',
  'gradient disparity',
  'consensus, 1 × entropy gap, patience 7',
  'informed consensus, patience 7, threshold 0.1',
  'noisy validation loss',
  'noisy validation accuracy',
];

/** The trainings that are plotted, with their titles. They were picked before their results were known. */
const PLOTTED_TRAININGS: Readonly<Record<string, string>> = {
  'fashion-mnist/symmetric-40/dense/adam-large/1': 'Images, 40 % wrong labels, large steps',
  'fashion-mnist/none/dense/sgd-small/1': 'Images, no wrong labels, small steps',
  'glosses/symmetric-40/dense/adam-large/4': 'Texts of four topics, 40 % wrong labels, large steps',
};

/** The training in the picture of the README: the first seed of the data set that everybody knows. */
const README_TRAINING = 'mnist/symmetric-40/dense/adam-large/1';

/** The images in `docs/images/`. */
export type ImageName = 'kept-against-last' | 'regret-by-rule' | 'typical-trainings';

/** Everything that is generated from the trajectories. */
export interface Published {
  /** RESULTS.md. */
  readonly results: string;
  /** The tables of `docs/choosing-a-monitor.md`, in Markdown. */
  readonly tables: string;
  /** SVG by name. */
  readonly images: Readonly<Record<ImageName, string>>;
}

export function publish(trajectories: readonly Trajectory[]): Published {
  const fresh = trajectories.filter(isFresh);
  const heldOut = trajectories.filter((one) => !isFresh(one) && !isTuning(one));
  const averagedHeldOut = heldOut.filter(hasAverage);
  const ofFirstRounds = heldOut.filter(isOfFirstRounds);
  return {
    results: report(trajectories),
    tables: [
      `### Data that nobody had looked at: ${fresh.length} trainings`,
      averagingTable(RULES_TO_AVERAGE, fresh),
      `### Held-out tasks of the first two rounds: ${averagedHeldOut.length} trainings`,
      averagingTable(RULES_TO_AVERAGE, averagedHeldOut),
      `### More rules, on weights as they were trained: ${ofFirstRounds.length} trainings`,
      performanceTable(SHOWN_RULES.map(ruleNamed), ofFirstRounds),
    ].join('\n\n'),
    images: {
      'kept-against-last': keptAgainstLastPlot(
        trajectoryOf(README_TRAINING, trajectories),
        ruleNamed('noisy validation accuracy'),
        DEFAULT_AVERAGE,
      ),
      'regret-by-rule': regretPlot(
        RULES_TO_AVERAGE.flatMap((rule) => [rule, averaged(rule)]),
        fresh,
      ),
      'typical-trainings': trajectoryPlot(panelsOf(trajectories), {
        entropy: ruleNamed('maximum entropy (the original)'),
        label_wave: ruleNamed('Label Wave, validation, mean of 3'),
        consensus: shippedConsensus,
      }),
    },
  };
}

function panelsOf(trajectories: readonly Trajectory[]): Panel[] {
  return Object.entries(PLOTTED_TRAININGS).map(([id, title]) => ({
    title,
    trajectory: trajectoryOf(id, trajectories),
  }));
}

function trajectoryOf(id: string, trajectories: readonly Trajectory[]): Trajectory {
  const trajectory = trajectories.find(({ cell }) => cellId(cell) === id);
  if (trajectory === undefined) throw new RangeError(`There is no training "${id}".`);
  return trajectory;
}

function ruleNamed(name: string): Rule {
  const rule = RULES.find((one) => one.name === name);
  if (rule === undefined) throw new RangeError(`There is no rule "${name}".`);
  return rule;
}
