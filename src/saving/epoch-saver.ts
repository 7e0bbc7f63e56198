import { EntropyCheckpointError } from '../errors.js';
import type { EpochRecord } from '../epoch-record.js';
import type { TrainingIdentity } from '../format/checkpoint-metadata.js';
import type { Snapshot, TrainingState } from '../format/snapshot.js';
import type { CheckpointSlot, CheckpointStore, SlotUpdate } from '../stores/store.js';
import { textOf, warn } from '../warnings.js';
import { BackgroundWriter } from './background-writer.js';
import { InMemoryStates } from './in-memory-states.js';
import { copySlot, readManifests, withFirstWhole } from './read-checkpoints.js';
import { resumeFrom, type ResumableTraining } from './resume.js';
import { newTraining } from './training-identity.js';
import { asStoreError, saveSnapshot } from './save-snapshot.js';
import {
  missingEpochs,
  slotsAfter,
  slotsToLoad,
  slotUpdateFor,
  wantedSlots,
  type Retention,
  type SelectedEpochs,
  type StoredSlots,
} from './slot-policy.js';

/** How many states wait for a slow store before training waits as well. One more is being written. */
const MAX_WAITING = 2;

export interface SaverOptions extends Retention {
  /** Whether the best state is held in memory beside the store. */
  readonly restoreBestWeights: boolean;
  /** Whether nothing is written before `flush` or `close`. */
  readonly isDeferred: boolean;
  /** What the epochs are compared by; stored with each of them. */
  readonly monitor: { readonly name: string; readonly mode: 'max' | 'min' };
}

interface Save {
  readonly update: SlotUpdate;
  readonly ended: Promise<boolean>;
}

/** Every epoch that has ended, and those of them that are selected. */
export interface TrainedEpochs extends SelectedEpochs {
  /** In the order in which they ran. Only ever grows. */
  readonly history: readonly EpochRecord[];
}

/**
 * Keeps the states of the selected epochs, in memory and in a store.
 *
 * Saving is a comparison, not a queue: an epoch that is wanted and not stored is held in memory and written next;
 * one that is no longer wanted is dropped. So nothing can be forgotten.
 */
export class EpochSaver {
  readonly #store: CheckpointStore | null;
  readonly #options: SaverOptions;
  readonly #onSaved: (record: EpochRecord) => void;
  readonly #states = new InMemoryStates();
  readonly #writer: BackgroundWriter<EpochRecord>;
  /** What this instance has stored, by record: identifies it if another training replaces it. */
  readonly #checksums = new Map<EpochRecord, string>();
  /** Saves that have begun and not ended, in that order. */
  readonly #saves = new Map<EpochRecord, Save>();
  #epochs: TrainedEpochs = { best: null, kept: [], last: null, history: [] };
  #wanted: ReadonlyMap<CheckpointSlot, EpochRecord> = new Map();
  #stored: StoredSlots = new Map();
  /** The training whose epochs are stored; null before the store was first opened. */
  #training: TrainingIdentity | null = null;
  /** Why an epoch could not be stored when that was last attempted. */
  readonly #errors = new WeakMap<EpochRecord, EntropyCheckpointError>();
  /** From the first failure until every wanted epoch that failed is stored. */
  #isFailing = false;
  #isOpen = false;
  #isDisposed = false;
  /** How often this was closed: it may happen while the store is being opened. */
  #numCloses = 0;

  /**
   * @param store null: in memory only.
   * @param onSaved called with each epoch that was stored; without a store, with each that became the best.
   */
  constructor(store: CheckpointStore | null, options: SaverOptions, onSaved: (record: EpochRecord) => void) {
    this.#store = store;
    this.#options = options;
    this.#onSaved = onSaved;
    this.#writer = new BackgroundWriter(
      (attempted) => this.#unsaved().find((record) => !attempted.has(record)) ?? null,
      (record) => this.#save(record),
    );
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Locks the store for this training.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE`, `ENTROPY_STORE_FAILED`, `ENTROPY_NOT_A_CHECKPOINT`,
   *   `ENTROPY_INVALID_OPTION` for a handler that can't save.
   */
  async open(): Promise<void> {
    const store = this.#store;
    const numCloses = this.#numCloses;
    if (store !== null) {
      await store.open();
      // A store with a single slot would load the whole model to answer.
      if (store.capacity === 'many') await this.#listSlots(store);
      if (this.#numCloses > numCloses) {
        store.close();
        return;
      }
    }
    this.#isOpen = true;
    this.#isDisposed = false;
  }

  /** Releases the store once everything wanted is written. States that are only in memory stay. Idempotent. */
  close(): void {
    this.#numCloses += 1;
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // All at once: the store writes one after the other, and keeps its lock until all are done.
    for (const record of this.#unsaved()) if (!this.#errors.has(record)) void this.#save(record);
    this.#freeStates();
    this.#store?.close();
  }

  /** Frees the states in memory; one that is being written, after that. What is stored stays. */
  dispose(): void {
    this.close();
    this.#isDisposed = true;
    this.#freeStates();
  }

  /**
   * Takes an ended epoch into account: holds its state if it's wanted, and begins to write it.
   *
   * @param capture captures the state at the end of `record`; called only if that's wanted. The saver owns it.
   */
  async keep(epochs: TrainedEpochs, record: EpochRecord, capture: () => Snapshot): Promise<void> {
    // Closed while the epoch was compared: the state isn't that of its end any more.
    if (!this.#isOpen) return;
    this.#setEpochs(epochs);
    if (this.#isNeeded(record)) this.#states.add(record, capture());
    this.#freeStates();
    if (this.#store === null) {
      if (record.isBest) this.#onSaved(record);
      return;
    }
    if (this.#options.isDeferred) return;
    this.#writer.start();
    // Training waits for a slow store, but not for one that fails.
    while (!this.#isFailing && this.#unsaved().length > MAX_WAITING) await this.#writer.written();
  }

  /**
   * Resolves when everything that is wanted is stored. What failed before is attempted again.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_FAILED` where something wanted couldn't be stored.
   */
  async flush(): Promise<void> {
    if (this.#store === null) return;
    await this.#writer.writeAll();
    await this.#settled();
    const [error] = this.#unsaved().flatMap((record) => this.#errors.get(record) ?? []);
    if (error !== undefined) throw error;
  }

  /**
   * Runs `use` on the state of a selected epoch.
   *
   * @param orNextBest whether to use the next best epoch if the stored one is damaged.
   * @returns the epoch whose state was used; null if it isn't in memory and there's no store.
   * @throws EntropyCheckpointError `ENTROPY_CHECKPOINT_REPLACED`, `ENTROPY_CORRUPT_CHECKPOINT`,
   *   `ENTROPY_STORE_FAILED`; and what `use` throws.
   */
  async withState(
    record: EpochRecord,
    orNextBest: boolean,
    use: (state: TrainingState) => Promise<void>,
  ): Promise<EpochRecord | null> {
    // Callers assume that an epoch they load is stored.
    await this.#settled();
    if (this.#states.has(record)) {
      await this.#states.use(record, ({ state }) => use(state));
      return record;
    }
    const store = this.#store;
    if (store === null) return null;
    const slots = slotsToLoad(record, orNextBest, this.#wanted);
    const loaded = await withFirstWhole(store, slots.keys(), async (checkpoint) => {
      const expected = slots.get(checkpoint.slot)!;
      if (this.#checksums.get(expected) !== checkpoint.checksum) throw replaced(store.name);
      await use(checkpoint.state);
      return expected;
    });
    if (loaded === null) throw replaced(store.name);
    return loaded;
  }

  /**
   * Finds the stored training, and completes a save that was cut short.
   *
   * @param adopt restores the state of that training, takes over its epochs, and returns them.
   * @returns the epoch that was resumed; null where nothing is stored.
   * @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE`, `ENTROPY_MONITOR_MISMATCH`,
   *   `ENTROPY_CORRUPT_CHECKPOINT`, `ENTROPY_STORE_FAILED`; and what `adopt` throws.
   */
  async resume(adopt: (training: ResumableTraining) => Promise<TrainedEpochs>): Promise<EpochRecord | null> {
    const store = this.#store;
    if (store === null || (await store.slots()).length === 0) return null;
    // If another training writes there, this throws now and not when `fit` begins.
    await store.open();
    try {
      return await resumeFrom(store, this.#options.monitor, async (training) => {
        const epochs = await adopt(training);
        this.#training = training.training;
        this.#stored = new Map([...training.stored].map(([slot, { record }]) => [slot, record]));
        for (const { record, checksum } of training.stored.values()) {
          if (record !== null) this.#checksums.set(record, checksum);
        }
        this.#setEpochs(epochs);
        await this.#completeSlots(store).catch((error: unknown) => {
          // The next save completes it.
          warn(`A save that was cut short could not be completed: ${textOf(error)}`);
        });
        return training.record;
      });
    } finally {
      store.close();
    }
  }

  /** Resolves when nothing is being written. */
  async #settled(): Promise<void> {
    await this.#writer.settled();
    await Promise.all([...this.#saves.values()].map(({ ended }) => ended));
  }

  #setEpochs(epochs: TrainedEpochs): void {
    this.#epochs = epochs;
    this.#wanted = wantedSlots(epochs, this.#options);
  }

  /** The epochs that are wanted, not stored, and in memory: the most important first. */
  #unsaved(): EpochRecord[] {
    if (this.#store === null) return [];
    return missingEpochs(this.#wanted, this.#stored).filter(
      (record) => this.#states.has(record) && !this.#saves.has(record),
    );
  }

  #isNeeded(record: EpochRecord): boolean {
    if (this.#isDisposed) return false;
    if (this.#store === null) return [...this.#wanted.values()].includes(record);
    const { restoreBestWeights } = this.#options;
    if (restoreBestWeights && this.#isOpen && record === this.#wanted.get('best')) return true;
    return missingEpochs(this.#wanted, this.#stored).includes(record);
  }

  #freeStates(): void {
    this.#states.keepOnly((record) => this.#isNeeded(record));
  }

  /** Stores an epoch. Never rejects. @returns whether the epoch was stored. */
  #save(record: EpochRecord): Promise<boolean> {
    // Assumes that every save that has begun will succeed: the store runs one after the other.
    const stored = [...this.#saves].reduce(
      (slots, [other, { update }]) => slotsAfter(slots, other, update),
      this.#stored,
    );
    const update = slotUpdateFor(record, this.#wanted, stored);
    const ended = this.#attempt(record, update).finally(() => {
      this.#saves.delete(record);
      this.#freeStates();
    });
    this.#saves.set(record, { update, ended });
    return ended;
  }

  async #attempt(record: EpochRecord, update: SlotUpdate): Promise<boolean> {
    const store = this.#store!;
    const { history } = this.#epochs;
    const { name, mode } = this.#options.monitor;
    this.#training ??= newTraining([]);
    const description = {
      training: this.#training,
      monitor: name,
      mode,
      record,
      history: history.slice(0, history.lastIndexOf(record) + 1),
    };
    try {
      const checksum = await this.#states.use(record, (snapshot) =>
        saveSnapshot(store, snapshot, update, description),
      );
      this.#checksums.set(record, checksum);
      this.#stored = slotsAfter(this.#stored, record, update);
      this.#errors.delete(record);
      this.#isFailing = [...this.#wanted.values()].some((wanted) => this.#errors.has(wanted));
      this.#onSaved(record);
      return true;
    } catch (cause) {
      this.#fail(record, asStoreError(cause, store.name));
      return false;
    }
  }

  #fail(record: EpochRecord, error: EntropyCheckpointError): void {
    if (!this.#isFailing) {
      warn(
        `Epoch ${record.epoch} could not be stored, training continues: ${textOf(error)} What was stored before is still ` +
          'there.',
      );
    }
    this.#isFailing = true;
    this.#errors.set(record, error);
  }

  async #listSlots(store: CheckpointStore): Promise<void> {
    try {
      const slots = await store.slots();
      this.#stored = new Map(slots.map((slot) => [slot, this.#stored.get(slot) ?? null]));
      if (this.#training === null) {
        const { manifests } = await readManifests(store);
        this.#training = newTraining(manifests.map(({ training }) => training));
      }
    } catch (error) {
      store.close();
      throw error;
    }
  }

  /** Copies an epoch from one slot into the others that lack it. */
  async #completeSlots(store: CheckpointStore): Promise<void> {
    for (const record of missingEpochs(this.#wanted, this.#stored)) {
      const [from] = [...this.#stored].find(([, other]) => other === record) ?? [];
      if (from === undefined) continue;
      const update = slotUpdateFor(record, this.#wanted, this.#stored);
      await copySlot(store, from, update);
      this.#stored = slotsAfter(this.#stored, record, update);
    }
  }
}

function replaced(store: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_CHECKPOINT_REPLACED',
    'Use `loadCheckpoint(source)` to load whatever is stored: expected ' +
      `${store} to hold the selected epoch of this instance, got that of another training, or nothing.`,
  );
}
