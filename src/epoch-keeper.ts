import type * as tf from '@tensorflow/tfjs';
import { CheckpointWriter } from './checkpoint-writer.js';
import { criterionOf, type Criterion } from './criteria/criterion.js';
import type { EpochLogs } from './epoch-logs.js';
import type { EpochRecord } from './epoch-record.js';
import { EpochScore, readScore, type DetachedScore, type EpochNumbers } from './epoch-score.js';
import { explain, type Outcome } from './explain.js';
import { HeldStates } from './held-states.js';
import {
  checkCapacity,
  checkMonitor,
  hasTrained,
  noBest,
  notCompiled,
  notKept,
  replaced,
} from './keeper-errors.js';
import { Monitor } from './monitor.js';
import type { ResolvedOptions } from './options.js';
import { isSameEpoch, Ranking, slotOf } from './ranking.js';
import type { ReportOptions } from './report/report.js';
import type { DecodedHead } from './state/decode-checkpoint.js';
import { modelTopology, takeSnapshot } from './state/encode-checkpoint.js';
import { withTensor } from './state/tensor-source.js';
import { captureState, disposeState, restoreState, type TrainingState } from './state/training-state.js';
import { copySlot, readWholeHeads, withFirstWhole, type StoredHead } from './stored-checkpoints.js';
import { resolveStore } from './stores/resolve-store.js';
import type { CheckpointStore, Json, Placement, Slot } from './stores/store.js';
import { textOf, warn } from './warnings.js';

/** The model that is trained and the optimizer whose state is kept with it. */
export interface Trained {
  readonly model: tf.LayersModel;
  readonly optimizer: tf.Optimizer | null;
}

/** An epoch that ends. */
export interface EndedEpoch {
  readonly epoch: number;
  readonly fit: number;
  /** Whether it ran as a whole; else it is recorded, never best. */
  readonly complete: boolean;
  /** Whether `finish` will be called: what cannot be saved as the latest epoch now can be then. */
  readonly hasFinish: boolean;
  /** Losses and metrics of the epoch. */
  readonly logs: EpochLogs;
}

/**
 * Keeps the best epochs: scores what it is shown, compares the epochs, holds or stores the state of the
 * best, and gives it back. Both public classes are this, fed by `fit` or by a loop of the user's own.
 */
export class EpochKeeper {
  readonly options: ResolvedOptions;
  readonly score: EpochScore;
  readonly #criterion: Criterion | null;
  readonly #monitor: Monitor;
  readonly #ranking: Ranking;
  readonly #store: CheckpointStore | null;
  readonly #writer: CheckpointWriter | null;
  readonly #history: EpochRecord[] = [];
  #best: EpochRecord | null = null;
  /** The states that are to be had without the store. */
  readonly #held = new HeldStates();
  /** What this instance has stored, by checksum: tells it from what another training has put in its place. */
  readonly #stored = new Map<string, EpochRecord>();
  /** The latest epoch, where it could not be saved as such because a better one was waiting. */
  #owesLast: EpochRecord | null = null;
  /** Of the model, as it was when training began, where it is stored. */
  #topology: Json | undefined;
  #isOpen = false;
  #closing: Promise<EpochRecord | null> = Promise.resolve(null);

  /** @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION`. */
  constructor(options: ResolvedOptions) {
    this.options = options;
    this.#criterion = criterionOf(options.criterion);
    this.score = new EpochScore({ ...options, criterion: this.#criterion });
    this.#monitor = new Monitor({ ...options, patience: this.#criterion?.patience ?? null });
    this.#ranking = new Ranking(options.maxToKeep, options.mode);
    this.#store = options.filepath === null ? null : resolveStore(options.filepath);
    checkCapacity(this.#store, options);
    this.#writer =
      this.#store === null
        ? null
        : new CheckpointWriter(this.#store, options.yieldEvery === 'never', (record, checksum) => {
            this.#stored.set(checksum, record);
            this.#tell(record);
          });
  }

  get history(): readonly EpochRecord[] {
    return this.#history;
  }

  get best(): EpochRecord | null {
    return this.#best;
  }

  /** The best epochs, the best first. */
  get kept(): readonly EpochRecord[] {
    return this.#ranking.kept;
  }

  /** Why the best epoch is the best. */
  explain(): string {
    return explain(this.#outcome);
  }

  /** A page on the training. The module for it is loaded when it is asked for. */
  async report(options?: ReportOptions): Promise<string> {
    await this.#closing.catch(() => null);
    const { report } = await import('./report/report.js');
    return report({ ...this.#outcome, kept: this.kept }, options);
  }

  get #outcome(): Outcome {
    return {
      best: this.best,
      history: this.history,
      monitor: this.#monitor,
      options: this.options,
      numClasses: this.score.numClasses,
    };
  }

  get monitor(): Pick<Monitor, 'eligibleEpochs' | 'firstIsBest' | 'hasDecided'> {
    return this.#monitor;
  }

  /**
   * Claims the store and makes sure that the state of what is trained can be kept, before it is needed.
   * Idempotent.
   *
   * @throws EntropyCheckpointError as `CheckpointStore.open`, `captureState` and `modelTopology`.
   */
  async open(trained: Trained): Promise<void> {
    if (this.#isOpen) return;
    disposeState(this.#capture(trained));
    if (this.#store !== null) {
      this.#topology = modelTopology(trained.model);
      await this.#store.open();
    }
    this.#isOpen = true;
  }

  /**
   * Ends a training: gives the store back, when what is yet to be written is there. What is held in memory
   * alone stays.
   */
  close(): void {
    // One that was refused must not give back what another training has.
    if (this.#isOpen) this.#writer?.end();
    this.#isOpen = false;
    this.#owesLast = null;
    this.score.reset();
    if (this.#store !== null) this.#held.dispose();
  }

  /**
   * Closes an epoch, by one device read: what is appended from now on belongs to the next. What is to be
   * stored of it is taken, and written while training goes on.
   */
  closeEpoch(trained: Trained, ended: EndedEpoch): Promise<EpochRecord> {
    // At once, as what is appended from now on belongs to the next epoch.
    const score = this.score.detach();
    // In turn, should the caller not wait for one epoch before it closes the next.
    const former = this.#closing.catch(() => null);
    const closing = former.then(() => this.#compare(trained, ended, score));
    this.#closing = closing;
    // Not waited for by `flush`, which the user's `onBest` may call.
    return closing.then(async (record) => {
      if (record.isBest) await this.options.onBest?.(record);
      return record;
    });
  }

  /**
   * Resolves when everything that was to be stored is.
   *
   * @throws EntropyCheckpointError as `CheckpointWriter.flush`.
   */
  async flush(): Promise<void> {
    await this.#closing;
    await this.#writer?.flush();
  }

  /**
   * Ends a training that has come to its end: stores what is yet to be stored, and puts the best state back
   * if it is so configured.
   *
   * @throws EntropyCheckpointError as `flush` and `load`.
   */
  async finish(trained: Trained): Promise<void> {
    const owed = this.#owesLast;
    if (owed !== null) {
      await this.#writer?.drain();
      const placement = this.#placementOf(owed, true);
      if (this.#writer?.accepts(placement) === true) this.#write(trained, owed, placement);
    }
    if (this.options.restoreBestWeights && this.#best !== null) await this.load(trained);
    await this.flush();
  }

  async #compare(trained: Trained, ended: EndedEpoch, score: DetachedScore): Promise<EpochRecord> {
    await this.open(trained).catch((error: unknown) => {
      // The epoch stays open: the caller may close it again once the store is free.
      this.score.reattach(score);
      throw error;
    });
    const { epoch, fit } = ended;
    const numbers = await readScore(score, ended.logs.scalars);
    const { entropies, valChanges, valInformation } = numbers;
    const logs = Object.freeze(ended.logs.numbers(numbers.others));
    const value = ended.complete ? this.#valueOf(numbers, logs) : null;
    const isBest = this.#monitor.isBetter(epoch, value);
    const counted = {
      ...(valChanges === undefined ? {} : { valChanges }),
      ...(valInformation === undefined ? {} : { valInformation }),
    };
    const record = Object.freeze({ epoch, fit, ...entropies, ...counted, value, isBest, logs });
    const isRanked = isBest || (this.#best !== null && this.#monitor.isEligible(epoch, value));
    this.#monitor.accept(epoch, value);
    this.#history.push(record);
    if (isRanked) this.#ranking.add(record);
    if (isBest) this.#best = record;
    // It may have been disposed while the device was busy.
    if (this.#isOpen) await this.#keep(trained, record, ended);
    return record;
  }

  /**
   * Puts the state of a kept epoch back.
   *
   * @param epoch counted from 0. @default the best
   * @throws EntropyCheckpointError `ENTROPY_NO_BEST`, `ENTROPY_NO_CHECKPOINT`, `ENTROPY_CHECKPOINT_REPLACED`,
   *   and as `restoreState`.
   */
  async load({ model, optimizer }: Trained, epoch?: number): Promise<EpochRecord> {
    await this.#closing.catch(() => null);
    const record = this.#find(epoch);
    await this.#writer?.drain();
    const state = this.#held.get(record) ?? this.#writer?.stateOf(record);
    if (state != null) {
      await restoreState(state, model, optimizer);
      return record;
    }
    const places = this.#placesOf(record, epoch === undefined);
    const store = this.#store;
    if (store === null) throw noBest(this.#history.length);
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
   * Goes on from the latest epoch that is stored and whole: state, best and history.
   *
   * @returns the epoch after it; 0 where nothing is stored.
   * @throws EntropyCheckpointError as `CheckpointStore.open`, `readHeads`, `withFirstWhole` and `restoreState`.
   */
  async resume({ model, optimizer }: Trained): Promise<number> {
    if (this.#history.length > 0) throw hasTrained();
    const store = this.#store;
    if (store === null) return 0;
    if ((await store.slots()).length === 0) return 0;
    // One that trains there at this moment is refused now, not when `fit` begins.
    await store.open();
    return this.#resumeFrom(store, { model, optimizer }).finally(() => {
      store.close();
    });
  }

  async #resumeFrom(store: CheckpointStore, { model, optimizer }: Trained): Promise<number> {
    const { heads, errors } = await readWholeHeads(store);
    const latestFirst = [...heads].sort((a, b) => b.history.length - a.history.length);
    const slots = latestFirst.map(({ slot }) => slot);
    const initialEpoch = await withFirstWhole(store, slots, async (checkpoint) => {
      checkMonitor(checkpoint, this.options, store.name);
      if (checkpoint.state.optimizer !== null && optimizer === null) throw notCompiled(store.name);
      const { remembered } = checkpoint.state;
      await restoreState(checkpoint.state, model, optimizer);
      if (remembered !== null)
        await withTensor(remembered, (tensor) => {
          this.score.restore(tensor);
        });
      this.#adopt(checkpoint, heads);
      // Without it, the next save does the same.
      await this.#mend(store, heads, this.#stored.get(checkpoint.checksum)!).catch((error: unknown) => {
        warn(`What is stored could not be completed: ${textOf(error)}`);
      });
      return checkpoint.record.epoch + 1;
    });
    if (initialEpoch === null && errors[0] !== undefined) throw errors[0];
    for (const error of errors) warn(`${textOf(error)} Training goes on from epoch ${initialEpoch ?? 0}.`);
    return initialEpoch ?? 0;
  }

  dispose(): void {
    this.close();
    this.score.dispose();
    this.#writer?.dispose();
    this.#held.dispose();
  }

  /**
   * Does what a save that was cut short has not come to, and mends what is damaged, as far as it is stored
   * elsewhere: puts each epoch that is kept into its slots, and removes one that was pushed out.
   *
   * @param last the epoch that is resumed.
   */
  async #mend(store: CheckpointStore, heads: readonly StoredHead[], last: EpochRecord): Promise<void> {
    for (const record of new Set([last, ...this.kept])) {
      const found = heads.filter(({ checksum }) => this.#stored.get(checksum) === record);
      const done = found.map(({ slot }) => slot);
      const { into } = this.#placementOf(record, record === last);
      const missing = into.filter((slot) => !done.includes(slot));
      const surplus = record === last ? await this.#surplusSlots(store) : [];
      if (found[0] === undefined || missing.length + surplus.length === 0) continue;
      await copySlot(store, found[0].slot, missing.length > 0 ? missing : done, surplus);
    }
  }

  /** More than one are of a training that was to keep more, and stay until something better comes. */
  async #surplusSlots(store: CheckpointStore): Promise<Slot[]> {
    if (this.options.maxToKeep === 1) return [];
    const wanted: Slot[] = ['best', 'last', ...this.kept.map(slotOf)];
    const surplus = (await store.slots()).filter((slot) => !wanted.includes(slot));
    return surplus.length === 1 ? surplus : [];
  }

  /** What is compared of the epoch that ends. */
  #valueOf({ entropies, ...counted }: EpochNumbers, logs: EpochRecord['logs']): number | null {
    if (this.#criterion !== null) {
      const { valChanges = null, valInformation = null } = counted;
      return this.#criterion.valueOf([...this.#history, { ...entropies, valChanges, valInformation }]);
    }
    switch (this.options.monitor) {
      case 'entropy':
        return entropies.entropy;
      case 'train_entropy':
        return entropies.trainEntropy;
      case 'val_entropy':
        return entropies.valEntropy;
      default:
        return logs[this.options.monitor] ?? null;
    }
  }

  #capture({ model, optimizer }: Trained): TrainingState {
    return captureState(model, this.options.includeOptimizer ? optimizer : null);
  }

  async #keep(trained: Trained, record: EpochRecord, ended: EndedEpoch): Promise<void> {
    this.#hold(trained, record);
    const writer = this.#writer;
    if (writer === null) {
      if (record.isBest) this.#tell(record);
      return;
    }
    this.#owesLast = null;
    const placement = this.#placementOf(record, ended.complete);
    if (placement.into.length === 0) return;
    if (!writer.accepts(placement)) {
      if (ended.hasFinish && placement.into.every((slot) => slot === 'last')) {
        this.#owesLast = record;
        writer.retry();
        return;
      }
      // None of several that are to be kept may push out another: training waits for a slow store.
      await writer.vacate();
    }
    this.#write(trained, record, placement);
  }

  #write({ model, optimizer }: Trained, record: EpochRecord, placement: Placement): void {
    const { monitor, mode, includeOptimizer } = this.options;
    const { remembered } = this.score;
    const snapshot = takeSnapshot(model, includeOptimizer ? optimizer : null, remembered, this.#topology);
    const description = { monitor, mode, record, history: [...this.#history] };
    this.#writer?.enqueue({ snapshot, description, placement });
  }

  /** Where an epoch is to be stored, and what stays there of those before. */
  #placementOf(record: EpochRecord, complete: boolean): Placement {
    const { maxToKeep, saveLast } = this.options;
    const slots: Slot[] = maxToKeep > 1 ? this.kept.map(slotOf) : [];
    const into: Slot[] = record === this.#best ? ['best'] : [];
    if (maxToKeep > 1 && this.kept.includes(record)) into.push(slotOf(record));
    if (saveLast && complete) into.push('last');
    const staying: Slot[] = this.#best === null ? [] : ['best', ...slots];
    return { into, keep: staying.filter((slot) => !into.includes(slot)) };
  }

  /** The slots that may hold an epoch, and for the best those of the next best should it be damaged. */
  #placesOf(record: EpochRecord, isBest: boolean): Map<Slot, EpochRecord> {
    const places = new Map<Slot, EpochRecord>();
    if (record === this.#best) places.set('best', record);
    if (this.options.maxToKeep === 1) return places;
    for (const other of isBest ? this.kept : [record]) places.set(slotOf(other), other);
    return places;
  }

  #find(epoch: number | undefined): EpochRecord {
    const best = this.#best;
    if (best === null) throw noBest(this.#history.length);
    if (epoch === undefined) return best;
    const [found] = this.kept.filter((record) => record.epoch === epoch).sort((a, b) => b.fit - a.fit);
    if (found !== undefined) return found;
    throw notKept(epoch, this.kept);
  }

  #hold(trained: Trained, record: EpochRecord): void {
    const best = this.options.restoreBestWeights && this.#best !== null ? [this.#best] : [];
    this.#held.keepOnly(this.#store === null ? this.kept : best, record, () => this.#capture(trained));
  }

  #tell(record: EpochRecord): void {
    if (this.options.verbose !== 1) return;
    const value = `${this.options.monitor} ${record.value?.toPrecision(5) ?? 'none'}`;
    const saved = `saved to ${this.#store?.name ?? 'memory'}`;
    // eslint-disable-next-line no-console -- what `verbose: 1` asks for
    console.log(
      `[entropy-checkpoint] epoch ${record.epoch}: ${value}${record.isBest ? ' is the best so far' : ''}, ${saved}`,
    );
  }

  /** Takes over the epochs of an earlier training, and of those that are stored the ones that belong to it. */
  #adopt({ history }: DecodedHead, heads: readonly StoredHead[]): void {
    this.#history.push(...history);
    for (const head of heads) {
      const record = history.findLast((one) => isSameEpoch(one, head.record));
      if (record !== undefined) this.#stored.set(head.checksum, record);
    }
    // The latest may be the best, where a save was cut short that was to put it there as well.
    const ranked = heads.filter(({ slot, record }) => slot !== 'last' || record.isBest);
    const kept = ranked.map(({ checksum }) => this.#stored.get(checksum));
    // In the order in which they were run, so that each takes its place.
    for (const record of history) if (kept.includes(record)) this.#ranking.add(record);
    this.#best = this.kept[0] ?? null;
    const isWhole = this.#best === (history.findLast(({ isBest }) => isBest) ?? null);
    // If the best is lost, what comes next need not beat it.
    const compared = isWhole ? history : this.kept.slice(0, 1);
    for (const record of compared) this.#monitor.accept(record.epoch, record.value);
  }
}
