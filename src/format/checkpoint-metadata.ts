import type { EpochRecord } from '../epoch-record.js';
import type { Json, ShardSpec } from '../stores/store.js';
import type { AveragingSettings } from './averaging-settings.js';
import type { AverageProgress, EpochProgress } from './snapshot.js';
import type { WeightPath } from './weight-path.js';

/** The version of the stored format. Any other version is refused. */
export const FORMAT_VERSION = 8;

/** The name of the tensor whose bytes are the earlier epochs. */
export const HISTORY_NAME = 'history';

/** A finite number, or a number that JSON has no literal for. */
export type EncodedNumber = number | { readonly number: 'NaN' | 'Infinity' | '-Infinity' | '-0' };

/** An optimizer field. A tensor is an index into the artifact's `weightSpecs`. */
export type EncodedField =
  | { readonly scalar: EncodedNumber | string | boolean | null }
  | { readonly undefined: true }
  | { readonly tensor: number; readonly assigned: boolean }
  | { readonly slot: number; readonly path: WeightPath | null; readonly suffix: string }
  | { readonly list: readonly (EncodedField | null)[] };

/** An `EpochRecord` as JSON. */
export type EncodedRecord = Pick<EpochRecord, 'epoch' | 'fit' | 'isBest' | 'batches'> &
  Readonly<Record<'entropy' | 'trainEntropy' | 'valEntropy' | 'value', EncodedNumber | null>> & {
    readonly valChanges?: EncodedNumber | null;
    readonly valInformation?: EncodedNumber | null;
    readonly isAveraged?: true;
    readonly logs: Readonly<Record<string, EncodedNumber>>;
  };

/** Tells a training from others in the same store. */
export interface TrainingIdentity {
  /** 16 random lower-case hex digits. */
  readonly id: string;
  /**
   * When the training began, in milliseconds since 1970; later than any training that was in the store at that time,
   * whatever the clock says. So of two trainings in a store, the one with the larger number is the newer.
   */
  readonly startedAt: number;
}

/** An `EpochProgress` as JSON. */
export type EncodedProgress = Pick<EpochProgress, 'batchesPerEpoch' | 'averagedSteps'> & {
  readonly entropy: { readonly parts: number; readonly rows: number } | null;
  readonly logs: { readonly rows: number; readonly totals: Readonly<Record<string, number>> };
};

/** What is stored under `METADATA_KEY`, beside the model and its weights. */
export interface CheckpointMetadata {
  readonly formatVersion: number;
  readonly generatedBy: string;
  /** The training that the epoch belongs to. */
  readonly training: TrainingIdentity;
  readonly monitor: string;
  readonly mode: 'max' | 'min';
  readonly record: EncodedRecord;
  /**
   * The first epochs, in the order in which they ran. They are lines of JSON in the last `shards`, which are the bytes of
   * the last weight. Without such epochs, there's no such weight.
   */
  readonly earlier: { readonly epochs: number; readonly shards: number };
  /** The epochs after those, up to the record's; without the record's if that hasn't ended. */
  readonly history: readonly EncodedRecord[];
  /** The paths of the model's weights. These weights are the first entries of `weightSpecs`. */
  readonly weights: readonly WeightPath[];
  readonly recurrent: readonly { readonly path: WeightPath; readonly tensors: readonly number[] | null }[];
  readonly optimizer: {
    readonly className: string;
    readonly fields: Readonly<Record<string, EncodedField>>;
  } | null;
  /**
   * How far the average of the weights is, and the indices of the trained weights, in the order of `weights`: null for one
   * that isn't averaged. null if the weights are the trained ones.
   */
  readonly averaging:
    (AveragingSettings & AverageProgress & { readonly trained: readonly (number | null)[] }) | null;
  /** The index of the monitor state; null if there's none. */
  readonly monitorState: number | null;
  /** Only of a state within an epoch, whose record then has `batches`. Tensors are indices. */
  readonly progress?: EncodedProgress;
  /** The user's; absent for none. */
  readonly metadata?: Json;
  /** The shards that hold the bytes of all weights, and of the earlier epochs. */
  readonly shards: readonly ShardSpec[];
  /** sha256 of everything except the weight bytes and this checksum. */
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
    ...(record.isAveraged === undefined ? {} : { isAveraged: record.isAveraged }),
    ...(record.batches === undefined ? {} : { batches: record.batches }),
    logs: Object.freeze(mapValues(record.logs, decodeNumber)),
  });
}

export function mapValues<From, To>(
  object: Readonly<Record<string, From>>,
  map: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value)]));
}

/** `value` as it is read after it was stored: without undefined fields. */
export function toJson(value: object): Record<string, Json> {
  return JSON.parse(JSON.stringify(value)) as Record<string, Json>;
}
