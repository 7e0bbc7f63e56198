import * as tf from '@tensorflow/tfjs';
import type { EpochRecord } from '../epoch-record.js';
import { ENTROPY_MONITORS, type Monitor } from '../selection/monitor.js';
import { COMPARING_MONITORS } from '../selection/monitors/registry.js';

/** A value of `logs`. TensorFlow.js logs numbers and scalars. */
export type LogValue = number | tf.Scalar | undefined;

/** The values that the callback adds to `logs`, by name. A comparing monitor adds its value under its own name. */
export function ownLogs(
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

/** Every name that `ownLogs` may use. */
const OWN_NAMES: readonly string[] = [
  ...ENTROPY_MONITORS,
  ...Object.keys(COMPARING_MONITORS),
  'val_changes',
  'val_information',
];

/** The losses and metrics of an epoch: the numeric values in `logs` that this package hasn't added. */
export class EpochLogs {
  readonly #values: (readonly [name: string, value: number | tf.Scalar])[] = [];

  /** @param logs the caller keeps the tensors. */
  constructor(logs: Readonly<Record<string, unknown>>) {
    for (const [name, value] of Object.entries(logs)) {
      if (!OWN_NAMES.includes(name) && isNumeric(value)) this.#values.push([name, value]);
    }
  }

  get names(): string[] {
    return this.#values.map(([name]) => name);
  }

  /** The values that are on the device. */
  get scalars(): readonly tf.Scalar[] {
    return this.#values.flatMap(([, value]) => (typeof value === 'number' ? [] : [value]));
  }

  /** All values by name. @param scalarValues the values of `scalars`, in the same order. */
  numbers(scalarValues: readonly number[]): Record<string, number> {
    const remaining = scalarValues.values();
    return Object.fromEntries(
      this.#values.map(([name, value]) => [
        name,
        typeof value === 'number' ? value : remaining.next().value!,
      ]),
    );
  }
}

function isNumeric(value: unknown): value is number | tf.Scalar {
  if (typeof value === 'number') return true;
  return value instanceof tf.Tensor && value.size === 1 && !value.isDisposed && value.dtype !== 'string';
}
