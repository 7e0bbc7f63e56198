import type { Rule } from '../rules/rule.js';
import { visibleSignals, type Trajectory } from '../trajectories.js';
import { renderSvg } from './svg.js';

const WIDTH = 860;
const HEIGHT = 330;
const KEPT = '#0b5394';
const LAST = '#666666';

/** Plots one training for newcomers: its clean test accuracy, the epoch that `rule` selects, and the last epoch. */
export function keptAgainstLastPlot(trajectory: Trajectory, rule: Rule): string {
  const accuracies = percent(trajectory.signals['test-accuracy'] as number[]);
  const validation = percent(trajectory.signals['val-accuracy'] as number[]);
  const kept = rule.select(visibleSignals(trajectory));
  const last = accuracies.length - 1;
  const option = {
    title: {
      text: 'One training on MNIST, 40 % of whose labels are wrong',
      subtext: 'The callback sees only the accuracy on noisy labels, and keeps the epoch at its peak.',
      left: 10,
      top: 4,
      textStyle: { fontSize: 15 },
      subtextStyle: { fontSize: 12, color: '#444' },
    },
    grid: { left: 60, right: 140, top: 70, bottom: 48 },
    xAxis: {
      type: 'category',
      boundaryGap: false,
      data: accuracies.map((_value, epoch) => epoch),
      name: 'epoch',
      nameLocation: 'middle',
      nameGap: 26,
      axisLabel: { interval: 4, color: '#333' },
    },
    yAxis: {
      type: 'value',
      min: 20,
      max: 100,
      interval: 20,
      axisLabel: { formatter: '{value} %', color: '#333' },
    },
    series: [
      {
        type: 'line',
        color: '#111111',
        symbol: 'none',
        lineStyle: { width: 3 },
        data: accuracies,
        endLabel: { show: true, formatter: 'accuracy on\nclean test labels', color: '#111', fontSize: 12 },
        markPoint: {
          symbol: 'circle',
          symbolSize: 13,
          silent: true,
          data: [
            mark(kept, accuracies[kept]!, `kept: ${accuracies[kept]!.toFixed(1)} %`, KEPT),
            mark(last, accuracies[last]!, `last: ${accuracies[last]!.toFixed(1)} %`, LAST),
          ],
        },
      },
      {
        type: 'line',
        color: LAST,
        symbol: 'none',
        lineStyle: { width: 1.5, type: 'dashed' },
        data: validation,
        endLabel: {
          show: true,
          formatter: 'accuracy on noisy\nvalidation labels',
          color: '#444',
          fontSize: 12,
        },
      },
    ],
  };
  return renderSvg(option, WIDTH, HEIGHT);
}

function mark(epoch: number, value: number, text: string, color: string): object {
  return {
    coord: [epoch, value],
    itemStyle: { color, borderColor: '#ffffff', borderWidth: 2 },
    label: { formatter: text, position: 'top', distance: 8, color, fontSize: 14, fontWeight: 'bold' },
  };
}

function percent(shares: readonly number[]): number[] {
  return shares.map((share) => 100 * share);
}
