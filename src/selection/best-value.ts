import { isImprovement, type Comparison } from './improvement.js';

/** What decides whether a value is better. */
export interface BestValueOptions extends Comparison {
  /** In the unit of the value: an improvement must be larger. */
  readonly minDelta: number;
  /** Earlier epochs can't be the best. */
  readonly startFromEpoch: number;
  /** The first best value must beat it; null: any value counts. */
  readonly initialThreshold: number | null;
  /** In epochs: after that many without a better one, none can be the best any more. `Infinity`: never. */
  readonly patience: number;
}

/**
 * The best value so far. Pure numbers: `add` takes the value of each epoch, in order.
 *
 * A value is better if it improves on the best by more than `minDelta` and by more than float32 sums round, so the
 * earlier of two equal values stays.
 * NaN and ±Infinity are never the best and never block.
 */
export class BestValue {
  readonly #options: BestValueOptions;
  #best: number | null;
  #hasBest = false;
  #eligibleEpochs = 0;
  #firstIsBest = false;
  #epochsSinceBest = 0;

  constructor(options: BestValueOptions) {
    this.#options = options;
    this.#best = options.initialThreshold;
  }

  /** How many epochs could have become the best. */
  get eligibleEpochs(): number {
    return this.#eligibleEpochs;
  }

  /** Whether the best epoch is the first that could become it. */
  get firstIsBest(): boolean {
    return this.#firstIsBest;
  }

  /** Whether the choice is made: no later epoch can be the best. */
  get isDecided(): boolean {
    return this.#hasBest && this.#epochsSinceBest >= this.#options.patience;
  }

  /** Whether a value of `epoch` would be the best. Changes nothing. */
  isBetter(epoch: number, value: number | null): value is number {
    if (!this.isEligible(epoch, value)) return false;
    if (this.#best === null) return true;
    return isImprovement(value, this.#best, this.#options, this.#options.minDelta);
  }

  /** Whether `epoch` could be the best if its value were good enough. */
  isEligible(epoch: number, value: number | null): value is number {
    if (this.isDecided || epoch < this.#options.startFromEpoch) return false;
    return value !== null && Number.isFinite(value);
  }

  /** Takes an epoch into account. @param value null if it has none. */
  add(epoch: number, value: number | null): void {
    if (!this.isEligible(epoch, value)) return;
    this.#count(value, this.isBetter(epoch, value));
  }

  /**
   * Takes over an epoch of a training that is resumed. Whether it was the best is a fact: that training may have had
   * other options.
   */
  adopt(epoch: number, value: number | null, isBest: boolean): void {
    const isCounted = isBest || epoch >= this.#options.startFromEpoch;
    if (isCounted && value !== null && Number.isFinite(value)) this.#count(value, isBest);
  }

  #count(value: number, isBetter: boolean): void {
    this.#eligibleEpochs += 1;
    this.#epochsSinceBest = isBetter ? 0 : this.#epochsSinceBest + 1;
    if (!isBetter) return;
    this.#best = value;
    this.#hasBest = true;
    this.#firstIsBest = this.#eligibleEpochs === 1;
  }
}
