import type { AverageName } from '../averages.js';
import type { Rule } from '../rules/rule.js';
import { signalsWith, visibleSignals, type Trajectory } from '../trajectories.js';
import { renderSvg } from './svg.js';

/** Narrow, so that a phone shows the texts large enough. */
const WIDTH = 640;
const HEIGHT = 360;
/** The colours that reports and the live page have for the same data. */
const TEST = '#0b4a94';
const VALIDATION = '#b45309';
const KEPT = '#0d7f66';
const INK = '#1c1f24';
const FONT_SIZE = 15;

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
  const gain = (averagedAccuracies[kept]! - accuracies[last]!).toFixed(1);
  const option = {
    title: {
      text: `Epoch ${kept} was kept: +${gain} points over the last epoch`,
      subtext: 'A network learns MNIST from labels of which 40 % are wrong.',
      left: 10,
      top: 4,
      textStyle: { fontSize: 20, color: INK },
      subtextStyle: { fontSize: FONT_SIZE, color: '#444' },
    },
    grid: { left: 58, right: 142, top: 84, bottom: 48 },
    xAxis: {
      type: 'category',
      boundaryGap: false,
      data: accuracies.map((_value, epoch) => epoch),
      name: 'epoch',
      nameLocation: 'middle',
      nameGap: 28,
      nameTextStyle: { fontSize: FONT_SIZE, color: INK },
      axisLabel: { interval: 4, color: INK, fontSize: FONT_SIZE },
    },
    yAxis: {
      type: 'value',
      min: 20,
      max: 100,
      interval: 20,
      axisLabel: { formatter: '{value} %', color: INK, fontSize: FONT_SIZE },
    },
    series: [
      {
        ...curve(validation, { color: VALIDATION, width: 2, type: [7, 3] }),
        endLabel: endLabel('noisy validation\nlabels', VALIDATION, 8),
      },
      {
        ...curve(accuracies, { color: TEST, width: 2, type: [9, 3, 2, 3] }),
        endLabel: endLabel('clean test labels,\nas trained', TEST, 16),
        markPoint: markPoint('circle', last, accuracies[last]!, {
          text: `last: ${accuracies[last]!.toFixed(1)} %`,
          color: INK,
          position: 'bottom',
          offset: [-68, 4],
        }),
      },
      {
        ...curve(averagedAccuracies, { color: TEST, width: 3, type: 'solid' }),
        endLabel: endLabel('clean test labels,\naveraged weights', TEST, -22),
        markLine: {
          symbol: 'none',
          silent: true,
          label: { show: false },
          lineStyle: { color: KEPT, width: 2, type: 'solid' },
          data: [{ xAxis: kept }],
        },
        markPoint: markPoint('diamond', kept, averagedAccuracies[kept]!, {
          text: `kept: ${averagedAccuracies[kept]!.toFixed(1)} %`,
          color: KEPT,
          position: 'top',
          offset: [76, -2],
        }),
      },
    ],
  };
  return renderSvg(option, WIDTH, HEIGHT);
}

function curve(data: readonly number[], lineStyle: { color: string; width: number; type: unknown }): object {
  return { type: 'line', color: lineStyle.color, symbol: 'none', lineStyle, data };
}

/** The name of a curve where it ends, moved down by `shift` pixels. */
function endLabel(formatter: string, color: string, shift: number): object {
  return { show: true, formatter, color, fontSize: 14, lineHeight: 17, offset: [0, shift] };
}

interface PointLabel {
  readonly text: string;
  readonly color: string;
  readonly position: 'top' | 'bottom';
  readonly offset: readonly [number, number];
}

function markPoint(
  symbol: string,
  epoch: number,
  value: number,
  { text, color, ...place }: PointLabel,
): object {
  const point = {
    coord: [epoch, value],
    itemStyle: { color, borderColor: '#ffffff', borderWidth: 2 },
    label: { formatter: text, ...place, color, fontSize: 18, fontWeight: 'bold' },
  };
  return { symbol, symbolSize: 18, silent: true, data: [point] };
}

function percent(shares: readonly number[]): number[] {
  return shares.map((share) => 100 * share);
}
