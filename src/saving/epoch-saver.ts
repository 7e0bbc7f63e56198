import { EntropyCheckpointError } from '../errors.js';
import type { EpochRecord } from '../epoch-record.js';
import { HistoryBlocks } from '../format/history-blocks.js';
import type { Snapshot, TrainingState } from '../format/snapshot.js';
import type { CheckpointSlot, CheckpointStore, Json } from '../stores/store.js';
import { storeFailure } from '../stores/store-failure.js';
import { textOf, warn, WarnOnce } from '../warnings.js';
import { BackgroundWriter } from './background-writer.js';
import { InMemoryStates } from './in-memory-states.js';
import { copySlot, withFirstWhole } from './read-checkpoints.js';
import { resumeFrom, type Comparison, type ResumableTraining } from './resume.js';
import { PendingSaves } from './pending-saves.js';
import { saveSnapshot } from './save-snapshot.js';
import {
  missingEpochs,
  slotsToLoad,
  wantedSlots,
  withoutPeriodic,
  type Retention,
  type SelectedEpochs,
} from './slot-policy.js';
import { StoreContents } from './store-contents.js';

/** How many states wait for a slow store before training waits as well. One more is being written. */
const MAX_WAITING = 2;

export interface SaverOptions extends Retention, Comparison {
  /** Whether the best state is held in memory beside the store. */
  readonly restoreBestWeights: boolean;
  /** Whether nothing is written before `flush` or `close`. */
  readonly isDeferred: boolean;
  /** What the user wants stored with every checkpoint; null for nothing. */
  readonly metadata: Json;
}

/** Every epoch that has ended, and those of them that are selected. */
export interface TrainedEpochs extends SelectedEpochs {
  /** Those that have ended, in the order in which they ran. Only ever grows. */
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
  readonly #blocks = new HistoryBlocks();
  readonly #writer: BackgroundWriter<EpochRecord>;
  readonly #contents = new StoreContents();
  readonly #saves = new PendingSaves(this.#contents, (record) => this.#states.has(record));
  #epochs: TrainedEpochs = { best: null, ranked: [], periodic: [], last: null, history: [] };
  #wanted: ReadonlyMap<CheckpointSlot, EpochRecord> = new Map();
  /** How many epochs had ended when the state of another one was captured within it. */
  readonly #numEnded = new WeakMap<EpochRecord, number>();
  /** Why an epoch could not be stored when that was last attempted. */
  readonly #errors = new WeakMap<EpochRecord, EntropyCheckpointError>();
  /** The epochs that the store has lost, and that can't be stored again, since `takeLost` was last called. */
  readonly #lost = new Set<EpochRecord>();
  /** From the first failure until every wanted epoch that failed is stored. */
  #isFailing = false;
  readonly #warnings = new WarnOnce();
  /** One after the other, as each may have to open the store. */
  #flushing: Promise<unknown> = Promise.resolve();
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
    await this.#flushing;
    if (store !== null) {
      await this.#openStore(store);
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
    const begun = new Set<EpochRecord>();
    const next = (): EpochRecord | undefined =>
      this.#storable().find(
        (record) => this.#states.has(record) && !this.#errors.has(record) && !begun.has(record),
      );
    for (let record = next(); record !== undefined; record = next()) {
      begun.add(record);
      void this.#save(record);
    }
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
   * Takes an epoch into account, at its end or within it: holds its state if it's wanted, and begins to write it.
   *
   * @param capture captures the state that `record` describes; called only if that's wanted. The saver owns it.
   */
  async keep(epochs: TrainedEpochs, record: EpochRecord, capture: () => Snapshot): Promise<void> {
    // Closed while the epoch was compared: the state isn't that of its end any more.
    if (!this.#isOpen) return;
    this.#setEpochs(epochs);
    if (record.batches !== undefined) this.#numEnded.set(record, epochs.history.length);
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

  /** Whether the best epoch is stored, as far as is known: another training may have replaced it. */
  get isBestStored(): boolean {
    const { best } = this.#epochs;
    return best !== null && this.#contents.slots.get('best') === best;
  }

  /** The selected epochs whose states are lost since this was last called: later epochs needn't beat them. */
  takeLost(): ReadonlySet<EpochRecord> {
    const lost = new Set(this.#lost);
    this.#lost.clear();
    return lost;
  }

  /**
   * Resolves when everything that is wanted is stored. What failed before is attempted again.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_FAILED` where something wanted couldn't be stored.
   */
  flush(): Promise<void> {
    const flushed = this.#flushing.then(() => (this.#store === null ? undefined : this.#flush(this.#store)));
    this.#flushing = flushed.catch(() => undefined);
    return flushed;
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
    if (slots.size === 0 && this.#contents.isOfOther()) throw notStoredYet(record, store.name);
    const loaded = await withFirstWhole(store, slots.keys(), async (checkpoint) => {
      const expected = slots.get(checkpoint.slot)!;
      if (this.#contents.checksumOf(expected) !== checkpoint.checksum) throw replaced(store.name);
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
    if (store === null) return null;
    // A folder isn't created to find it empty. A store with a single slot would load the whole model to answer.
    if (store.capacity === 'many' && (await store.slots()).length === 0) return null;
    // If another training writes there, this throws now and not when `fit` begins.
    await store.open();
    try {
      return await resumeFrom(store, this.#options, async (training) => {
        const epochs = await adopt(training);
        this.#contents.adopt(training);
        this.#setEpochs(epochs);
        // Copies an epoch whose save was cut short, or that is wanted in more slots than before.
        await this.#writer.writeAll();
        return training.record;
      });
    } finally {
      store.close();
    }
  }

  async #openStore(store: CheckpointStore): Promise<void> {
    await store.open();
    try {
      this.#warnings.warn(await this.#contents.read(store));
    } catch (error) {
      store.close();
      throw error;
    }
  }

  async #flush(store: CheckpointStore): Promise<void> {
    await this.#settled();
    await this.#noticeVanished(store);
    // The store may have been closed since, and another training may have stored there.
    const mustOpen = !this.#isOpen && this.#unsaved().length > 0;
    if (mustOpen) await this.#openStore(store);
    try {
      await this.#writer.writeAll();
      await this.#settled();
    } finally {
      if (mustOpen) store.close();
    }
    // Beside another training, periodic epochs wait in memory for the first best one. Another epoch has been replaced.
    const isWaiting = this.#contents.isOfOther() && !this.#wanted.has('best');
    const due = isWaiting ? withoutPeriodic(this.#wanted) : this.#wanted;
    const [missing] = missingEpochs(due, this.#contents.slots);
    // Disposing drops what could not be stored.
    if (missing === undefined || this.#isDisposed) return;
    throw (
      this.#errors.get(missing) ??
      (this.#lost.has(missing) ? vanishedFrom(store.name, missing) : replaced(store.name))
    );
  }

  /** Resolves when nothing is being written. */
  async #settled(): Promise<void> {
    await this.#writer.settled();
    await this.#saves.settled();
  }

  #setEpochs(epochs: TrainedEpochs): void {
    this.#epochs = epochs;
    this.#wanted = wantedSlots(epochs, this.#options, this.#contents.isOfOther());
  }

  /** The epochs to write next, the most important first. */
  #unsaved(): EpochRecord[] {
    const storable = this.#storable();
    // Another epoch may replace what is to be copied.
    const copies = storable.filter((record) => !this.#states.has(record));
    return copies.length > 0 ? copies : storable;
  }

  /** The epochs that are wanted and not stored, and can be stored now. */
  #storable(): EpochRecord[] {
    if (this.#store === null) return [];
    const isOfOther = this.#contents.isOfOther(this.#saves.expectedSlots);
    return missingEpochs(this.#obtainable, this.#contents.slots).filter(
      (record) => !this.#saves.has(record) && (!isOfOther || record === this.#wanted.get('best')),
    );
  }

  /** What is wanted, without the epochs that are lost: neither in memory nor in the store. */
  get #obtainable(): Map<CheckpointSlot, EpochRecord> {
    // Each epoch may keep hundreds: looking for each in all slots takes longer than saving one.
    const stored = new Set(this.#contents.slots.values());
    const obtainable = new Map<CheckpointSlot, EpochRecord>();
    for (const [slot, record] of this.#wanted) {
      if (this.#states.has(record) || stored.has(record)) obtainable.set(slot, record);
    }
    return obtainable;
  }

  #isNeeded(record: EpochRecord): boolean {
    if (this.#isDisposed) return false;
    if (this.#store === null) return [...this.#wanted.values()].includes(record);
    const { restoreBestWeights } = this.#options;
    if (restoreBestWeights && this.#isOpen && record === this.#wanted.get('best')) return true;
    return missingEpochs(this.#wanted, this.#contents.slots).includes(record);
  }

  #freeStates(): void {
    this.#states.keepOnly((record) => this.#isNeeded(record));
  }

  /** Stores an epoch. Never rejects. @returns whether the epoch was stored. */
  async #save(record: EpochRecord): Promise<boolean> {
    const store = this.#store!;
    try {
      if (this.#states.has(record)) await this.#saveState(store, record);
      else await this.#copy(store, record);
    } catch (cause) {
      this.#fail(record, storeFailure(`save to ${store.name}`, '', cause));
      return false;
    } finally {
      this.#freeStates();
    }
    this.#warnOfVanished(store);
    this.#errors.delete(record);
    this.#isFailing = [...this.#wanted.values()].some((wanted) => this.#errors.has(wanted));
    return true;
  }

  async #saveState(store: CheckpointStore, record: EpochRecord): Promise<void> {
    const { history } = this.#epochs;
    const { metadata, monitor } = this.#options;
    const { name, mode } = monitor;
    const description = {
      training: this.#contents.training,
      monitor: name,
      mode,
      record,
      metadata,
      history: this.#blocks.upTo(history, this.#numEnded.get(record) ?? history.lastIndexOf(record) + 1),
    };
    await this.#saves.run(record, this.#obtainable, (update, beforeReading) =>
      this.#states.use(record, (snapshot) =>
        saveSnapshot(store, snapshot, update, description, beforeReading, (checksum) => {
          this.#contents.expect(record, checksum);
        }),
      ),
    );
    this.#onSaved(record);
  }

  /** Copies an epoch from the slot that holds it into those that lack it. */
  async #copy(store: CheckpointStore, record: EpochRecord): Promise<void> {
    try {
      await copySlot(store, this.#contents.slotOf(record)!, (source) =>
        this.#saves.run(record, this.#obtainable, async (update) => (await store.save(source, update)) ?? []),
      );
    } catch (error) {
      const code = error instanceof EntropyCheckpointError ? error.code : null;
      if (code === 'ENTROPY_CORRUPT_CHECKPOINT' || code === 'ENTROPY_NO_CHECKPOINT')
        this.#contents.forget(record);
      throw error;
    }
  }

  /** A training whose last epochs weren't selected has no save that would notice it. */
  async #noticeVanished(store: CheckpointStore): Promise<void> {
    if (!this.#isOpen || store.capacity === 'one' || this.#contents.slots.size === 0) return;
    try {
      const slots = await store.slots();
      this.#contents.lose([...this.#contents.slots.keys()].filter((slot) => !slots.includes(slot)));
    } catch {
      // The next save reports it.
      return;
    }
    this.#warnOfVanished(store);
  }

  #warnOfVanished({ name }: CheckpointStore): void {
    const vanished = this.#contents.takeVanished();
    if (vanished.length === 0) return;
    const wanted = new Set(this.#wanted.values());
    const lost = vanished.filter((record) => wanted.has(record) && !this.#states.has(record));
    for (const record of lost) this.#lost.add(record);
    const epochs = lost.map(({ epoch }) => epoch).join(', ');
    warn(
      `Remove nothing from ${name} while a training writes there: checkpoints have vanished. Training continues, and ` +
        'what is in memory is stored again' +
        (lost.length === 0 ? '.' : `; lost ${lost.length === 1 ? 'is epoch' : 'are the epochs'} ${epochs}.`),
    );
  }

  #fail(record: EpochRecord, error: EntropyCheckpointError): void {
    if (!this.#isFailing) {
      warn(
        `Epoch ${record.epoch} could not be stored, training continues: ${textOf(error)} This changed nothing that was ` +
          'stored before.',
      );
    }
    this.#isFailing = true;
    this.#errors.set(record, error);
  }
}

function notStoredYet({ epoch }: EpochRecord, store: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_NO_CHECKPOINT',
    `Train until there is a best epoch, or use another \`filepath\`: epoch ${epoch} is not stored, as only a best epoch ` +
      `replaces the other training in ${store}.`,
  );
}

function vanishedFrom(store: string, { epoch }: EpochRecord): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_STORE_FAILED',
    `Train again: expected ${store} to hold epoch ${epoch}, which was stored there, got nothing. Someone has removed it ` +
      'during training, and its state is no longer in memory.',
  );
}

function replaced(store: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_CHECKPOINT_REPLACED',
    'Use `loadCheckpoint(source)` to load whatever is stored: expected ' +
      `${store} to hold the selected epoch of this instance, got that of another training, or nothing.`,
  );
}
