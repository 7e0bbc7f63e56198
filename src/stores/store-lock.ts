import { EntropyCheckpointError } from '../errors.js';

/** Releases a lock. Resolves when another can acquire it, and never rejects. */
export type Release = () => Promise<void>;

/** What the stores of this thread run on one location. */
interface LockQueue {
  /** Which lock is held now. */
  holder: StoreLock | null;
  /** Each turn starts when the one before it has ended. */
  lastTurn: Promise<void>;
  pendingTurns: number;
}

/** The queues with a holder or pending turns, by key. */
const queues = new Map<unknown, LockQueue>();

/**
 * Locks a store's location: for one training at a time, and for one save at a time in this thread. The lock is held
 * until everything that was started under it has ended.
 */
export class StoreLock {
  readonly #name: string;
  readonly #key: unknown;
  readonly #acquireOuterLock: () => Promise<Release | null>;
  /** Identifies the training that opens the lock or has it open. */
  #training: object | null = null;
  /** Whether the turn to open has started. */
  #isOpen = false;
  #releaseOuterLock: Release | null = null;
  #pendingTurns = 0;

  /**
   * @param name the store's name, for messages.
   * @param key equal, by `===`, for stores of the same location.
   * @param acquireOuterLock acquires a lock against other threads; null while one of them holds it.
   */
  constructor(name: string, key: unknown, acquireOuterLock: () => Promise<Release | null> = noOuterLock) {
    this.#name = name;
    this.#key = key;
    this.#acquireOuterLock = acquireOuterLock;
  }

  /**
   * Holds the lock until `close`.
   *
   * @param prepare runs once the lock is held. If it fails, the lock is released.
   * @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE`, also where this object itself is open: a user may have given
   *   one store to two trainings.
   */
  async open(prepare: () => Promise<void>): Promise<void> {
    if (this.#training !== null) throw this.#inUse('');
    const training = {};
    this.#training = training;
    try {
      await this.run(() => {
        this.#isOpen = this.#training === training;
        return prepare();
      });
    } catch (error) {
      if (this.#training === training) this.close();
      throw error;
    }
  }

  /**
   * Runs `action` once everything that was started on this location has ended. If the lock isn't open, it is held for
   * this action only.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE`.
   */
  async run<T>(action: () => Promise<T>): Promise<T> {
    this.#refuseOther(queues.get(this.#key));
    this.#pendingTurns++;
    return this.#inTurn(async (queue) => {
      try {
        await this.#acquire(queue);
        return await action();
      } finally {
        this.#pendingTurns--;
        if (this.#training === null && this.#pendingTurns === 0) await this.#release(queue);
      }
    });
  }

  /** Resolves when everything that this thread has started on this location has succeeded or failed. */
  async settled(): Promise<void> {
    await queues.get(this.#key)?.lastTurn;
  }

  /** Releases the lock once everything that was started under it has ended. Idempotent. */
  close(): void {
    this.#training = null;
    this.#isOpen = false;
    void this.#inTurn(async (queue) => {
      if (this.#training === null && this.#pendingTurns === 0) await this.#release(queue);
    });
  }

  #inTurn<T>(action: (queue: LockQueue) => Promise<T>): Promise<T> {
    const queue = queues.get(this.#key) ?? { holder: null, lastTurn: Promise.resolve(), pendingTurns: 0 };
    queues.set(this.#key, queue);
    queue.pendingTurns++;
    const result = queue.lastTurn.then(() => action(queue));
    const end = () => {
      if (--queue.pendingTurns === 0 && queue.holder === null) queues.delete(this.#key);
    };
    queue.lastTurn = result.then(end, end);
    return result;
  }

  async #acquire(queue: LockQueue): Promise<void> {
    if (queue.holder === this) return;
    this.#refuseOther(queue);
    // The holder is closed, but has saves queued after this turn. It acquires the lock again for them.
    if (queue.holder !== null) await queue.holder.#release(queue);
    this.#releaseOuterLock = await this.#acquireOuterLock();
    if (this.#releaseOuterLock === null) throw this.#inUse(' in another tab or worker');
    queue.holder = this;
  }

  #refuseOther(queue: LockQueue | undefined): void {
    const holder = queue?.holder ?? this;
    if (holder !== this && holder.#isOpen) throw this.#inUse('');
  }

  async #release(queue: LockQueue): Promise<void> {
    if (queue.holder !== this) return;
    await this.#releaseOuterLock?.();
    queue.holder = null;
  }

  #inUse(where: string): EntropyCheckpointError {
    return new EntropyCheckpointError(
      'ENTROPY_STORE_IN_USE',
      `Another training${where} writes to ${this.#name}. Give this one another \`filepath\`, or end the other first.`,
    );
  }
}

function noOuterLock(): Promise<Release> {
  return Promise.resolve(() => Promise.resolve());
}
