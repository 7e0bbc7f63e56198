import { performanceOf } from '../evaluation/compare.js';
import type { Rule } from '../rules/rule.js';
import type { Trajectory } from '../trajectories.js';
import { renderSvg } from './svg.js';

const WIDTH = 920;
const ROW_HEIGHT = 30;
/** Readable without colours as well: averaged rules are darker, and their names are bold. */
const COLOURS = { averaged: '#0b5394', other: '#9fc5e8' };

/** Plots the mean regret of each rule with its interval and worst case, the smallest at the top. */
export function regretPlot(rules: readonly Rule[], trajectories: readonly Trajectory[]): string {
  const rows = rules
    .map((rule) => ({ rule, ...performanceOf(rule, trajectories) }))
    .sort((a, b) => b.regret.mean - a.regret.mean);
  const isAveraged = (name: string): boolean =>
    rules.some((rule) => rule.name === name && rule.average !== undefined);
  const option = {
    title: {
      text: `Mean regret by rule, ${trajectories.length} trainings on data that nobody had looked at`,
      subtext:
        'Clean test accuracy lost against the best epoch, in points; 95 % interval; worst training. Dark: with averaged weights.',
      left: 10,
      textStyle: { fontSize: 15 },
      subtextStyle: { fontSize: 11, color: '#444' },
    },
    grid: { left: 395, right: 175, top: 62, bottom: 36 },
    xAxis: { type: 'value', name: 'points', nameLocation: 'middle', nameGap: 22 },
    yAxis: {
      type: 'category',
      data: rows.map(({ rule }) => rule.name),
      axisTick: { show: false },
      axisLabel: {
        color: '#111',
        fontSize: 12,
        formatter: (name: string) => `{${isAveraged(name) ? 'bold' : 'plain'}|${name}}`,
        rich: {
          plain: { fontSize: 12, color: '#111' },
          bold: { fontWeight: 'bold', fontSize: 12, color: '#111' },
        },
      },
    },
    series: [
      {
        type: 'bar',
        barWidth: '62%',
        data: rows.map(({ rule, regret, worst }) => ({
          value: regret.mean,
          itemStyle: { color: isAveraged(rule.name) ? COLOURS.averaged : COLOURS.other },
          label: {
            show: true,
            position: 'right',
            color: '#111',
            fontSize: 11,
            formatter: `${regret.mean.toFixed(2)} [${regret.low.toFixed(2)}, ${regret.high.toFixed(2)}], worst ${worst.toFixed(0)}`,
          },
        })),
      },
    ],
  };
  return renderSvg(option, WIDTH, 100 + rows.length * ROW_HEIGHT);
}
