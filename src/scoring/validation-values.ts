import type * as tf from '@tensorflow/tfjs';
import { shareBuffer } from '../state/share-buffer.js';

/** The values of one validation, and the names that `fit` has for them. */
export interface Validated {
  /** The model's number of outputs. */
  readonly numOutputs: number;
  /** The names that `fit` announces for the values, in their order. */
  readonly names: readonly string[];
  /** The names under which `fit` logs the first values, in their order: `fitDataset` doesn't number equal names. */
  readonly loggedNames: readonly string[];
  /** What the validation returned; the caller keeps them. */
  readonly values: readonly tf.Scalar[];
  /** Whether `fit` logs these values. If not, it logs those of a validation on other weights. */
  readonly isLogged: boolean;
}

const MISLABELED =
  'Use `history` for validation values: TensorFlow.js logs those of a model with several outputs under the names of ' +
  'others, in what `fit` returns and for other callbacks. `history` and `monitor` have the right ones.';

/**
 * What a validation has computed, by its right names.
 *
 * With N outputs, TensorFlow.js 4.22 lists the running total of the losses N times where its names have the one `loss`.
 * So each name gets the value N − 1 places before its own, and the last N − 1 values get none. The list is longer by
 * N − 1 than the names, which tells it from the list of a version without this error.
 *
 * Owns its tensors.
 *
 * @see https://github.com/tensorflow/tfjs/issues/5941
 */
export class ValidationValues {
  readonly #names: readonly string[];
  readonly #loggedNames: readonly string[];
  readonly #scalars: readonly tf.Scalar[];
  /** By how many places the names are early; null if the values fit the names in no known way. */
  readonly #shift: number | null;
  readonly #isLogged: boolean;

  /** @returns null if `fit` logs every value under its right name. */
  static from({ numOutputs, names, loggedNames, values, isLogged }: Validated): ValidationValues | null {
    const surplus = values.length - names.length;
    const isShifted = numOutputs > 1 && surplus !== 0;
    const areNamesRight = loggedNames.every((name, i) => name === names[i]);
    if (isLogged && !isShifted && (areNamesRight || surplus !== 0)) return null;
    return new ValidationValues(names, loggedNames, values, isShifted ? numOutputs - 1 : 0, isLogged);
  }

  private constructor(
    names: readonly string[],
    loggedNames: readonly string[],
    values: readonly tf.Scalar[],
    shift: number,
    isLogged: boolean,
  ) {
    this.#isLogged = isLogged;
    this.#names = names;
    this.#loggedNames = loggedNames;
    this.#shift = values.length === names.length + shift ? shift : null;
    this.#scalars = values.map((value) => shareBuffer(value));
  }

  /** All values, on the device. */
  get scalars(): readonly tf.Scalar[] {
    return this.#scalars;
  }

  /** Whether it's known which value has which name. */
  get isKnown(): boolean {
    return this.#shift !== null;
  }

  /** What a user should know; null: nothing. */
  get warning(): string | null {
    return this.#shift === 0 ? null : MISLABELED;
  }

  /** The names that have a right value. @param logged the names of everything that was logged. */
  namesOf(logged: readonly string[]): string[] {
    const others = logged.filter((name) => !this.#loggedNames.includes(name));
    return this.isKnown ? [...others, ...this.#names] : others;
  }

  /**
   * Replaces what `fit` has logged by the right values. What a callback has changed since then stays.
   *
   * @param logged numbers by name; isn't changed.
   * @param values those of `scalars`, in the same order.
   */
  correct(logged: Readonly<Record<string, number>>, values: readonly number[]): Record<string, number> {
    // A later value of the same name replaces an earlier one, as in `fitDataset`.
    const byFit = new Map(this.#loggedNames.map((name, i) => [name, values[i]]));
    // With other values in the log, nothing shows whether a callback has changed one.
    const isByFit = (name: string): boolean =>
      !Object.hasOwn(logged, name) ||
      (byFit.has(name) && (!this.#isLogged || isSameNumber(logged[name], byFit.get(name))));
    const right = this.#rightValues(values);
    const changed = Object.entries(logged).filter(([name]) => !isByFit(name));
    const known = [...right].filter(([name]) => isByFit(name));
    return Object.fromEntries([...changed, ...known]);
  }

  #rightValues(values: readonly number[]): Map<string, number> {
    const shift = this.#shift;
    return new Map(shift === null ? [] : this.#names.map((name, i) => [name, values[i + shift]!]));
  }

  dispose(): void {
    for (const scalar of this.#scalars) scalar.dispose();
  }
}

function isSameNumber(a: number | undefined, b: number | undefined): boolean {
  // Unlike `Object.is`, it doesn't distinguish the two zeros.
  return a === b || (Number.isNaN(a) && Number.isNaN(b));
}
