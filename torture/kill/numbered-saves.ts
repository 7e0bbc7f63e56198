import type { SlotUpdate, CheckpointSlot } from '../../src/stores/store.js';

/** Which save is in which slot. */
export type Contents = ReadonlyMap<CheckpointSlot, number>;

const SMALL_FLOATS = [1, 40, 700, 9000];
/** Two files of weights, and three. */
const LARGE_FLOATS = [800_000, 1_500_000];

/** The size of a save, as `checkpointOfStep` takes it: one in 40 is of several files. */
export function sizeOf(step: number): number {
  if (step % 40 === 20) return LARGE_FLOATS[Math.floor(step / 40) % LARGE_FLOATS.length]!;
  return SMALL_FLOATS[step % SMALL_FLOATS.length]!;
}

/** As a training places its epochs: every third is the latest alone, the others are the best as well. */
export function slotUpdateOf(step: number): SlotUpdate {
  const bests = [step, step - 1, step - 2, step - 3, step - 4].filter((one) => one >= 0 && one % 3 !== 1);
  const kept = bests.slice(0, 3).map((one): CheckpointSlot => `epoch-${one}`);
  if (step % 3 === 1) return { into: ['last'], keep: ['best', ...kept] };
  const own: CheckpointSlot = `epoch-${step}`;
  return { into: ['best', own, 'last'], keep: kept.filter((slot) => slot !== own) };
}

/** What is in the slots once a save has been completed. */
export function contentsAfter(before: Contents, step: number): Contents {
  const { into, keep } = slotUpdateOf(step);
  const staying = [...before].filter(([slot]) => keep.includes(slot));
  return new Map([...staying, ...into.map((slot) => [slot, step] as const)]);
}
