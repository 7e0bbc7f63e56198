import type { Json } from '../stores/store.js';
import type { CheckpointMetadata } from './checkpoint-metadata.js';

type Check = (value: unknown) => boolean;

/**
 * Whether `value`, from outside, has the form of `CheckpointMetadata`, and names no tensor beyond the
 * `numTensors` that there are. Its checksum does not tell: whoever damages on purpose can compute one.
 *
 * @throws RangeError for one that is nested deeper than the stack allows.
 */
export function isCheckpointMetadata(
  value: Json | undefined,
  numTensors: number,
): value is Json & CheckpointMetadata {
  const isIndex: Check = (index) => isCount(index) && (index as number) < numTensors;
  const isField: Check = (field) =>
    isShape({ scalar: isScalar })(field) ||
    isShape({ undefined: (is) => is === true })(field) ||
    isShape({ tensor: isIndex, assigned: isBoolean })(field) ||
    isShape({ slot: isIndex, place: orNull(isPlace), suffix: isString })(field) ||
    isShape({ list: listOf(orNull(isField)) })(field);
  return isShape({
    formatVersion: isCount,
    generatedBy: isString,
    monitor: isString,
    mode: (mode) => mode === 'max' || mode === 'min',
    record: isRecord,
    history: listOf(isRecord),
    weights: (weights) => listOf(isPlace)(weights) && (weights as unknown[]).length <= numTensors,
    recurrent: listOf(isShape({ place: isPlace, tensors: orNull(listOf(isIndex)) })),
    optimizer: orNull(isShape({ className: isString, fields: recordOf(isField) })),
    remembered: orNull(isIndex),
    shards: listOf(isShape({ sizeBytes: isCount, sha256: isString })),
    checksum: isString,
  })(value);
}

const isString: Check = (value) => typeof value === 'string';
const isBoolean: Check = (value) => typeof value === 'boolean';
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const recordOf =
  (check: Check): Check =>
  (value) =>
    isObject(value) && Object.values(value).every(check);

/** An object of these keys and no others. */
const isShape =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) => {
    if (!isObject(value) || Object.keys(value).length !== Object.keys(checks).length) return false;
    return Object.entries(checks).every(([key, check]) => Object.hasOwn(value, key) && check(value[key]));
  };

const isEncodedNumber: Check = (value) =>
  typeof value === 'number' ||
  isShape({ number: (name) => ['NaN', 'Infinity', '-Infinity', '-0'].includes(name as string) })(value);
const isScalar: Check = (value) =>
  value === null || isString(value) || isBoolean(value) || isEncodedNumber(value);
const isPlace = listOf(isCount);
const RECORD = {
  epoch: isCount,
  fit: isCount,
  isBest: isBoolean,
  entropy: orNull(isEncodedNumber),
  trainEntropy: orNull(isEncodedNumber),
  valEntropy: orNull(isEncodedNumber),
  value: orNull(isEncodedNumber),
  logs: recordOf(isEncodedNumber),
};
/** Counted for a criterion; each has the one before it as well. */
const COUNTED = { valChanges: orNull(isEncodedNumber), valInformation: orNull(isEncodedNumber) };
const isRecord: Check = (value) =>
  isShape(RECORD)(value) ||
  isShape({ ...RECORD, valChanges: COUNTED.valChanges })(value) ||
  isShape({ ...RECORD, ...COUNTED })(value);
