import {
  isBoolean,
  isCount,
  isShape,
  isString,
  listOf,
  orNull,
  recordOf,
  type Check,
} from '../stores/outside-data.js';
import type { Json } from '../stores/store.js';
import type { CheckpointMetadata, EncodedRecord } from './checkpoint-metadata.js';

/**
 * Whether outside data has the form of `CheckpointMetadata`, and names only the first `numTensors` tensors.
 *
 * @throws RangeError for a value that is nested deeper than the stack allows.
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
    isShape({ slot: isIndex, path: orNull(isPath), suffix: isString })(field) ||
    isShape({ list: listOf(orNull(isField)) })(field);
  const required: Readonly<Record<string, Check>> = {
    formatVersion: isCount,
    generatedBy: isString,
    training: isShape({ id: isTrainingId, startedAt: isCount }),
    monitor: isString,
    mode: (mode) => mode === 'max' || mode === 'min',
    record: isRecord,
    earlier: isShape({ epochs: isCount, shards: isCount }),
    history: listOf(isRecord),
    weights: (weights) => listOf(isPath)(weights) && (weights as unknown[]).length <= numTensors,
    recurrent: listOf(isShape({ path: isPath, tensors: orNull(listOf(isIndex)) })),
    optimizer: orNull(isShape({ className: isString, fields: recordOf(isField) })),
    averaging: orNull(
      isShape({
        decay: isShare,
        updatesPerEpoch: isPositive,
        mass: (mass) => mass === 0 || mass === 1 || isShare(mass),
        batchesPerEpoch: orNull(isCount),
        trained: listOf(orNull(isIndex)),
      }),
    ),
    monitorState: orNull(isIndex),
    shards: listOf(isShape({ sizeBytes: isCount, sha256: isString })),
    checksum: isString,
  };
  const progress = isShape({
    batchesPerEpoch: orNull(isCount),
    averagedSteps: isCount,
    entropy: orNull(isShape({ parts: isIndex, rows: isPositive })),
    logs: isShape({ rows: isCount, totals: recordOf(isIndex) }),
  });
  return [required, { ...required, record: isRunningRecord, progress }].some(
    (fields) => isShape(fields)(value) || isShape({ ...fields, metadata: isJson })(value),
  );
}

const isPositive: Check = (value) => isCount(value) && (value as number) > 0;

const isNull: Check = (value) => value === null;
const isPath = listOf(isCount);
/** A handler may return what no JSON parser makes. */
const isJson: Check = (value) =>
  value === null ||
  isString(value) ||
  isBoolean(value) ||
  Number.isFinite(value) ||
  listOf(isJson)(value) ||
  recordOf(isJson)(value);
const isTrainingId: Check = (id) => typeof id === 'string' && /^[0-9a-f]{16}$/.test(id);
const isEncodedNumber: Check = (value) =>
  typeof value === 'number' ||
  isShape({ number: (name) => ['NaN', 'Infinity', '-Infinity', '-0'].includes(name as string) })(value);
const isShare: Check = (value) => typeof value === 'number' && value > 0 && value < 1;
const isScalar: Check = (value) =>
  value === null || isString(value) || isBoolean(value) || isEncodedNumber(value);

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
/** Fields that only a comparing monitor has. `valInformation` occurs only together with `valChanges`. */
const COMPARED_VALUES = { valChanges: orNull(isEncodedNumber), valInformation: orNull(isEncodedNumber) };
const IS_AVERAGED = { isAveraged: (value: unknown) => value === true };
const RECORDS = [
  RECORD,
  { ...RECORD, valChanges: COMPARED_VALUES.valChanges },
  { ...RECORD, ...COMPARED_VALUES },
];
const isOneOfRecords = [...RECORDS, ...RECORDS.map((fields) => ({ ...fields, ...IS_AVERAGED }))].map(isShape);
const isRecord: Check = (value) => isOneOfRecords.some((check) => check(value));

/** An epoch that hasn't ended has no scores yet. */
const RUNNING_RECORD = {
  ...RECORD,
  isBest: (value: unknown) => value === false,
  entropy: isNull,
  trainEntropy: isNull,
  valEntropy: isNull,
  value: isNull,
  batches: isPositive,
  logs: isShape({}),
};
const isRunningRecord: Check = (value) =>
  isShape(RUNNING_RECORD)(value) || isShape({ ...RUNNING_RECORD, ...IS_AVERAGED })(value);

/** Whether outside data has the form of a record. */
export function isEncodedRecord(value: unknown): value is EncodedRecord {
  return isRecord(value);
}
