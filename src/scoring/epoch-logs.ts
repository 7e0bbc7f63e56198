import * as tf from '@tensorflow/tfjs';
import type { EpochRecord } from '../epoch-record.js';
import type { Monitor } from '../selection/monitor.js';
import type { ValidationValues } from './validation-values.js';

/** A value of `logs`. TensorFlow.js logs numbers and scalars. */
export type LogValue = number | tf.Scalar | undefined;

/** The names that instances of this package have added to an epoch's `logs`, which are one object for all callbacks. */
const addedNames = new WeakMap<object, Set<string>>();

/**
 * Adds the values of this package to `logs`. A comparing monitor adds its value under its own name.
 *
 * @param metrics the names that `fit` announces.
 * @returns the names that weren't added, because a metric or another callback has them.
 */
export function addOwnLogs(
  logs: Record<string, unknown>,
  record: EpochRecord,
  monitor: Pick<Monitor, 'name' | 'comparing'>,
  metrics: readonly string[],
): string[] {
  const added = addedNames.get(logs) ?? new Set();
  addedNames.set(logs, added);
  const taken: string[] = [];
  for (const [name, value] of ownLogs(record, monitor)) {
    if (metrics.includes(name) || (name in logs && !added.has(name))) {
      taken.push(name);
    } else {
      logs[name] = value;
      added.add(name);
    }
  }
  return taken;
}

/** What a user should know of a name that isn't added. @param metrics the names that `fit` announces. */
export function warningOfTaken(name: string, metrics: readonly string[]): string {
  const owner = metrics.includes(name)
    ? 'The model has its own metric'
    : 'An earlier callback has its own value';
  return `${owner} named "${name}", which stays in \`logs\`; see \`history\` for this package's.`;
}

function ownLogs(
  record: EpochRecord,
  { name, comparing }: Pick<Monitor, 'name' | 'comparing'>,
): [name: string, value: number][] {
  const { entropy, trainEntropy, valEntropy, valChanges, valInformation, value } = record;
  const values = {
    entropy,
    train_entropy: trainEntropy,
    val_entropy: valEntropy,
    val_changes: valChanges,
    val_information: valInformation,
    ...(comparing === null ? {} : { [name]: value }),
  };
  return Object.entries(values).filter((entry): entry is [string, number] => entry[1] != null);
}

/** The losses and metrics of an epoch: the numeric values in `logs` that this package hasn't added. */
export class EpochLogs {
  readonly #values: (readonly [name: string, value: number | tf.Scalar])[] = [];
  readonly #validation: ValidationValues | null;

  /**
   * @param logs the caller keeps the tensors.
   * @param validation what `fit` has logged under wrong names, if it has; the caller keeps it.
   */
  constructor(logs: Readonly<Record<string, unknown>>, validation: ValidationValues | null = null) {
    this.#validation = validation;
    const added = addedNames.get(logs);
    for (const [name, value] of Object.entries(logs)) {
      if (added?.has(name) !== true && isNumeric(value)) this.#values.push([name, value]);
    }
  }

  get names(): string[] {
    const logged = this.#values.map(([name]) => name);
    return this.#validation?.namesOf(logged) ?? logged;
  }

  /** The values that are on the device. */
  get scalars(): readonly tf.Scalar[] {
    const logged = this.#values.flatMap(([, value]) => (typeof value === 'number' ? [] : [value]));
    return [...logged, ...(this.#validation?.scalars ?? [])];
  }

  /** All values by name. @param scalarValues the values of `scalars`, in the same order. */
  numbers(scalarValues: readonly number[]): Record<string, number> {
    const remaining = scalarValues.values();
    const logged = Object.fromEntries(
      this.#values.map(([name, value]) => [
        name,
        typeof value === 'number' ? value : remaining.next().value!,
      ]),
    );
    return this.#validation === null ? logged : this.#validation.correct(logged, [...remaining]);
  }
}

function isNumeric(value: unknown): value is number | tf.Scalar {
  if (typeof value === 'number') return true;
  return value instanceof tf.Tensor && value.size === 1 && !value.isDisposed && value.dtype !== 'string';
}
