/**
 * Writes items one after the other while training continues. Before each write it asks which item is next, so it needs no
 * queue.
 */
export class BackgroundWriter<Item> {
  readonly #next: (attempted: ReadonlySet<Item>) => Item | null;
  readonly #write: (item: Item) => Promise<boolean>;
  #isRunning = false;
  #round: Promise<void> = Promise.resolve();
  #current: Promise<unknown> = Promise.resolve();

  /**
   * @param next returns the item to write next, other than those attempted in this round; null for none.
   * @param write resolves to whether the item was stored; must never reject.
   */
  constructor(next: (attempted: ReadonlySet<Item>) => Item | null, write: (item: Item) => Promise<boolean>) {
    this.#next = next;
    this.#write = write;
  }

  /** Begins to write, unless it's writing already. Stops at the first failure, until it's started again. */
  start(): void {
    if (!this.#isRunning) this.#round = this.#writeRound(true);
  }

  /** Attempts to write each item once, also after failures. Resolves when all attempts have ended. */
  async writeAll(): Promise<void> {
    // Not by `settled`: nothing may start another round between the check and this one.
    while (this.#isRunning) await this.#round;
    this.#round = this.#writeRound(false);
    await this.#round;
  }

  /** Resolves when nothing is being written: everything is stored, or a write has failed. */
  async settled(): Promise<void> {
    while (this.#isRunning) await this.#round;
  }

  /** Resolves when the current write has ended. */
  async written(): Promise<void> {
    await this.#current;
  }

  async #writeRound(stopsAtFailure: boolean): Promise<void> {
    const attempted = new Set<Item>();
    this.#isRunning = true;
    for (let item = this.#next(attempted); item !== null; item = this.#next(attempted)) {
      attempted.add(item);
      const writing = this.#write(item);
      this.#current = writing;
      if (!(await writing) && stopsAtFailure) break;
    }
    this.#isRunning = false;
  }
}
