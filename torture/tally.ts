import type { Part } from './parts.js';

/** One line of the final table. */
export interface RowSpec {
  readonly what: string;
  /** `'none'`: each is a loss. `'some'`: else the run has not met what it is about. */
  readonly wanted?: 'none' | 'some';
  readonly unit?: 'ms';
}

export interface Row extends RowSpec {
  readonly counted: number;
}

/** What one part has counted. */
export interface PartResult {
  readonly part: Part;
  readonly rows: readonly Row[];
  /** What each loss was. */
  readonly losses: readonly string[];
  /** What could not be tried on this machine, and why. */
  readonly notRun: readonly string[];
}

const MAX_TOLD = 20;

/** Counts what happens in one part. Every row is there from the beginning: a zero is a result. */
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

  /** Keeps the largest. */
  longest(key: Key, ms: number): void {
    this.#counts.set(key, Math.max(this.#counts.get(key) ?? 0, Math.round(ms)));
  }

  /** Something that must never happen. The first are told at once, should the end never come. */
  lose(key: Key, message: string): void {
    const loss = `${this.#specs[key].what}: ${message}`;
    this.count(key);
    this.#lost++;
    this.#losses.push(loss);
    if (this.#lost <= MAX_TOLD) console.error(`\n${this.#part}: ${loss}`);
  }

  /** What else is to be said of the last loss, if anything. */
  note(text: string | null): void {
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
