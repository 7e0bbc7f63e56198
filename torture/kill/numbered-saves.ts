import type { SlotUpdate, CheckpointSlot } from '../../src/stores/store.js';

/** The number of the save in each slot. */
export type Contents = ReadonlyMap<CheckpointSlot, number>;

const SMALL_FLOATS = [1, 40, 700, 9000];
/** Two weight files, and three. */
const LARGE_FLOATS = [800_000, 1_500_000];

/** The size that `checkpointOfStep` takes. One save in 40 has several weight files. */
export function sizeFloatsOf(step: number): number {
  if (step % 40 === 20) return LARGE_FLOATS[Math.floor(step / 40) % LARGE_FLOATS.length]!;
  return SMALL_FLOATS[step % SMALL_FLOATS.length]!;
}

/** The slots that a training would update: every third epoch is only the last, the others are the best as well. */
export function slotUpdateOf(step: number): SlotUpdate {
  const bests = [step, step - 1, step - 2, step - 3, step - 4].filter((save) => save >= 0 && save % 3 !== 1);
  const kept = bests.slice(0, 3).map((save): CheckpointSlot => `epoch-${save}`);
  if (step % 3 === 1) return { into: ['last'], keep: ['best', ...kept] };
  const epochSlot: CheckpointSlot = `epoch-${step}`;
  return { into: ['best', epochSlot, 'last'], keep: kept.filter((slot) => slot !== epochSlot) };
}

/** The contents of the slots after save number `step`. */
export function contentsAfter(before: Contents, step: number): Contents {
  const { into, keep } = slotUpdateOf(step);
  const kept = [...before].filter(([slot]) => keep.includes(slot));
  return new Map([...kept, ...into.map((slot) => [slot, step] as const)]);
}
