import type { EpochRecord } from '../epoch-record.js';
import type { Json, ShardSpec } from '../stores/store.js';
import type { Place } from './places.js';

/** Key of this package's part of an artifact's `userDefinedMetadata`. */
export const METADATA_KEY = 'entropyCheckpoint';

/** Version of what is stored under it. Another one is refused. */
export const FORMAT_VERSION = 4;

/** A number that JSON has no literal for. */
export type EncodedNumber = number | { readonly number: 'NaN' | 'Infinity' | '-Infinity' | '-0' };

/** A field of an optimizer; tensors are indices into the artifact's `weightSpecs`. */
export type EncodedField =
  | { readonly scalar: EncodedNumber | string | boolean | null }
  | { readonly undefined: true }
  | { readonly tensor: number; readonly assigned: boolean }
  | { readonly slot: number; readonly place: Place | null; readonly suffix: string }
  | { readonly list: readonly (EncodedField | null)[] };

/** An `EpochRecord` in JSON. */
export type EncodedRecord = Pick<EpochRecord, 'epoch' | 'fit' | 'isBest'> &
  Readonly<Record<'entropy' | 'trainEntropy' | 'valEntropy' | 'value', EncodedNumber | null>> & {
    readonly valChanges?: EncodedNumber | null;
    readonly valInformation?: EncodedNumber | null;
    readonly logs: Readonly<Record<string, EncodedNumber>>;
  };

/** What is stored beside model and weights, under `METADATA_KEY`. */
export interface CheckpointMetadata {
  readonly formatVersion: number;
  readonly generatedBy: string;
  readonly monitor: string;
  readonly mode: 'max' | 'min';
  readonly record: EncodedRecord;
  /** The epochs up to the record's, in the order in which they were run. */
  readonly history: readonly EncodedRecord[];
  /** Places of the model's weights, which are the first entries of `weightSpecs`. */
  readonly weights: readonly Place[];
  readonly recurrent: readonly { readonly place: Place; readonly tensors: readonly number[] | null }[];
  readonly optimizer: {
    readonly className: string;
    readonly fields: Readonly<Record<string, EncodedField>>;
  } | null;
  /** What a criterion remembers of the predictions of validation. */
  readonly remembered: number | null;
  /** The bytes of all weights, in pieces. */
  readonly shards: readonly ShardSpec[];
  /** sha256 of everything but those bytes and itself. */
  readonly checksum: string;
}

export function encodeNumber(value: number): EncodedNumber {
  if (Number.isFinite(value) && !Object.is(value, -0)) return value;
  return { number: Object.is(value, -0) ? '-0' : (String(value) as 'NaN' | 'Infinity' | '-Infinity') };
}

export function decodeNumber(value: EncodedNumber): number {
  return typeof value === 'number' ? value : Number(value.number);
}

export function encodeRecord(record: EpochRecord): EncodedRecord {
  const encode = (value: number | null): EncodedNumber | null =>
    value === null ? null : encodeNumber(value);
  const { valChanges, valInformation, ...rest } = record;
  return {
    ...rest,
    ...(valChanges === undefined ? {} : { valChanges: encode(valChanges) }),
    ...(valInformation === undefined ? {} : { valInformation: encode(valInformation) }),
    entropy: encode(record.entropy),
    trainEntropy: encode(record.trainEntropy),
    valEntropy: encode(record.valEntropy),
    value: encode(record.value),
    logs: mapValues(record.logs, encodeNumber),
  };
}

export function decodeRecord(record: EncodedRecord): EpochRecord {
  const decode = (value: EncodedNumber | null): number | null =>
    value === null ? null : decodeNumber(value);
  return Object.freeze({
    epoch: record.epoch,
    fit: record.fit,
    entropy: decode(record.entropy),
    trainEntropy: decode(record.trainEntropy),
    valEntropy: decode(record.valEntropy),
    ...(record.valChanges === undefined ? {} : { valChanges: decode(record.valChanges) }),
    ...(record.valInformation === undefined ? {} : { valInformation: decode(record.valInformation) }),
    value: decode(record.value),
    isBest: record.isBest,
    logs: Object.freeze(mapValues(record.logs, decodeNumber)),
  });
}

function mapValues<From, To>(
  object: Readonly<Record<string, From>>,
  map: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value)]));
}

/** `value` as it is once it has been stored: fields that are undefined are gone. */
export function toJson(value: object): Record<string, Json> {
  return JSON.parse(JSON.stringify(value)) as Record<string, Json>;
}

/** How deep the layers of a model are in what is stored, and every other long list. */
const PIECE_DEPTH = 4;

/**
 * JSON with the keys of every object in order, so that equal values give equal text; in pieces, each of which
 * takes next to no time.
 */
export function* canonicalJson(value: unknown, depth = 0): Generator<string> {
  if (depth > PIECE_DEPTH || typeof value !== 'object' || value === null) {
    yield JSON.stringify(value, (_key, item: unknown) => withSortedKeys(item));
    return;
  }
  const isList = Array.isArray(value);
  yield isList ? '[' : '{';
  let separator = '';
  for (const [key, item] of isList ? value.entries() : Object.entries(sorted(value))) {
    // JSON leaves it out.
    if (!isList && item === undefined) continue;
    yield isList ? separator : `${separator}${JSON.stringify(key)}:`;
    yield* canonicalJson(item, depth + 1);
    separator = ',';
  }
  yield isList ? ']' : '}';
}

function withSortedKeys(item: unknown): unknown {
  return typeof item !== 'object' || item === null || Array.isArray(item) ? item : sorted(item);
}

/** Keys that are integers come first, as in every object. */
function sorted(object: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
