/** How often a state is kept within an epoch. `Infinity`: never for that reason. */
export interface SaveIntervals {
  readonly everySeconds: number;
  readonly everyBatches: number;
}

/** Says after which batches a state is kept. */
export class SaveSchedule {
  readonly #intervals: SaveIntervals;
  readonly #nowMs: () => number;
  #savedMs: number;

  /** @param nowMs a clock, in milliseconds; it may begin anywhere. */
  constructor(intervals: SaveIntervals, nowMs: () => number = () => performance.now()) {
    this.#intervals = intervals;
    this.#nowMs = nowMs;
    this.#savedMs = nowMs();
  }

  /** @param numBatches how many batches of the epoch have ended. */
  isDue(numBatches: number): boolean {
    const { everySeconds, everyBatches } = this.#intervals;
    return numBatches % everyBatches === 0 || this.#nowMs() - this.#savedMs >= everySeconds * 1000;
  }

  /** A state is kept now: the time to the next one begins. */
  saved(): void {
    this.#savedMs = this.#nowMs();
  }
}
