import { EntropyCheckpointError } from './errors.js';

/** The monitors that this package computes by itself. */
export const ENTROPY_MONITORS = ['entropy', 'train_entropy', 'val_entropy'] as const;

export function isEntropyMonitor(name: string): boolean {
  return (ENTROPY_MONITORS as readonly string[]).includes(name);
}

export interface MonitorOptions {
  readonly mode: 'max' | 'min';
  readonly minDelta: number;
  readonly startFromEpoch: number;
  readonly initialThreshold: number | null;
  /** After so many eligible epochs without a better one, no later epoch is eligible; null: never. */
  readonly patience: number | null;
}

/**
 * Which epoch is the best so far. Pure numbers: it is told a value an epoch and answers.
 *
 * A value is better if it improves on the best by more than `minDelta`. What is not a finite number is
 * never best and never blocks.
 */
export class Monitor {
  readonly #options: MonitorOptions;
  #best: number | null;
  #eligibleEpochs = 0;
  #firstIsBest = false;
  #sinceBest = 0;

  constructor(options: MonitorOptions) {
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

  /** Whether the choice is made, so that no later epoch can be the best. */
  get hasDecided(): boolean {
    const { patience } = this.#options;
    return patience !== null && this.#sinceBest >= patience;
  }

  /** Whether a value of `epoch` would be the best. Changes nothing. */
  isBetter(epoch: number, value: number | null): value is number {
    if (!this.isEligible(epoch, value)) return false;
    if (this.#best === null) return true;
    const gain = this.#options.mode === 'max' ? value - this.#best : this.#best - value;
    return gain > this.#options.minDelta;
  }

  /** Takes note of an epoch, after whatever was to be done for a better one is done. */
  accept(epoch: number, value: number | null): void {
    if (!this.isEligible(epoch, value)) return;
    const isBetter = this.isBetter(epoch, value);
    this.#eligibleEpochs += 1;
    this.#sinceBest = isBetter ? 0 : this.#sinceBest + 1;
    if (!isBetter) return;
    this.#best = value;
    this.#firstIsBest = this.#eligibleEpochs === 1;
  }

  /** Whether `epoch` could be the best, were its value good enough. */
  isEligible(epoch: number, value: number | null): value is number {
    if (this.hasDecided || epoch < this.#options.startFromEpoch) return false;
    return value !== null && Number.isFinite(value);
  }
}

/**
 * The direction in which a monitored value improves.
 *
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` for a name whose direction is not known.
 */
export function directionOf(monitor: string): 'max' | 'min' {
  if (isEntropyMonitor(monitor)) return 'max';
  // `val_out1_acc_1`: of validation, of one of several outputs, one of two of the same name.
  const words = monitor.toLowerCase().replace(/_\d+$/, '').split('_');
  const last = words.at(-1) ?? '';
  if (/^(acc|precision|recall|auc)$|accuracy$/.test(last)) return 'max';
  if (/^(loss|mse|mae|mape|ce|msle)$|error$|crossentropy$/.test(last)) return 'min';
  throw new EntropyCheckpointError(
    'ENTROPY_INVALID_OPTION',
    `Cannot tell whether a larger or a smaller "${monitor}" is better. Set \`mode: 'max'\` or \`mode: 'min'\`.`,
  );
}
