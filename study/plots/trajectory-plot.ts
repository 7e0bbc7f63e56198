import { cellId } from '../grid.js';
import type { Rule } from '../rules/rule.js';
import { visibleSignals, type Trajectory } from '../trajectories.js';
import { renderSvg } from './svg.js';

const WIDTH = 860;
const PANEL_HEIGHT = 250;
const LEFT = 64;

/** One training, plotted by epoch. */
export interface Panel {
  readonly title: string;
  readonly trajectory: Trajectory;
}

const LINES = [
  { signal: 'test-accuracy', name: 'clean test accuracy', color: '#111111', type: 'solid', width: 3 },
  { signal: 'val-accuracy', name: 'noisy validation accuracy', color: '#7f7f7f', type: 'dashed', width: 1.5 },
  {
    signal: 'running-entropy',
    name: 'training entropy (nats)',
    color: '#b45f06',
    type: 'solid',
    width: 1.5,
  },
  { signal: 'val-entropy', name: 'validation entropy (nats)', color: '#b45f06', type: 'dotted', width: 2 },
] as const;

/**
 * Plots the panels below each other, and marks the epoch that each rule selects.
 *
 * @param rules by the label of their mark.
 */
export function trajectoryPlot(panels: readonly Panel[], rules: Readonly<Record<string, Rule>>): string {
  const option = {
    // ECharts has no font here and underestimates the width of texts, so the gap is wide.
    legend: {
      bottom: 4,
      data: LINES.map(({ name }) => name),
      itemWidth: 30,
      itemGap: 44,
      textStyle: { fontSize: 11 },
    },
    title: panels.map(({ title, trajectory }, i) => ({
      text: title,
      subtext: cellId(trajectory.cell),
      left: 10,
      top: i * PANEL_HEIGHT + 4,
      textStyle: { fontSize: 14 },
      subtextStyle: { fontSize: 10, color: '#555' },
    })),
    grid: panels.map((_, i) => ({
      left: LEFT,
      right: 24,
      top: i * PANEL_HEIGHT + 88,
      height: PANEL_HEIGHT - 128,
    })),
    xAxis: panels.map(({ trajectory }, i) => ({
      type: 'category',
      gridIndex: i,
      data: trajectory.signals['test-accuracy'].map((_value, epoch) => epoch),
      name: i === panels.length - 1 ? 'epoch' : '',
      nameLocation: 'middle',
      nameGap: 24,
      axisLabel: { interval: 4 },
    })),
    yAxis: panels.map((_, i) => ({ type: 'value', gridIndex: i, min: 0, max: 1, interval: 0.25 })),
    series: panels.flatMap(({ trajectory }, i) =>
      LINES.map(({ signal, name, color, type, width }) => ({
        type: 'line',
        name,
        color,
        xAxisIndex: i,
        yAxisIndex: i,
        symbol: 'none',
        lineStyle: { color, type, width },
        data: trajectory.signals[signal],
        ...(signal === 'test-accuracy' ? { markLine: marksOf(trajectory, rules) } : {}),
      })),
    ),
  };
  return renderSvg(option, WIDTH, panels.length * PANEL_HEIGHT + 40);
}

/** A line at each selected epoch. Rules that select the same epoch share one. */
function marksOf(trajectory: Trajectory, rules: Readonly<Record<string, Rule>>): object {
  const accuracies = trajectory.signals['test-accuracy'] as number[];
  const marks = new Map<number, string[]>([[accuracies.indexOf(Math.max(...accuracies)), ['best']]]);
  for (const [label, rule] of Object.entries(rules)) {
    const epoch = rule.select(visibleSignals(trajectory));
    marks.set(epoch, [...(marks.get(epoch) ?? []), label]);
  }
  const inOrder = [...marks].sort(([a], [b]) => a - b);
  return {
    symbol: 'none',
    silent: true,
    lineStyle: { color: '#0b5394', type: 'solid', width: 1 },
    data: inOrder.map(([epoch, labels], i) => ({
      xAxis: epoch,
      label: {
        // Labels alternate between three heights, so that neighbours do not overlap.
        formatter: labels.join(' = ') + '\n'.repeat(i % 3),
        color: '#0b5394',
        fontSize: 10,
        lineHeight: 11,
      },
    })),
  };
}
