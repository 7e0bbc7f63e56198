import * as tf from '@tensorflow/tfjs';
import { CRITERION_NAMES, type CriterionName } from './criteria/criterion.js';
import type { EpochRecord } from './epoch-record.js';
import { ENTROPY_MONITORS } from './monitor.js';

/** A value of `logs`: tfjs gives numbers and scalars. */
export type LogValue = number | tf.Scalar | undefined;

/** What the callback writes to `logs`, by name; of a criterion, its value. */
export function ownLogs(record: EpochRecord, criterion: CriterionName): [name: string, value: number][] {
  const { entropy, trainEntropy, valEntropy, valChanges, valInformation, value } = record;
  const values = {
    entropy,
    train_entropy: trainEntropy,
    val_entropy: valEntropy,
    val_changes: valChanges,
    val_information: valInformation,
    ...(criterion === 'max-entropy' ? {} : { [criterion]: value }),
  };
  return Object.entries(values).filter((entry): entry is [string, number] => entry[1] != null);
}

/** All that there may be of `ownLogs`. */
const OWN_NAMES: readonly string[] = [
  ...ENTROPY_MONITORS,
  ...CRITERION_NAMES,
  'val_changes',
  'val_information',
];

/** Losses and metrics of an epoch: what of `logs` is a number, and not of this package. */
export class EpochLogs {
  readonly #values: (readonly [name: string, value: number | tf.Scalar])[] = [];

  /** @param logs of the user or of `fit`, which keep the tensors. */
  constructor(logs: Readonly<Record<string, unknown>>) {
    for (const [name, value] of Object.entries(logs)) {
      if (!OWN_NAMES.includes(name) && isNumeric(value)) this.#values.push([name, value]);
    }
  }

  /** Those that are on the device. */
  get scalars(): readonly tf.Scalar[] {
    return this.#values.flatMap(([, value]) => (typeof value === 'number' ? [] : [value]));
  }

  /** All of them by name. @param read the values of `scalars`, in their order. */
  numbers(read: readonly number[]): Record<string, number> {
    const left = [...read];
    return Object.fromEntries(
      this.#values.map(([name, value]) => [name, typeof value === 'number' ? value : left.shift()!]),
    );
  }
}

function isNumeric(value: unknown): value is number | tf.Scalar {
  if (typeof value === 'number') return true;
  return value instanceof tf.Tensor && value.size === 1 && !value.isDisposed && value.dtype !== 'string';
}
