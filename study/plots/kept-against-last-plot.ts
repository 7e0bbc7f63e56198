import type { AverageName } from '../averages.js';
import type { Rule } from '../rules/rule.js';
import { signalsWith, visibleSignals, type Trajectory } from '../trajectories.js';
import { renderSvg } from './svg.js';

const WIDTH = 860;
const HEIGHT = 330;
const KEPT = '#0b5394';
const LAST = '#666666';

/**
 * Plots one training for newcomers: its clean test accuracy with and without averaged weights, the epoch that `rule`
 * selects, and the last epoch.
 */
export function keptAgainstLastPlot(trajectory: Trajectory, rule: Rule, average: AverageName): string {
  const averaged = signalsWith(trajectory, average);
  const accuracies = percent(trajectory.signals['test-accuracy'] as number[]);
  const averagedAccuracies = percent(averaged['test-accuracy'] as number[]);
  const validation = percent(averaged['val-accuracy'] as number[]);
  const kept = rule.select(visibleSignals(trajectory, average));
  const last = accuracies.length - 1;
  const option = {
    title: {
      text: 'One training on MNIST, 40 % of whose labels are wrong',
      subtext:
        'The callback sees only the accuracy of the average on noisy labels, and keeps the average at its peak.',
      left: 10,
      top: 4,
      textStyle: { fontSize: 15 },
      subtextStyle: { fontSize: 12, color: '#444' },
    },
    grid: { left: 60, right: 170, top: 70, bottom: 48 },
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
        color: KEPT,
        symbol: 'none',
        lineStyle: { width: 3 },
        data: averagedAccuracies,
        endLabel: {
          show: true,
          formatter: 'averaged weights,\nclean test labels',
          color: KEPT,
          fontSize: 12,
          offset: [0, -20],
        },
        markPoint: markPoint(
          mark(kept, averagedAccuracies[kept]!, `kept: ${averagedAccuracies[kept]!.toFixed(1)} %`, KEPT),
        ),
      },
      {
        type: 'line',
        color: '#111111',
        symbol: 'none',
        lineStyle: { width: 2 },
        data: accuracies,
        endLabel: {
          show: true,
          formatter: 'as trained,\nclean test labels',
          color: '#111',
          fontSize: 12,
          offset: [0, 16],
        },
        markPoint: markPoint(
          mark(last, accuracies[last]!, `last: ${accuracies[last]!.toFixed(1)} %`, '#111111', true),
        ),
      },
      {
        type: 'line',
        color: LAST,
        symbol: 'none',
        lineStyle: { width: 1.5, type: 'dashed' },
        data: validation,
        endLabel: {
          show: true,
          formatter: 'averaged weights,\nnoisy validation labels',
          color: '#444',
          fontSize: 12,
        },
      },
    ],
  };
  return renderSvg(option, WIDTH, HEIGHT);
}

function markPoint(point: object): object {
  return { symbol: 'circle', symbolSize: 13, silent: true, data: [point] };
}

/** A point with a text above it, or below and to the left of it where a line ends. */
function mark(epoch: number, value: number, text: string, color: string, isEnd = false): object {
  const place = isEnd
    ? { position: 'bottom', distance: 8, offset: [-50, 0] }
    : { position: 'top', distance: 8 };
  return {
    coord: [epoch, value],
    itemStyle: { color, borderColor: '#ffffff', borderWidth: 2 },
    label: { formatter: text, ...place, color, fontSize: 14, fontWeight: 'bold' },
  };
}

function percent(shares: readonly number[]): number[] {
  return shares.map((share) => 100 * share);
}
