import type { Part } from './parts.js';

/** One line of the final table. */
export interface RowSpec {
  readonly what: string;
  /** `'none'`: each count is a loss. `'some'`: a run that counts none has tried too little. */
  readonly wanted?: 'none' | 'some';
  readonly unit?: 'ms';
}

export interface Row extends RowSpec {
  readonly counted: number;
}

/** The counts of one part. */
export interface PartResult {
  readonly part: Part;
  readonly rows: readonly Row[];
  /** Describes each loss. */
  readonly losses: readonly string[];
  /** What could not be run on this machine, and why. */
  readonly notRun: readonly string[];
}

const MAX_PRINTED = 20;

/** Counts what happens in one part. It has every row from the beginning: a zero is a result. */
export class Tally<Key extends string> {
  readonly #part: Part;
  readonly #specs: Readonly<Record<Key, RowSpec>>;
  readonly #counts = new Map<Key, number>();
  readonly #losses: string[] = [];
  readonly #notRun: string[] = [];
  #lost = 0;

  constructor(part: Part, specs: Readonly<Record<Key, RowSpec>>) {
    this.#part = part;
    this.#specs = specs;
  }

  get losses(): number {
    return this.#lost;
  }

  count(key: Key, by = 1): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + by);
  }

  /** Keeps the largest time. */
  recordMax(key: Key, ms: number): void {
    this.#counts.set(key, Math.max(this.#counts.get(key) ?? 0, Math.round(ms)));
  }

  /** Counts something that must never happen. The first losses are printed at once, in case the run never ends. */
  addLoss(key: Key, message: string): void {
    const loss = `${this.#specs[key].what}: ${message}`;
    this.count(key);
    this.#lost++;
    this.#losses.push(loss);
    if (this.#lost <= MAX_PRINTED) console.error(`\n${this.#part}: ${loss}`);
  }

  /** Adds a line to the last loss. null: none. */
  addNote(text: string | null): void {
    if (text !== null) this.#losses.push(`  ${text}`);
  }

  skip(reason: string): void {
    this.#notRun.push(reason);
  }

  result(): PartResult {
    const keys = Object.keys(this.#specs) as Key[];
    const rows = keys.map((key) => ({ ...this.#specs[key], counted: this.#counts.get(key) ?? 0 }));
    return { part: this.#part, rows, losses: this.#losses, notRun: this.#notRun };
  }
}
