import { EntropyCheckpointError } from '../errors.js';
import type { EpochRecord } from '../epoch-record.js';
import type { TrainingIdentity } from '../format/checkpoint-metadata.js';
import type { CheckpointSlot, CheckpointStore, SlotUpdate } from '../stores/store.js';
import { readManifests, type SlotManifest } from './read-checkpoints.js';
import type { ResumableTraining } from './resume.js';
import { slotsAfter, type StoredSlots } from './slot-policy.js';
import { newTraining, ofNewestTraining } from './training-identity.js';

/** What a store holds, as one training knows it: its own epochs, and the slots of others. */
export class StoreContents {
  #slots: StoredSlots = new Map();
  /** null before the store was first read. */
  #training: TrainingIdentity | null = null;
  /** Whether the checkpoints in the store are those that the user has asked to continue. */
  #isResumed = false;
  readonly #checksums = new Map<EpochRecord, string>();
  readonly #vanished = new Set<EpochRecord>();

  /** Which epoch of this training each slot holds. null: something else. */
  get slots(): StoredSlots {
    return this.#slots;
  }

  /** The training that is stored with each epoch. */
  get training(): TrainingIdentity {
    this.#training ??= newTraining([]);
    return this.#training;
  }

  /**
   * Whether the store holds another training, which nothing may replace before the best epoch of this one does: else a
   * training without a best epoch would replace one that has one.
   *
   * @param slots what it holds, or will hold once every save that has begun has ended.
   */
  isOfOther(slots: StoredSlots = this.#slots): boolean {
    return !this.#isResumed && [...slots.values()].includes(null) && !slots.get('best');
  }

  /** Identifies what this training has stored of an epoch, in case another one replaces it; undefined for nothing. */
  checksumOf(record: EpochRecord): string | undefined {
    return this.#checksums.get(record);
  }

  /** A slot that holds an epoch of this training; null if none does. */
  slotOf(record: EpochRecord): CheckpointSlot | null {
    for (const [slot, other] of this.#slots) if (other === record) return slot;
    return null;
  }

  /**
   * Reads what an open store holds. Other trainings may have stored there since it was last open.
   *
   * @returns what the user should know; null for nothing.
   * @throws EntropyCheckpointError `ENTROPY_STORE_FAILED`.
   */
  async read(store: CheckpointStore): Promise<string | null> {
    if (store.capacity === 'one') return this.#readOnce(store);
    const { slots, manifests } = await readManifests(store);
    const isReplaced = this.#identify(manifests);
    const own = new Map([...this.#checksums].map(([record, checksum]) => [checksum, record]));
    const records = manifests
      .filter(({ training }) => training.id === this.training.id)
      .map(({ slot, checksum }) => [slot, own.get(checksum)] as const);
    const recordIn = new Map(records);
    this.#slots = new Map(slots.map((slot) => [slot, recordIn.get(slot) ?? null]));
    return this.#warningOf(store, isReplaced);
  }

  /** Takes over a training that is resumed. */
  adopt({ training, stored }: ResumableTraining): void {
    this.#training = training;
    this.#isResumed = true;
    this.#slots = new Map([...stored].map(([slot, { record }]) => [slot, record]));
    for (const { record, checksum } of stored.values()) {
      if (record !== null) this.#checksums.set(record, checksum);
    }
  }

  /** Takes into account that what was stored of an epoch is damaged, or gone. */
  forget(record: EpochRecord): void {
    this.#slots = new Map([...this.#slots].filter(([, other]) => other !== record));
  }

  /** Takes into account that an epoch may be stored soon: a save may fail after it has stored everything. */
  expect(record: EpochRecord, checksum: string): void {
    this.#checksums.set(record, checksum);
  }

  /** Takes a save into account. */
  add(record: EpochRecord, update: SlotUpdate): void {
    this.#slots = slotsAfter(this.#slots, record, update);
  }

  /** Leaves out slots that the store has lost: a user may remove a folder, or clear the storage of a site. */
  lose(lost: readonly CheckpointSlot[]): void {
    for (const slot of lost) {
      const record = this.#slots.get(slot);
      if (record) this.#vanished.add(record);
    }
    this.#slots = new Map([...this.#slots].filter(([slot]) => !lost.includes(slot)));
  }

  /** The epochs that the store has lost from every slot since this was last called. */
  takeVanished(): EpochRecord[] {
    const vanished = [...this.#vanished].filter((record) => this.slotOf(record) === null);
    this.#vanished.clear();
    return vanished;
  }

  /** A store with a single slot is replaced as a whole, and loads the whole model: it's read once. */
  async #readOnce(store: CheckpointStore): Promise<string | null> {
    if (this.#training !== null) return null;
    try {
      const { slots, manifests } = await readManifests(store);
      this.#slots = new Map(slots.map((slot) => [slot, null]));
      return this.#warningOf(store, this.#identify(manifests));
    } catch (error) {
      const canLoad = !(error instanceof EntropyCheckpointError) || error.code !== 'ENTROPY_INVALID_OPTION';
      // What may hold a checkpoint is not overwritten. A handler that can only save is.
      if (canLoad) throw error;
      this.#training = newTraining([]);
      return null;
    }
  }

  /** Makes sure that this training is the newest in the store. @returns whether another one has been stored meanwhile. */
  #identify(manifests: readonly SlotManifest[]): boolean {
    const training = this.#training;
    const [newest] = ofNewestTraining(manifests);
    if (training !== null) {
      const isNewest = newest === undefined || newest.training.id === training.id;
      if (isNewest || newest.training.startedAt < training.startedAt) return false;
    }
    this.#training = newTraining(manifests.map((one) => one.training));
    this.#isResumed = false;
    return training !== null;
  }

  #warningOf(store: CheckpointStore, isReplaced: boolean): string | null {
    if (isReplaced) {
      return `Another training has stored its checkpoints in ${store.name} meanwhile. What it has replaced can't be loaded.`;
    }
    if (!this.isOfOther()) return null;
    return (
      `Call \`resume\` before training to continue the training in ${store.name}, or use another \`filepath\` to keep ` +
      'it: the first best epoch of this new training replaces its checkpoints.'
    );
  }
}
