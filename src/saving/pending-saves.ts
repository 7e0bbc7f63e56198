import type { EpochRecord } from '../epoch-record.js';
import type { CheckpointSlot, SlotUpdate } from '../stores/store.js';
import { slotsAfter, slotUpdateFor, type StoredSlots } from './slot-policy.js';
import type { StoreContents } from './store-contents.js';

interface PendingSave {
  readonly update: SlotUpdate;
  ended: Promise<void>;
  hasFailed: boolean;
}

/**
 * Begins a save.
 *
 * @param beforeReading to be awaited before the checkpoint is read. If it rejects, nothing may be stored.
 * @returns the slots that the store had lost.
 */
export type Write = (
  update: SlotUpdate,
  beforeReading: () => Promise<void>,
) => Promise<readonly CheckpointSlot[]>;

/** The saves that have begun and not ended. Several are only where a store is closed: it runs one after the other. */
export class PendingSaves {
  readonly #contents: StoreContents;
  readonly #isInMemory: (record: EpochRecord) => boolean;
  /** In the order in which they have begun. */
  readonly #saves = new Map<EpochRecord, PendingSave>();

  constructor(contents: StoreContents, isInMemory: (record: EpochRecord) => boolean) {
    this.#contents = contents;
    this.#isInMemory = isInMemory;
  }

  has(record: EpochRecord): boolean {
    return this.#saves.has(record);
  }

  /** What the store holds once all of them have succeeded. */
  get expectedSlots(): StoredSlots {
    return [...this.#saves].reduce(
      (slots, [record, { update }]) => slotsAfter(slots, record, update),
      this.#contents.slots,
    );
  }

  /** Resolves when all that have begun have ended. */
  async settled(): Promise<void> {
    await Promise.all([...this.#saves.values()].map(({ ended }) => ended));
  }

  /**
   * Stores an epoch in the slots that lack it. `write` is called at once.
   *
   * @throws what `write` rejects with.
   */
  run(record: EpochRecord, wanted: ReadonlyMap<CheckpointSlot, EpochRecord>, write: Write): Promise<void> {
    const update = slotUpdateFor(record, wanted, this.expectedSlots, this.#isInMemory);
    if (update.into.length === 0) return Promise.resolve();
    const writing = write(update, this.#afterReplacements(update));
    const save: PendingSave = { update, ended: Promise.resolve(), hasFailed: false };
    const saving = writing
      .then(
        (lost) => {
          this.#contents.lose(lost);
          this.#contents.add(record, update);
        },
        (error: unknown) => {
          save.hasFailed = true;
          throw error;
        },
      )
      .finally(() => this.#saves.delete(record));
    save.ended = saving.catch(() => undefined);
    this.#saves.set(record, save);
    return saving;
  }

  /** Checkpoints must not be removed if what replaces them could not be stored: waits for it, and rejects then. */
  #afterReplacements({ into, keep }: SlotUpdate): () => Promise<void> {
    const isRemoved = (slot: CheckpointSlot): boolean => !into.includes(slot) && !keep.includes(slot);
    const replaces = [...this.#contents.slots.keys()].some(isRemoved) || this.#contents.isOfOther();
    const earlier = replaces ? [...this.#saves.values()] : [];
    return async () => {
      await Promise.all(earlier.map(({ ended }) => ended));
      if (!earlier.some(({ hasFailed }) => hasFailed)) return;
      throw new Error('A more important epoch could not be stored.');
    };
  }
}
