import { EntropyCheckpointError } from '../../errors.js';
import { randomId } from '../../platform/random-id.js';
import type { CheckpointSlot } from '../store.js';
import {
  encodeIndex,
  INDEX_NAME,
  readIndex,
  type CheckpointIndex,
  type IndexedCheckpoint,
  type ReadIndex,
} from './checkpoint-index.js';
import type { S3Folder } from './s3-folder.js';

export type IndexedSlots = ReadonlyMap<CheckpointSlot, IndexedCheckpoint>;

/** An object that tells the time of the store, by when it was written. */
export const CLOCK_NAME = '.entropy-checkpoint.clock';

/** No store gives it to an object. */
const NO_ETAG = '"00000000000000000000000000000000"';
/** How often a write is tried whose condition isn't met although nobody else has written. */
const MAX_TRIES = 8;
/** Stores tell times in whole seconds. */
const CLOCK_STEP_MS = 1000;

/**
 * The right to change what a prefix holds.
 *
 * The index names the holder. Each write of it has the entity tag of the last one as its condition. So whoever takes
 * the lease over changes the tag, and the former holder can commit no more, however late its requests arrive: no clock
 * decides that. A clock only decides when a lease may be taken over: when the index is older than the lease, both times
 * by the clock of the store. The holder writes the index now and then to show that it lives.
 */
export class S3Lease {
  readonly #folder: S3Folder;
  readonly #owner: string;
  readonly #leaseSeconds: number;
  #slots: IndexedSlots;
  #etag: string | null;
  #revision = 0;
  /** Set once another training has taken over. */
  #loss: EntropyCheckpointError | null = null;
  /** Each write starts when the one before it has ended. */
  #lastWrite: Promise<unknown> = Promise.resolve();
  #writtenAtMs = 0;
  #heartbeat: ReturnType<typeof setInterval> | undefined;

  private constructor(folder: S3Folder, leaseSeconds: number, found: ReadIndex | null) {
    this.#folder = folder;
    this.#leaseSeconds = leaseSeconds;
    this.#owner = randomId();
    this.#slots = found?.slots ?? new Map();
    this.#etag = found?.etag ?? null;
  }

  /**
   * Takes the lease, and makes sure that the store heeds conditions.
   *
   * @returns the lease, and whether there was an index before.
   * @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE`, `ENTROPY_NOT_A_CHECKPOINT`, `ENTROPY_STORE_FAILED`.
   */
  static async acquire(
    folder: S3Folder,
    leaseSeconds: number,
  ): Promise<{ readonly lease: S3Lease; readonly hadIndex: boolean }> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const found = await readIndex(folder);
      if (found !== null) {
        await refuseIfHeld(folder, found);
        await refuseWithoutConditions(folder, found.bytes);
      }
      const lease = new S3Lease(folder, leaseSeconds, found);
      if (!(await lease.#tryToTake())) continue;
      if (found === null) await lease.#refuseWithoutConditions();
      lease.#startHeartbeat();
      return { lease, hadIndex: found !== null };
    }
    throw inUse(folder, 'Another training is taking it over.');
  }

  /** What is stored, as this holder left it. */
  get slots(): IndexedSlots {
    return this.#slots;
  }

  /**
   * Replaces the slots, all at once. When it rejects, either the old ones or the new ones are stored.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE` once another training has taken over; `ENTROPY_STORE_FAILED`.
   */
  async commit(slots: IndexedSlots): Promise<void> {
    await this.#inTurn(() => this.#write(slots));
  }

  /** Makes sure that the lease is held for a while. @throws EntropyCheckpointError as `commit` does. */
  async confirm(): Promise<void> {
    if (this.#loss !== null) throw this.#loss;
    if (!this.#isRecent()) await this.renew();
  }

  /** Shows that the holder lives, and makes sure that nobody has taken over. @throws EntropyCheckpointError as `commit` does. */
  async renew(): Promise<void> {
    await this.#inTurn(() => this.#write(this.#slots));
  }

  /** Releases the lease. If that fails, it ends by itself. Never rejects. */
  async release(): Promise<void> {
    clearInterval(this.#heartbeat);
    if (this.#loss !== null) return;
    await this.#inTurn(() => this.#write(this.#slots, null)).catch(() => undefined);
  }

  /** Whether a write has shown lately that this holder lives. By a clock that nobody sets. */
  #isRecent(): boolean {
    return performance.now() - this.#writtenAtMs < (this.#leaseSeconds * 1000) / 3;
  }

  #startHeartbeat(): void {
    const intervalMs = (this.#leaseSeconds * 1000) / 3;
    this.#heartbeat = setInterval(() => {
      // The next save reports a loss.
      this.confirm().catch(() => undefined);
    }, intervalMs);
    // In Node it must not keep the process alive.
    (this.#heartbeat as { unref?: () => void }).unref?.();
  }

  async #inTurn<T>(write: () => Promise<T>): Promise<T> {
    const result = this.#lastWrite.then(write);
    this.#lastWrite = result.catch(() => undefined);
    return result;
  }

  #next(slots: IndexedSlots, owner: string | null): CheckpointIndex {
    return { owner, leaseSeconds: this.#leaseSeconds, revision: ++this.#revision, slots };
  }

  #put(index: CheckpointIndex): Promise<string | null> {
    return this.#folder.put(
      INDEX_NAME,
      encodeIndex(index),
      this.#etag === null ? 'absent' : { etag: this.#etag },
    );
  }

  /** @returns false if another was faster. */
  async #tryToTake(): Promise<boolean> {
    const index = this.#next(this.#slots, this.#owner);
    const startedAtMs = performance.now();
    const etag = await this.#put(index).catch(async (error: unknown) => {
      // The answer may be lost, but not the write.
      const found = await readIndex(this.#folder).catch(() => null);
      if (found?.owner === this.#owner) return found.etag;
      throw error;
    });
    if (etag !== null) return this.#wrote(index, etag, startedAtMs);
    const found = await readIndex(this.#folder);
    return found?.owner === this.#owner && this.#wrote(index, found.etag, startedAtMs);
  }

  #wrote({ slots }: CheckpointIndex, etag: string, startedAtMs: number): true {
    this.#slots = slots;
    this.#etag = etag;
    this.#writtenAtMs = startedAtMs;
    return true;
  }

  async #write(slots: IndexedSlots, owner: string | null = this.#owner): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      if (this.#loss !== null) throw this.#loss;
      const index = this.#next(slots, owner);
      const startedAtMs = performance.now();
      let failure: Error | undefined;
      const etag = await this.#put(index).catch((error: unknown) => {
        failure = error as Error;
        return null;
      });
      if (etag !== null) {
        this.#wrote(index, etag, startedAtMs);
        return;
      }
      // Either the condition isn't met, or the answer is lost. The write itself, or one before it whose answer was lost,
      // may have come through; or another training has taken over.
      const found = await readIndex(this.#folder).catch((error: unknown) => {
        throw failure ?? (error as Error);
      });
      if (
        found !== null &&
        found.owner !== this.#owner &&
        (owner !== null || found.revision !== index.revision)
      ) {
        throw this.#lose();
      }
      // Whoever removed the index has emptied the prefix: a commit writes it anew.
      this.#etag = found?.etag ?? null;
      this.#slots = found?.slots ?? new Map();
      if (found?.revision === index.revision) {
        this.#writtenAtMs = startedAtMs;
        return;
      }
      if (failure !== undefined) throw failure;
    }
    throw new EntropyCheckpointError(
      'ENTROPY_STORE_FAILED',
      `Could not write ${this.#folder.urlOf(INDEX_NAME)}: expected its condition to be met, as nobody else has written it, ` +
        `got a refusal ${MAX_TRIES} times.`,
    );
  }

  #lose(): EntropyCheckpointError {
    clearInterval(this.#heartbeat);
    this.#loss = inUse(
      this.#folder,
      `It took the lease over, since this one was not heard of for ${this.#leaseSeconds} seconds.`,
    );
    return this.#loss;
  }

  /** For a new index. It is removed again. */
  async #refuseWithoutConditions(): Promise<void> {
    try {
      await refuseWithoutConditions(this.#folder, encodeIndex(this.#next(this.#slots, this.#owner)));
    } catch (error) {
      await this.#folder.remove([INDEX_NAME]).catch(() => undefined);
      throw error;
    }
  }
}

async function refuseIfHeld(folder: S3Folder, found: ReadIndex): Promise<void> {
  if (found.owner === null) return;
  const ageMs = (await storeTimeMs(folder)) - found.lastModifiedMs;
  const leftMs = found.leaseSeconds * 1000 + CLOCK_STEP_MS - ageMs;
  if (leftMs <= 0) return;
  const seconds = Math.ceil(leftMs / 1000);
  throw inUse(
    folder,
    `If it has died, this prefix is free in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`,
  );
}

/** The time by the clock of the store: that of this computer may differ. */
async function storeTimeMs(folder: S3Folder): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    await folder.put(CLOCK_NAME, new Uint8Array([0]), 'any');
    // Another that opens the store may remove it in between.
    const clock = await folder.get(CLOCK_NAME, 1);
    if (clock === null) continue;
    await folder.remove([CLOCK_NAME]);
    return clock.lastModifiedMs;
  }
  throw inUse(folder, 'Several trainings want to take it over.');
}

/** @param content what the index holds now: a store that doesn't heed conditions leaves it as it is. */
async function refuseWithoutConditions(folder: S3Folder, content: Uint8Array): Promise<void> {
  const [created, replaced] = [
    await folder.put(INDEX_NAME, content, 'absent'),
    await folder.put(INDEX_NAME, content, { etag: NO_ETAG }),
  ];
  if (created === null && replaced === null) return;
  const header = created === null ? 'If-Match' : 'If-None-Match';
  throw new EntropyCheckpointError(
    'ENTROPY_STORE_FAILED',
    `Use another store than ${folder.name}: expected a write with \`${header}\` to be refused (412), but it came through. ` +
      'Without conditions, two trainings could overwrite each other.',
  );
}

function inUse(folder: S3Folder, more: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_STORE_IN_USE',
    `Another training writes to ${folder.name}. ${more} Give this one another \`prefix\`, or end the other first.`,
  );
}
