import type { EpochRecord } from '../epoch-record.js';
import type { CheckpointSlot, SlotUpdate } from '../stores/store.js';

/** The epochs that are selected so far. */
export interface SelectedEpochs {
  readonly best: EpochRecord | null;
  /** The best epochs, best first. */
  readonly ranked: readonly EpochRecord[];
  /** Every n-th epoch, in the order in which they ran. */
  readonly periodic: readonly EpochRecord[];
  /** The latest epoch, from which training can be resumed: after its end, or within it. */
  readonly last: EpochRecord | null;
}

/** Which of the selected epochs are preserved. */
export interface Retention {
  readonly maxToKeep: number;
  readonly saveLast: boolean;
}

/** The slot of an epoch that is one of several of the best. */
type EpochSlot = Extract<CheckpointSlot, `epoch-${string}` | `fit-${string}`>;

/** Says which epochs are wanted in which slots. */
type PreservationPolicy = (selected: SelectedEpochs) => readonly [CheckpointSlot, EpochRecord][];

const bestEpoch: PreservationPolicy = ({ best }) => (best === null ? [] : [['best', best]]);
const bestEpochs: PreservationPolicy = ({ ranked }) => ranked.map((record) => [slotOf(record), record]);
const periodicEpochs: PreservationPolicy = ({ periodic }) =>
  periodic.map((record) => [`periodic-${slotOf(record)}`, record]);
const lastEpoch: PreservationPolicy = ({ last }) => (last === null ? [] : [['last', last]]);

/** The names of slots. Making one for each kept epoch at the end of each epoch takes as long as a save. */
const slots = new WeakMap<object, EpochSlot>();

/** The slot of an epoch that is one of several. */
export function slotOf(record: Pick<EpochRecord, 'fit' | 'epoch'>): EpochSlot {
  const known = slots.get(record);
  if (known !== undefined) return known;
  const { fit, epoch } = record;
  const slot: EpochSlot = fit === 0 ? `epoch-${epoch}` : `fit-${fit}-epoch-${epoch}`;
  slots.set(record, slot);
  return slot;
}

/** Whether the epoch in a slot is there because of its number, and not of its value. */
export function isPeriodic(slot: CheckpointSlot): boolean {
  return slot.startsWith('periodic-');
}

/** The epochs that are wanted because of their value, or to resume from. */
export function withoutPeriodic(
  wanted: ReadonlyMap<CheckpointSlot, EpochRecord>,
): Map<CheckpointSlot, EpochRecord> {
  return new Map([...wanted].filter(([slot]) => !isPeriodic(slot)));
}

/** Whether an epoch may be in a slot without being one of the best. */
export function isUnranked(slot: CheckpointSlot): boolean {
  return slot === 'last' || isPeriodic(slot);
}

/**
 * Which epoch is wanted in which slot, the most important first.
 *
 * @param isOfOther whether the store holds another training, which only a best epoch may replace. Periodic epochs wait in
 *   memory for that one.
 */
export function wantedSlots(
  selected: SelectedEpochs,
  { maxToKeep, saveLast }: Retention,
  isOfOther = false,
): Map<CheckpointSlot, EpochRecord> {
  if (isOfOther && selected.best === null) return new Map(periodicEpochs(selected));
  // The latest epoch comes last: a slow store, which is always behind with that one, stores the periodic ones too.
  const policies = [
    bestEpoch,
    ...(maxToKeep > 1 ? [bestEpochs] : []),
    periodicEpochs,
    ...(saveLast ? [lastEpoch] : []),
  ];
  return new Map(policies.flatMap((policy) => policy(selected)));
}

/**
 * The slots that hold the state of an epoch. If the best epoch is asked for, the slots of the next best ones follow, in
 * case it's damaged.
 *
 * @param orNextBest whether the best epoch is asked for, and not an epoch by its number.
 * @param wanted which epoch is wanted in which slot.
 */
export function slotsToLoad(
  record: EpochRecord,
  orNextBest: boolean,
  wanted: ReadonlyMap<CheckpointSlot, EpochRecord>,
): Map<CheckpointSlot, EpochRecord> {
  const slots = new Map([...wanted].filter(([, other]) => other === record));
  if (!orNextBest) return slots;
  for (const [slot, other] of wanted) if (!isUnranked(slot)) slots.set(slot, other);
  return slots;
}

/** What a store holds, as far as is known. null: something other than an epoch of this training. */
export type StoredSlots = ReadonlyMap<CheckpointSlot, EpochRecord | null>;

/** The epochs that are wanted in a slot which doesn't hold them, the most important first. */
export function missingEpochs(
  wanted: ReadonlyMap<CheckpointSlot, EpochRecord>,
  stored: StoredSlots,
): EpochRecord[] {
  const missing = new Set<EpochRecord>();
  for (const [slot, record] of wanted) if (stored.get(slot) !== record) missing.add(record);
  return [...missing];
}

/**
 * How to store an epoch: into every slot that lacks it, keeping the others. Of the slots that are no longer wanted, the
 * latest stay in place of wanted ones that are still empty. So none is removed before its successor is stored, and there
 * are never more slots than wanted, however slow the store is.
 *
 * @param isInMemory whether the state of an epoch is in memory. A slot isn't replaced while it holds the only state of
 *   another epoch that is missing in its own slot.
 */
export function slotUpdateFor(
  record: EpochRecord,
  wanted: ReadonlyMap<CheckpointSlot, EpochRecord>,
  stored: StoredSlots,
  isInMemory: (record: EpochRecord) => boolean = () => true,
): SlotUpdate {
  const missing = missingEpochs(wanted, stored);
  const isOnlyState = (other: EpochRecord | null | undefined): boolean =>
    other !== null && other !== undefined && missing.includes(other) && !isInMemory(other);
  const into = [...wanted].filter(([slot, other]) => {
    const held = stored.get(slot);
    return other === record && held !== record && !isOnlyState(held);
  });
  const intoSlots = into.map(([slot]) => slot);
  const numEmpty = [...wanted.keys()].filter((slot) => !stored.has(slot) && !intoSlots.includes(slot)).length;
  const unwanted = [...stored.keys()].filter((slot) => !wanted.has(slot));
  const surplus = unwanted.slice(0, Math.max(0, unwanted.length - numEmpty));
  const keep = [...stored.keys()].filter((slot) => !intoSlots.includes(slot) && !surplus.includes(slot));
  return { into: intoSlots, keep };
}

/** What a store holds after an update. */
export function slotsAfter(
  stored: StoredSlots,
  record: EpochRecord,
  { into, keep }: SlotUpdate,
): StoredSlots {
  const isKept = new Set(keep);
  const after = new Map<CheckpointSlot, EpochRecord | null>();
  for (const [slot, other] of stored) if (isKept.has(slot)) after.set(slot, other);
  for (const slot of into) after.set(slot, record);
  return after;
}
