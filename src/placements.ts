import type { EpochComparison } from './epoch-comparison.js';
import type { EpochRecord } from './epoch-record.js';
import type { ResolvedOptions } from './options.js';
import { slotOf } from './ranking.js';
import type { Placement, Slot } from './stores/store.js';

type Chosen = Pick<EpochComparison, 'best' | 'kept'>;
type Kept = Pick<ResolvedOptions, 'maxToKeep' | 'saveLast'>;

/**
 * Where an epoch is to be stored, and what stays there of those before.
 *
 * @param isLast whether it can be the latest epoch.
 */
export function placementOf(
  record: EpochRecord,
  isLast: boolean,
  { best, kept }: Chosen,
  { maxToKeep, saveLast }: Kept,
): Placement {
  const slots: Slot[] = maxToKeep > 1 ? kept.map(slotOf) : [];
  const into: Slot[] = record === best ? ['best'] : [];
  if (maxToKeep > 1 && kept.includes(record)) into.push(slotOf(record));
  if (saveLast && isLast) into.push('last');
  const staying: Slot[] = best === null ? [] : ['best', ...slots];
  return { into, keep: staying.filter((slot) => !into.includes(slot)) };
}

/**
 * The slots that may hold an epoch, and for the best those of the next best should it be damaged.
 *
 * @param isBest whether the best was asked for, and not an epoch by its number.
 */
export function placesOf(
  record: EpochRecord,
  isBest: boolean,
  { best, kept }: Chosen,
  { maxToKeep }: Pick<Kept, 'maxToKeep'>,
): Map<Slot, EpochRecord> {
  const places = new Map<Slot, EpochRecord>();
  if (record === best) places.set('best', record);
  if (maxToKeep === 1) return places;
  for (const other of isBest ? kept : [record]) places.set(slotOf(other), other);
  return places;
}

/**
 * The slot of an epoch that was pushed out, of those that hold something. More than one are of a training that
 * was to keep more, and stay until something better comes.
 */
export function surplusSlots(
  slots: readonly Slot[],
  { kept }: Pick<Chosen, 'kept'>,
  { maxToKeep }: Pick<Kept, 'maxToKeep'>,
): Slot[] {
  if (maxToKeep === 1) return [];
  const wanted: Slot[] = ['best', 'last', ...kept.map(slotOf)];
  const surplus = slots.filter((slot) => !wanted.includes(slot));
  return surplus.length === 1 ? surplus : [];
}
