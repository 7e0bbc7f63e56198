import * as tf from '@tensorflow/tfjs';
import { EntropyScore, readEpoch, type EpochEntropies, type EpochMeans } from './entropy/entropy-score.js';
import type { EpochRecord } from './epoch-record.js';
import { EntropyCheckpointError } from './errors.js';
import { Monitor } from './monitor.js';
import type { ResolvedOptions } from './options.js';
import { withCheckpoint, type DecodedCheckpoint } from './state/decode-checkpoint.js';
import { encodeCheckpoint, modelTopology } from './state/encode-checkpoint.js';
import { METADATA_KEY } from './state/checkpoint-metadata.js';
import { captureState, disposeState, restoreState, type TrainingState } from './state/training-state.js';
import { resolveStore } from './stores/resolve-store.js';
import type { CheckpointStore } from './stores/store.js';

/** A value of `logs`: tfjs gives numbers and scalars. */
export type LogValue = number | tf.Scalar | undefined;

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
  /** The monitored metric, where the monitor is none of the entropies. The caller keeps it. */
  readonly metric?: LogValue;
}

/**
 * Keeps the best epoch: scores what it is shown, compares the epochs, holds or stores the state of the
 * best, and gives it back. Both public classes are this, fed by `fit` or by a loop of the user's own.
 */
export class EpochKeeper {
  readonly options: ResolvedOptions;
  readonly score: EntropyScore;
  readonly #monitor: Monitor;
  readonly #store: CheckpointStore | null;
  readonly #history: EpochRecord[] = [];
  #best: EpochRecord | null = null;
  /** The state of the best, while it is to be had without the store. */
  #held: TrainingState | null = null;
  /** Tells this instance's checkpoint from one that another training has put in its place. */
  #storedChecksum: string | null = null;
  #isOpen = false;
  #closing: Promise<EpochRecord | null> = Promise.resolve(null);

  constructor(options: ResolvedOptions) {
    this.options = options;
    this.score = new EntropyScore(options.topK);
    this.#monitor = new Monitor(options);
    this.#store = options.filepath === null ? null : resolveStore(options.filepath);
  }

  get history(): readonly EpochRecord[] {
    return this.#history;
  }

  get best(): EpochRecord | null {
    return this.#best;
  }

  get monitor(): Pick<Monitor, 'eligibleEpochs' | 'firstIsBest'> {
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
      modelTopology(trained.model);
      await this.#store.open();
    }
    this.#isOpen = true;
  }

  /** Ends a training: gives the store back. What is held in memory alone stays. */
  close(): void {
    this.#isOpen = false;
    this.score.reset();
    this.#store?.close();
    if (this.#store !== null) this.#release();
  }

  /**
   * Closes an epoch, by one device read: what is appended from now on belongs to the next. If it is the
   * best, it is stored before this resolves.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_FAILED`: the former best is still stored, and `best`.
   */
  closeEpoch(trained: Trained, ended: EndedEpoch): Promise<EpochRecord> {
    // At once, as what is appended from now on belongs to the next epoch.
    const means = this.score.detach();
    // In turn, should the caller not wait for one epoch before it closes the next.
    const former = this.#closing.catch(() => null);
    const closing = former.then(() => this.#compare(trained, ended, means));
    this.#closing = closing;
    // Not waited for by `flush`, which the user's `onBest` may call.
    return closing.then(async (record) => {
      if (record.isBest) await this.#announce(record);
      return record;
    });
  }

  /** Resolves when everything that was to be stored is; with the error if it could not be. */
  async flush(): Promise<void> {
    await this.#closing;
  }

  async #compare(trained: Trained, ended: EndedEpoch, means: EpochMeans): Promise<EpochRecord> {
    await this.open(trained).catch((error: unknown) => {
      // The epoch stays open: the caller may close it again once the store is free.
      this.score.reattach(means);
      throw error;
    });
    const { metric } = ended;
    const { entropies, others } = await readEpoch(means, metric instanceof tf.Tensor ? [metric] : []);
    const metricValue = typeof metric === 'number' ? metric : (others[0] ?? null);
    const value = ended.complete ? this.#monitoredValue(entropies, metricValue) : null;
    const isBest = this.#monitor.isBetter(ended.epoch, value);
    const record = Object.freeze({ epoch: ended.epoch, fit: ended.fit, ...entropies, value, isBest });
    if (isBest) await this.#keep(trained, record);
    this.#monitor.accept(ended.epoch, value);
    this.#history.push(record);
    return record;
  }

  /**
   * Puts the best state back.
   *
   * @throws EntropyCheckpointError `ENTROPY_NO_BEST`, `ENTROPY_CHECKPOINT_REPLACED`, and as `restoreState`.
   */
  async loadBest({ model, optimizer }: Trained): Promise<EpochRecord> {
    // A save that failed has told whoever closed the epoch; the best before it is still there.
    await this.#closing.catch(() => null);
    const best = this.#best;
    if (best === null || (this.#held === null && this.#store === null)) throw noBest(this.#history.length);
    if (this.#held !== null) {
      restoreState(this.#held, model, optimizer);
      return best;
    }
    await this.#withStored((checkpoint) => {
      if (checkpoint?.checksum !== this.#storedChecksum) throw this.#replaced();
      restoreState(checkpoint.state, model, optimizer);
    });
    return best;
  }

  /** Puts the best state back at the end of training, if there is one and it is so configured. */
  async restoreAtEnd(trained: Trained): Promise<void> {
    if (this.options.restoreBestWeights && this.#best !== null) await this.loadBest(trained);
  }

  /**
   * Goes on from what is stored: state, best and history.
   *
   * @returns the epoch after the stored one; 0 where nothing is stored.
   */
  async resume({ model, optimizer }: Trained): Promise<number> {
    if (this.#history.length > 0) {
      throw new EntropyCheckpointError(
        'ENTROPY_INVALID_OPTION',
        'Expected `resume` to be called before training, got an instance that has trained. Make a new one.',
      );
    }
    return this.#withStored((checkpoint) => {
      if (checkpoint === null) return 0;
      this.#checkMonitor(checkpoint);
      if (checkpoint.state.optimizer !== null && optimizer === null)
        throw notCompiled(this.#store?.name ?? '');
      restoreState(checkpoint.state, model, optimizer);
      for (const record of checkpoint.history) this.#monitor.accept(record.epoch, record.value);
      this.#history.push(...checkpoint.history);
      this.#best = checkpoint.history.findLast(({ isBest }) => isBest) ?? checkpoint.record;
      this.#storedChecksum = checkpoint.checksum;
      if (this.options.restoreBestWeights) this.#hold(captureState(model, optimizer));
      return checkpoint.record.epoch + 1;
    });
  }

  dispose(): void {
    this.close();
    this.#release();
  }

  #monitoredValue(entropies: EpochEntropies, metric: number | null): number | null {
    switch (this.options.monitor) {
      case 'entropy':
        return entropies.entropy;
      case 'train_entropy':
        return entropies.trainEntropy;
      case 'val_entropy':
        return entropies.valEntropy;
      default:
        return metric;
    }
  }

  #capture({ model, optimizer }: Trained): TrainingState {
    return captureState(model, this.options.includeOptimizer ? optimizer : null);
  }

  async #keep(trained: Trained, record: EpochRecord): Promise<void> {
    const state = this.#capture(trained);
    try {
      if (this.#store !== null) {
        const { monitor, mode } = this.options;
        const history = [...this.#history, record];
        const checkpoint = await encodeCheckpoint(state, trained.model, { monitor, mode, record, history });
        await this.#store.save(checkpoint);
        const { checksum } = checkpoint.metadata[METADATA_KEY] as { checksum: string };
        this.#storedChecksum = checksum;
      }
    } catch (error) {
      disposeState(state);
      throw error;
    }
    this.#best = record;
    const isHeld = this.#store === null || this.options.restoreBestWeights;
    // It may have been disposed while the store was busy.
    if (isHeld && this.#isOpen) this.#hold(state);
    else disposeState(state);
  }

  async #announce(record: EpochRecord): Promise<void> {
    if (this.options.verbose === 1) {
      const place = this.#store?.name ?? 'memory';
      // eslint-disable-next-line no-console -- what `verbose: 1` asks for
      console.log(
        `[entropy-checkpoint] epoch ${record.epoch}: ${this.options.monitor} ${record.value?.toPrecision(5) ?? ''} ` +
          `is the best so far, saved to ${place}`,
      );
    }
    await this.options.onBest?.(record);
  }

  #hold(state: TrainingState): void {
    this.#release();
    this.#held = state;
  }

  #release(): void {
    if (this.#held !== null) disposeState(this.#held);
    this.#held = null;
  }

  async #withStored<T>(use: (checkpoint: DecodedCheckpoint | null) => T): Promise<T> {
    const stored = await this.#store?.load();
    if (stored == null) return use(null);
    return withCheckpoint(stored, this.#store?.name ?? '', use);
  }

  #checkMonitor({ monitor, mode }: DecodedCheckpoint): void {
    if (monitor === this.options.monitor && mode === this.options.mode) return;
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_OPTION',
      `Expected \`monitor: '${monitor}', mode: '${mode}'\`, with which ${this.#store?.name ?? ''} was written, ` +
        `got '${this.options.monitor}' and '${this.options.mode}': the epochs could not be compared.`,
    );
  }

  #replaced(): EntropyCheckpointError {
    return new EntropyCheckpointError(
      'ENTROPY_CHECKPOINT_REPLACED',
      `Expected ${this.#store?.name ?? ''} to hold the best epoch of this instance, got that of another training ` +
        '(or nothing). Use `loadCheckpoint(source)` to load whatever is there.',
    );
  }
}

function notCompiled(source: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_OPTIMIZER_MISMATCH',
    `Expected a model that is compiled, as ${source} holds the state of an optimizer, got one without. ` +
      'Compile it before `resume`.',
  );
}

function noBest(epochs: number): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_NO_BEST',
    epochs === 0
      ? 'There is no best epoch yet: no epoch has ended.'
      : `There is no best epoch: of ${epochs} none could be chosen (see \`history\`, \`startFromEpoch\`, ` +
          '`initialThreshold`), or this instance has been disposed.',
  );
}
