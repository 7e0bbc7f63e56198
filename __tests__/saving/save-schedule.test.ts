import { expect, test } from '@jest/globals';
import { SaveSchedule } from '../../src/saving/save-schedule.js';

/** After which of 12 batches of a second each a state is due, if each is kept. */
function dueAfter(everySeconds: number, everyBatches: number): number[] {
  let nowMs = 5000;
  const schedule = new SaveSchedule({ everySeconds, everyBatches }, () => nowMs);
  const due: number[] = [];
  for (let batch = 1; batch <= 12; batch++) {
    nowMs += 1000;
    if (!schedule.isDue(batch)) continue;
    due.push(batch);
    schedule.saved();
  }
  return due;
}

test.each([
  [Infinity, 4, [4, 8, 12]],
  [Infinity, 5, [5, 10]],
  [5, Infinity, [5, 10]],
  [2.5, Infinity, [3, 6, 9, 12]],
  // The time begins anew with each state.
  [3, 5, [3, 5, 8, 10]],
])('every %p seconds and %p batches', (everySeconds, everyBatches, expected) => {
  expect(dueAfter(everySeconds, everyBatches)).toEqual(expected);
});

test('a state that is due and not kept stays due', () => {
  let nowMs = 0;
  const schedule = new SaveSchedule({ everySeconds: 1, everyBatches: Infinity }, () => nowMs);
  nowMs = 1000;
  expect([schedule.isDue(1), schedule.isDue(1)]).toEqual([true, true]);
  schedule.saved();
  expect(schedule.isDue(1)).toBe(false);
});
