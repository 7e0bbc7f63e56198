import { expect, it } from '@jest/globals';
import { progressText } from '../../examples/noisy-mnist/progress-bar.js';

it('shows the share, the epochs that have ended, and the time left', () => {
  expect(progressText({ value: 438, total: 1080, eta: 65 }, 36)).toBe(
    'Training ██████████░░░░░░░░░░░░░░ 40 % | 12 of 30 epochs | 1 min 5 s left',
  );
});

it('shows no time as long as none can be estimated', () => {
  // The types of cli-progress know numbers alone.
  for (const eta of ['0', 'INF', 'NULL', NaN] as unknown as number[]) {
    expect(progressText({ value: 0, total: 1080, eta }, 36)).toMatch(/ 0 % \| 0 of 30 epochs$/);
  }
});

it('fits into 80 columns', () => {
  const text = progressText({ value: 360_000 - 1, total: 360_000, eta: 5999 }, 36);
  expect(text.length).toBeLessThanOrEqual(80);
});
