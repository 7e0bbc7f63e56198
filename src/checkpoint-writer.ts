import { EntropyCheckpointError } from './errors.js';
import type { EpochRecord } from './epoch-record.js';
import { encodeCheckpoint, type CheckpointDescription, type Snapshot } from './state/encode-checkpoint.js';
import { disposeState, type TrainingState } from './state/training-state.js';
import type { CheckpointStore, Placement } from './stores/store.js';
import { textOf, warn } from './warnings.js';

/** An epoch that is to be stored. */
export interface WriteJob {
  readonly description: CheckpointDescription;
  readonly placement: Placement;
  /** The writer's from when it is given the job. */
  readonly snapshot: Snapshot;
}

interface Failure {
  readonly job: WriteJob;
  readonly error: EntropyCheckpointError;
  /** By `flush`; by a warning it is at once. */
  isReported: boolean;
}

/**
 * Writes epochs to a store while training goes on: one at a time, and one may wait.
 *
 * What waits is replaced by what is newer, where that goes into all of its slots. What could not be written
 * waits as well, until then or until `flush` is called once more.
 */
export class CheckpointWriter {
  readonly #store: CheckpointStore;
  readonly #isDeferred: boolean;
  readonly #onStored: (record: EpochRecord, checksum: string) => void;
  #waiting: WriteJob | null = null;
  #writing: Promise<unknown> | null = null;
  #failure: Failure | null = null;
  #isDisposed = false;

  /**
   * @param isDeferred whether to write in `flush` and `end` alone.
   * @param onStored is told what has reached the store, and its checksum.
   */
  constructor(
    store: CheckpointStore,
    isDeferred: boolean,
    onStored: (record: EpochRecord, checksum: string) => void,
  ) {
    this.#store = store;
    this.#isDeferred = isDeferred;
    this.#onStored = onStored;
  }

  /** Whether nothing would be lost if such a job took the place of what waits. */
  accepts(placement: Placement): boolean {
    return this.#waiting === null || covers(placement, this.#waiting.placement);
  }

  /** Takes a job in place of the one that waits. */
  enqueue(job: WriteJob): void {
    this.#isDisposed = false;
    this.#dropWaiting();
    this.#waiting = job;
    if (!this.#isDeferred) this.#start();
  }

  /** Tries what has failed again, beside the training. */
  retry(): void {
    if (!this.#isDeferred) this.#start();
  }

  /** Resolves when nothing waits. What has failed before is tried once more, and then given up. */
  async vacate(): Promise<void> {
    while (this.#hasFresh()) await this.#next();
    if (this.#waiting === null) return;
    await this.#next();
    this.#dropWaiting();
  }

  /** Resolves when all is written or has failed. */
  async drain(): Promise<void> {
    while (this.#writing !== null || this.#hasFresh()) await this.#next();
  }

  /**
   * Resolves when all is written. Called again after it has thrown, it tries again.
   *
   * @throws EntropyCheckpointError that of a write which has failed since, unless something better has been
   *   stored instead.
   */
  async flush(): Promise<void> {
    await this.drain();
    if (this.#failure?.isReported === true && this.#waiting === this.#failure.job) {
      this.#start();
      await this.drain();
    }
    if (this.#failure === null) return;
    this.#failure.isReported = true;
    throw this.#failure.error;
  }

  /** The state of an epoch that could not be stored and is still here; null for any other. */
  stateOf(record: EpochRecord): TrainingState | null {
    return this.#waiting?.description.record === record ? this.#waiting.snapshot.state : null;
  }

  /** Hands over what waits, and gives the store back once that is written. Idempotent. */
  end(): void {
    if (this.#hasFresh()) {
      const job = this.#waiting!;
      this.#waiting = null;
      // At once: the store writes one after the other, and keeps others out until all is done.
      this.#track(Promise.all([this.#writing, this.#write(job)]));
    }
    this.#store.close();
  }

  /** Frees what has failed, and what is yet to be written as soon as it is. */
  dispose(): void {
    this.#isDisposed = true;
    if (this.#writing === null) this.#dropWaiting();
  }

  /** Whether something waits that has not failed. */
  #hasFresh(): boolean {
    return this.#waiting !== null && this.#waiting !== this.#failure?.job;
  }

  /** Resolves when one write has ended. */
  async #next(): Promise<void> {
    this.#start();
    await this.#writing;
  }

  #start(): void {
    if (this.#writing !== null || this.#waiting === null) return;
    const job = this.#waiting;
    this.#waiting = null;
    this.#track(this.#write(job));
  }

  #track(writing: Promise<unknown>): void {
    const tracked = writing.then(() => {
      if (this.#writing !== tracked) return;
      this.#writing = null;
      if (this.#isDisposed) this.#dropWaiting();
      else if (this.#hasFresh() && !this.#isDeferred) this.#start();
    });
    this.#writing = tracked;
  }

  /** Never rejects. */
  async #write(job: WriteJob): Promise<void> {
    const { record } = job.description;
    try {
      const checkpoint = encodeCheckpoint(job.snapshot, job.description);
      await this.#store.save(checkpoint, job.placement);
      disposeState(job.snapshot.state);
      this.#makeGood(job);
      this.#onStored(record, checkpoint.checksum ?? '');
    } catch (cause) {
      this.#fail(job, asStoreError(cause, this.#store.name));
    }
  }

  #makeGood(stored: WriteJob): void {
    if (this.#failure === null) return;
    const { job } = this.#failure;
    // An older best must not be written over a newer one.
    const isOlder = job !== stored && isBest(job) && isBest(stored);
    if (isOlder && this.#waiting === job) this.#dropWaiting();
    if (covers(stored.placement, job.placement)) this.#failure = null;
  }

  #fail(job: WriteJob, error: EntropyCheckpointError): void {
    if (this.#failure === null) {
      warn(
        `Epoch ${job.description.record.epoch} could not be stored, training goes on: ${textOf(error)} What was stored ` +
          'before is still there.',
      );
    }
    this.#failure = { job, error, isReported: false };
    // What goes on waiting is the newer of two, but the latest epoch alone does not push out a better one.
    if (this.#waiting !== null && (!isLatestAlone(this.#waiting) || isLatestAlone(job))) {
      disposeState(job.snapshot.state);
    } else {
      this.#dropWaiting();
      this.#waiting = job;
    }
  }

  #dropWaiting(): void {
    if (this.#waiting !== null) disposeState(this.#waiting.snapshot.state);
    this.#waiting = null;
  }
}

/** Whether what goes into the slots of `older` is replaced by what goes into those of `newer`. */
function covers(newer: Placement, older: Placement): boolean {
  return older.into.every((slot) => newer.into.includes(slot));
}

function isBest({ placement }: WriteJob): boolean {
  return placement.into.includes('best');
}

function isLatestAlone({ placement }: WriteJob): boolean {
  return placement.into.every((slot) => slot === 'last');
}

function asStoreError(cause: unknown, store: string): EntropyCheckpointError {
  if (cause instanceof EntropyCheckpointError) return cause;
  return new EntropyCheckpointError('ENTROPY_STORE_FAILED', `Could not save to ${store}: ${String(cause)}`, {
    cause,
  });
}
