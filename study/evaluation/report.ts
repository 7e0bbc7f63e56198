import { TASKS } from '../data/tasks.js';
import { NOISES } from '../data/label-noise.js';
import { OPTIMIZERS, type Cell } from '../grid.js';
import { NETWORKS } from '../networks.js';
import { RULES } from '../rules/all-rules.js';
import { maximumEntropy } from '../rules/baselines.js';
import type { Rule } from '../rules/rule.js';
import type { Trajectory } from '../trajectories.js';
import { compareRules, performanceOf } from './compare.js';
import { bestByMean, bestOf, isTuning } from './selection.js';
import type { MeanEstimate } from './statistics.js';

/** Everything that is published, as Markdown. */
export function report(trajectories: readonly Trajectory[]): string {
  const tuning = trajectories.filter(isTuning);
  const heldOut = trajectories.filter((trajectory) => !isTuning(trajectory));
  const shipped = bestOf(RULES, tuning);
  const labelWave = bestByMean(
    RULES.filter(({ name }) => name.startsWith('Label Wave')),
    tuning,
  );
  return [
    '# Results',
    'Written by `npm run study` from `trajectories.jsonl.gz`. How it is done: [README.md](README.md). Regret in percentage points of clean test accuracy, means with 95 % intervals.',
    `Chosen on MNIST and languages: **${shipped.name}**; of the variants of Label Wave, **${labelWave.name}**.`,
    `## Held out: ${heldOut.length} trainings`,
    performanceTable(RULES, heldOut),
    `## The chosen rule against others, held out`,
    pairedTable(
      shipped,
      [labelWave, ...RULES.filter((rule) => rule !== shipped && rule !== labelWave)],
      heldOut,
    ),
    '## Held out, part by part',
    ...partTables([shipped, labelWave, maximumEntropy], heldOut),
    `## MNIST and languages, on which the rules were chosen: ${tuning.length} trainings`,
    performanceTable(RULES, tuning),
  ].join('\n\n');
}

export function performanceTable(rules: readonly Rule[], trajectories: readonly Trajectory[]): string {
  return table(
    ['rule', 'needs', 'mean regret', '95 % are at most', 'worst'],
    rules.map((rule) => {
      const { regret, high, worst } = performanceOf(rule, trajectories);
      return [rule.name, rule.needs, interval(regret), high.toFixed(2), worst.toFixed(2)];
    }),
  );
}

function pairedTable(shipped: Rule, others: readonly Rule[], trajectories: readonly Trajectory[]): string {
  return table(
    ['against', 'difference of the mean', 'better', 'equal', 'worse'],
    others.map((other) => {
      const { difference, wins, ties, losses } = compareRules(shipped, other, trajectories);
      return [other.name, interval(difference), String(wins), String(ties), String(losses)];
    }),
  );
}

const PARTS = {
  task: TASKS,
  noise: NOISES,
  network: NETWORKS,
  optimizer: OPTIMIZERS,
} as const satisfies Partial<Record<keyof Cell, readonly string[]>>;

function partTables(rules: readonly Rule[], trajectories: readonly Trajectory[]): string[] {
  return Object.entries(PARTS).map(([key, values]) => {
    const rows = values.flatMap((value) => {
      const part = trajectories.filter(({ cell }) => cell[key as keyof typeof PARTS] === value);
      if (part.length === 0) return [];
      const cells = rules.map((rule) => {
        const { regret, worst } = performanceOf(rule, part);
        return `${regret.mean.toFixed(2)} (${worst.toFixed(2)})`;
      });
      return [[value, String(part.length), ...cells]];
    });
    return table([key, 'trainings', ...rules.map(({ name }) => `${name}: mean (worst)`)], rows);
  });
}

export function interval({ mean, low, high }: MeanEstimate): string {
  return `${mean.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}
