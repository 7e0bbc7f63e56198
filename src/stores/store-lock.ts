import { EntropyCheckpointError } from '../errors.js';

/** Gives a lock back; resolves when another can have it, and never rejects. */
export type Release = () => Promise<void>;

/** What stores of this thread do at one place. */
interface Place {
  /** Who has the place now. */
  holder: StoreLock | null;
  /** Each turn begins when the one before it has ended. */
  lastTurn: Promise<void>;
  pendingTurns: number;
}

/** Those that are held or waited for. */
const places = new Map<unknown, Place>();

/**
 * What a store uses its place by: one training at a time, one save at a time in this thread, and the place
 * stays claimed until what has been begun there has ended.
 */
export class StoreLock {
  readonly #name: string;
  readonly #key: unknown;
  readonly #lock: () => Promise<Release | null>;
  /** Of the training that opens it or has it open. */
  #training: object | null = null;
  /** Whether its turn to open has come. */
  #isOpen = false;
  #release: Release | null = null;
  #pendingTurns = 0;

  /**
   * @param name for messages.
   * @param key equal for stores of the same place, by `===`.
   * @param lock against others than this thread; null while one of them has it.
   */
  constructor(name: string, key: unknown, lock: () => Promise<Release | null> = noLock) {
    this.#name = name;
    this.#key = key;
    this.#lock = lock;
  }

  /**
   * Claims the place until `close`.
   *
   * @param prepare run once the place is claimed; if it fails, the place is given back.
   * @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE`, also where this claim itself is open: one store
   *   may have been given to two trainings.
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
   * Runs `action` when all that was begun at this place has ended. Where it is not open, it is claimed
   * meanwhile.
   *
   * @throws EntropyCheckpointError `ENTROPY_STORE_IN_USE`.
   */
  async run<T>(action: () => Promise<T>): Promise<T> {
    this.#refuseOther(places.get(this.#key));
    this.#pendingTurns++;
    return this.#inTurn(async (place) => {
      try {
        await this.#acquire(place);
        return await action();
      } finally {
        this.#pendingTurns--;
        if (this.#training === null && this.#pendingTurns === 0) await this.#giveBack(place);
      }
    });
  }

  /** Resolves when all that this thread has begun at this place has ended, in whatever way. */
  async settled(): Promise<void> {
    await places.get(this.#key)?.lastTurn;
  }

  /** Gives the place back, once what has been begun has ended. Idempotent. */
  close(): void {
    this.#training = null;
    this.#isOpen = false;
    void this.#inTurn(async (place) => {
      if (this.#training === null && this.#pendingTurns === 0) await this.#giveBack(place);
    });
  }

  #inTurn<T>(action: (place: Place) => Promise<T>): Promise<T> {
    const place = places.get(this.#key) ?? { holder: null, lastTurn: Promise.resolve(), pendingTurns: 0 };
    places.set(this.#key, place);
    place.pendingTurns++;
    const result = place.lastTurn.then(() => action(place));
    const end = () => {
      if (--place.pendingTurns === 0 && place.holder === null) places.delete(this.#key);
    };
    place.lastTurn = result.then(end, end);
    return result;
  }

  async #acquire(place: Place): Promise<void> {
    if (place.holder === this) return;
    this.#refuseOther(place);
    // Closed, but it has saves that come after this turn, and claims the place anew for them.
    if (place.holder !== null) await place.holder.#giveBack(place);
    this.#release = await this.#lock();
    if (this.#release === null) throw this.#inUse(' in another tab or worker');
    place.holder = this;
  }

  #refuseOther(place: Place | undefined): void {
    const holder = place?.holder ?? this;
    if (holder !== this && holder.#isOpen) throw this.#inUse('');
  }

  async #giveBack(place: Place): Promise<void> {
    if (place.holder !== this) return;
    await this.#release?.();
    place.holder = null;
  }

  #inUse(where: string): EntropyCheckpointError {
    return new EntropyCheckpointError(
      'ENTROPY_STORE_IN_USE',
      `Another training${where} writes to ${this.#name}. Give this one another \`filepath\`, or end the other first.`,
    );
  }
}

function noLock(): Promise<Release> {
  return Promise.resolve(() => Promise.resolve());
}
