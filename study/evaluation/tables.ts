import { NOISES } from '../data/label-noise.js';
import { TASKS } from '../data/tasks.js';
import { OPTIMIZERS, scheduleOf, SCHEDULES, type Cell } from '../grid.js';
import { NETWORKS } from '../networks.js';
import type { Rule } from '../rules/rule.js';
import type { Trajectory } from '../trajectories.js';
import { performanceOf } from './compare.js';
import type { MeanEstimate } from './statistics.js';

const PARTS = {
  task: TASKS,
  noise: NOISES,
  network: NETWORKS,
  optimizer: OPTIMIZERS,
  schedule: SCHEDULES,
} as const satisfies Partial<Record<keyof Cell, readonly string[]>>;

/** Mean and worst regrets by task, noise, network, optimizer and schedule. */
export function partTables(rules: readonly Rule[], trajectories: readonly Trajectory[]): string[] {
  return Object.entries(PARTS).flatMap(([key, values]) => {
    const rows = values.flatMap((value) => {
      const part = trajectories.filter(
        ({ cell }) => ({ ...cell, schedule: scheduleOf(cell) })[key as keyof typeof PARTS] === value,
      );
      if (part.length === 0) return [];
      const cells = rules.map((rule) => {
        const { regret, worst } = performanceOf(rule, part);
        return `${regret.mean.toFixed(2)} (${worst.toFixed(2)})`;
      });
      return [[value, String(part.length), ...cells]];
    });
    // A part that covers everything says nothing new.
    if (rows.length === 1) return [];
    return [table([key, 'trainings', ...rules.map(({ name }) => `${name}: mean (worst)`)], rows)];
  });
}

export function interval({ mean, low, high }: MeanEstimate): string {
  return `${mean.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
}

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}
