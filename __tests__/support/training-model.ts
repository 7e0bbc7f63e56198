import type { CheckpointSlot } from '../../src/stores/store.js';

/** An epoch, as the model knows it. */
export interface ModelEpoch {
  /** Tells it from the epochs of all trainings of a test. */
  readonly serial: number;
  readonly epoch: number;
  readonly value: number;
  readonly isBest: boolean;
}

export interface ModelOptions {
  readonly maxToKeep: number;
  readonly keepEvery?: number;
  readonly saveLast: boolean;
  readonly initialThreshold: number;
}

/** What a training should have selected, in a few lines: an independent account of `EpochSelector` and the slot policy. */
export class TrainingModel {
  readonly epochs: ModelEpoch[];
  /** The best epochs, best first; the earlier of equal ones first. */
  kept: ModelEpoch[];
  /** Those kept because of their number. */
  readonly periodic: ModelEpoch[];
  readonly #options: ModelOptions;

  constructor(
    options: ModelOptions,
    epochs: readonly ModelEpoch[] = [],
    kept: readonly ModelEpoch[] = [],
    periodic: readonly ModelEpoch[] = [],
  ) {
    this.#options = options;
    this.epochs = [...epochs];
    this.kept = [...kept];
    this.periodic = [...periodic];
    this.#rank();
  }

  get best(): ModelEpoch | null {
    return this.kept[0] ?? null;
  }

  add(serial: number, value: number): ModelEpoch {
    const isBest = value > (this.best?.value ?? this.#options.initialThreshold);
    const added = { serial, epoch: this.epochs.length, value, isBest };
    this.epochs.push(added);
    if (isBest || this.best !== null) this.kept.push(added);
    const { keepEvery = Infinity } = this.#options;
    if ((added.epoch + 1) % keepEvery === 0) this.periodic.push(added);
    this.#rank();
    return added;
  }

  /** The serial that each slot should hold. @param isOfOther whether only a best epoch may be stored. */
  wanted(isOfOther: boolean): Map<CheckpointSlot, number> {
    const { maxToKeep, saveLast } = this.#options;
    const slots = new Map<CheckpointSlot, number>();
    if (this.best !== null) slots.set('best', this.best.serial);
    if (maxToKeep > 1) for (const { epoch, serial } of this.kept) slots.set(`epoch-${epoch}`, serial);
    if (this.best === null && isOfOther) return slots;
    for (const { epoch, serial } of this.periodic) slots.set(`periodic-epoch-${epoch}`, serial);
    const last = this.epochs.at(-1);
    if (saveLast && last !== undefined) slots.set('last', last.serial);
    return slots;
  }

  #rank(): void {
    const { maxToKeep } = this.#options;
    this.kept = this.kept.sort((a, b) => b.value - a.value || a.epoch - b.epoch).slice(0, maxToKeep);
  }
}
