import { CheckpointWriter } from './checkpoint-writer.js';
import type { EpochRecord } from './epoch-record.js';
import { EntropyCheckpointError } from './errors.js';
import { HeldStates } from './held-states.js';
import { noBest } from './keeper-errors.js';
import { placementOf, placesOf } from './placements.js';
import { resumeTraining, type Progress } from './resume-training.js';
import { modelTopology, takeSnapshot } from './state/encode-checkpoint.js';
import { captureState, disposeState, restoreState, type TrainingState } from './state/training-state.js';
import { withFirstWhole } from './stored-checkpoints.js';
import type { CheckpointStore, Json, Placement } from './stores/store.js';
import type { Trained } from './trained.js';

/** What can be kept of an epoch, and when. */
export interface KeptEpoch {
  /** Whether it can be the latest epoch, from which training is resumed. */
  readonly complete: boolean;
  /** Whether `finish` will be called: what cannot be saved as the latest epoch now can be then. */
  readonly hasFinish: boolean;
}

/**
 * Holds or stores the states of the epochs that are chosen, and gives them back. It is loaded when training
 * begins, and with it all that has to do with states.
 */
export class StateKeeper {
  readonly #progress: Progress;
  readonly #store: CheckpointStore | null;
  readonly #writer: CheckpointWriter | null;
  /** The states that are to be had without the store. */
  readonly #held = new HeldStates();
  /** What this instance has stored, by checksum: tells it from what another training has put in its place. */
  readonly #stored = new Map<string, EpochRecord>();
  /** The latest epoch, where it could not be saved as such because a better one was waiting. */
  #owesLast: EpochRecord | null = null;
  /** Of the model, as it was when training began, where it is stored. */
  #topology: Json | undefined;
  #isOpen = false;

  /** @param store null: in memory only. */
  constructor(progress: Progress, store: CheckpointStore | null) {
    this.#progress = progress;
    this.#store = store;
    this.#writer =
      store === null
        ? null
        : new CheckpointWriter(store, progress.options.yieldEvery === 'never', (record, checksum) => {
            this.#stored.set(checksum, record);
            this.#tell(record);
          });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Claims the store and makes sure that the state of what is trained can be kept, before it is needed.
   *
   * @throws EntropyCheckpointError as `CheckpointStore.open`, `captureState` and `modelTopology`.
   */
  async open(trained: Trained): Promise<void> {
    disposeState(this.#capture(trained));
    if (this.#store !== null) {
      this.#topology = modelTopology(trained.model);
      await this.#store.open();
    }
    this.#isOpen = true;
  }

  /**
   * Gives the store back, when what is yet to be written is there. What is held in memory alone stays.
   * Idempotent.
   */
  close(): void {
    // One that was refused must not give back what another training has.
    if (this.#isOpen) this.#writer?.end();
    this.#isOpen = false;
    this.#owesLast = null;
    if (this.#store !== null) this.#held.dispose();
  }

  /** Takes the state of the epoch that has ended, if it is among the chosen, and begins to write it. */
  async keep(trained: Trained, record: EpochRecord, { complete, hasFinish }: KeptEpoch): Promise<void> {
    this.#hold(trained, record);
    const writer = this.#writer;
    if (writer === null) {
      if (record.isBest) this.#tell(record);
      return;
    }
    this.#owesLast = null;
    const placement = this.#placementOf(record, complete);
    if (placement.into.length === 0) return;
    if (!writer.accepts(placement)) {
      if (hasFinish && placement.into.every((slot) => slot === 'last')) {
        this.#owesLast = record;
        writer.retry();
        return;
      }
      // None of several that are to be kept may push out another: training waits for a slow store.
      await writer.vacate();
    }
    this.#write(trained, record, placement);
  }

  /** Takes the state of the latest epoch, where that is yet to be stored. To be called when training ends. */
  async finish(trained: Trained): Promise<void> {
    const owed = this.#owesLast;
    if (owed === null) return;
    await this.#writer?.drain();
    const placement = this.#placementOf(owed, true);
    if (this.#writer?.accepts(placement) === true) this.#write(trained, owed, placement);
  }

  /** @throws EntropyCheckpointError as `CheckpointWriter.flush`. */
  async flush(): Promise<void> {
    await this.#writer?.flush();
  }

  /**
   * Puts the state of a kept epoch back.
   *
   * @param isBest whether the next best will do, should the state be damaged.
   * @returns the epoch whose state it is.
   * @throws EntropyCheckpointError `ENTROPY_NO_BEST`, `ENTROPY_CHECKPOINT_REPLACED`, and as `restoreState`.
   */
  async load({ model, optimizer }: Trained, record: EpochRecord, isBest: boolean): Promise<EpochRecord> {
    await this.#writer?.drain();
    const state = this.#held.get(record) ?? this.#writer?.stateOf(record);
    if (state != null) {
      await restoreState(state, model, optimizer);
      return record;
    }
    const { comparison, options } = this.#progress;
    const places = placesOf(record, isBest, comparison, options);
    const store = this.#store;
    if (store === null) throw noBest(comparison.history.length);
    const loaded = await withFirstWhole(store, places.keys(), async (checkpoint) => {
      const expected = places.get(checkpoint.slot);
      if (this.#stored.get(checkpoint.checksum) !== expected) throw replaced(store.name);
      await restoreState(checkpoint.state, model, optimizer);
      return expected;
    });
    if (loaded == null) throw replaced(store.name);
    return loaded;
  }

  /**
   * As `resumeTraining`.
   *
   * @throws EntropyCheckpointError as `resumeTraining` and `CheckpointStore.open`.
   */
  async resume(trained: Trained): Promise<number> {
    const store = this.#store;
    if (store === null || (await store.slots()).length === 0) return 0;
    // One that trains there at this moment is refused now, not when `fit` begins.
    await store.open();
    return resumeTraining(store, trained, this.#progress, this.#stored).finally(() => {
      store.close();
    });
  }

  dispose(): void {
    this.#writer?.dispose();
    this.#held.dispose();
  }

  #capture({ model, optimizer }: Trained): TrainingState {
    return captureState(model, this.#progress.options.includeOptimizer ? optimizer : null);
  }

  #hold(trained: Trained, record: EpochRecord): void {
    const { comparison, options } = this.#progress;
    const best = options.restoreBestWeights && comparison.best !== null ? [comparison.best] : [];
    const wanted = this.#store === null ? comparison.kept : best;
    this.#held.keepOnly(wanted, record, () => this.#capture(trained));
  }

  #write({ model, optimizer }: Trained, record: EpochRecord, placement: Placement): void {
    const { comparison, options, score } = this.#progress;
    const { monitor, mode, includeOptimizer } = options;
    const kept = includeOptimizer ? optimizer : null;
    const snapshot = takeSnapshot(model, kept, score.remembered, this.#topology);
    const description = { monitor, mode, record, history: [...comparison.history] };
    this.#writer?.enqueue({ snapshot, description, placement });
  }

  #placementOf(record: EpochRecord, isLast: boolean): Placement {
    return placementOf(record, isLast, this.#progress.comparison, this.#progress.options);
  }

  #tell(record: EpochRecord): void {
    const { monitor, verbose } = this.#progress.options;
    if (verbose !== 1) return;
    const value = `${monitor} ${record.value?.toPrecision(5) ?? 'none'}`;
    const saved = `saved to ${this.#store?.name ?? 'memory'}`;
    // eslint-disable-next-line no-console -- what `verbose: 1` asks for
    console.log(
      `[entropy-checkpoint] epoch ${record.epoch}: ${value}${record.isBest ? ' is the best so far' : ''}, ${saved}`,
    );
  }
}

function replaced(storeName: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_CHECKPOINT_REPLACED',
    `Expected ${storeName} to hold the best epoch of this instance, got that of another training ` +
      '(or nothing). Use `loadCheckpoint(source)` to load whatever is there.',
  );
}
