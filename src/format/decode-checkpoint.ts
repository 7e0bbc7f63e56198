import { isObject } from '../check-options.js';
import type { EpochRecord } from '../epoch-record.js';
import { EntropyCheckpointError, excerpt } from '../errors.js';
import { checkManifest, damaged, METADATA_KEY } from '../stores/check-manifest.js';
import { sizeOfShards, type CheckpointManifest, type Json, type StoredCheckpoint } from '../stores/store.js';
import { weightSizeBytes } from '../stores/weight-data.js';
import { isCheckpointMetadata } from './check-metadata.js';
import {
  decodeNumber,
  decodeRecord,
  FORMAT_VERSION,
  HISTORY_NAME,
  mapValues,
  toJson,
  type CheckpointMetadata,
  type EncodedField,
  type EncodedProgress,
  type TrainingIdentity,
} from './checkpoint-metadata.js';
import { checksumOf } from './checksum.js';
import { MIN_RECORD_BYTES, readRecords } from './history-text.js';
import type { FieldState } from './optimizer-state.js';
import type { EpochProgress, TrainingState } from './snapshot.js';
import { maxBytesFrom, storedSizeOf } from './stored-size.js';
import { StoredTensor } from './stored-tensor.js';
import { verifyShards, type ReadBytes } from './verify-shards.js';

/** The verified content of a manifest. */
export interface DecodedManifest {
  readonly training: TrainingIdentity;
  readonly record: EpochRecord;
  /** The user's; null for none. The caller may change it. */
  readonly metadata: Json;
  /** How many epochs the history has: those that have ended, up to the record's. */
  readonly numEpochs: number;
  readonly monitor: string;
  readonly mode: 'max' | 'min';
  /** Identifies the checkpoint. */
  readonly checksum: string;
  /** How large its shards are in the store, in bytes. */
  readonly sizeBytes: number;
}

/** A checkpoint with all bytes verified. */
export interface DecodedCheckpoint extends DecodedManifest {
  /** Valid until the stored checkpoint is closed, as its tensors are read when they're needed. */
  readonly state: TrainingState;
  /**
   * The epochs that have ended, up to the record's, in the order in which they ran. Valid until the stored checkpoint is closed.
   *
   * @throws EntropyCheckpointError `ENTROPY_CORRUPT_CHECKPOINT` for bytes that aren't a history, though their checksum
   *   is right; `ENTROPY_STORE_FAILED`.
   */
  readHistory(): Promise<readonly EpochRecord[]>;
}

/**
 * Verifies a manifest. The weights aren't read.
 *
 * @param source the origin of the manifest, for messages.
 * @throws EntropyCheckpointError `ENTROPY_CORRUPT_CHECKPOINT`; `ENTROPY_NOT_A_CHECKPOINT` for another format version.
 */
export async function decodeManifest(manifest: CheckpointManifest, source: string): Promise<DecodedManifest> {
  return decodeMetadata(await verifyManifest(manifest, source));
}

/**
 * Verifies a stored checkpoint by reading all of it once. A large one isn't kept in memory.
 *
 * @param stored the caller closes it after the state has been used.
 * @throws EntropyCheckpointError `ENTROPY_CORRUPT_CHECKPOINT`; `ENTROPY_NOT_A_CHECKPOINT` for another format version;
 *   `ENTROPY_STORE_FAILED`.
 */
export async function decodeCheckpoint(stored: StoredCheckpoint): Promise<DecodedCheckpoint> {
  const metadata = await verifyManifest(stored.manifest, stored.name);
  const { weightSpecs } = stored.manifest;
  const read = await verifyShards(stored);
  let end = 0;
  const tensors = weightSpecs.map((spec) => {
    const position = end;
    end += weightSizeBytes(spec);
    return new StoredTensor(spec, (bytes) => read(position, bytes));
  });
  const { weights, recurrent, optimizer, averaging, monitorState } = metadata;
  const take = takeOnce(tensors);
  return {
    ...decodeMetadata(metadata),
    state: {
      weights: weights.map((path, i) => ({
        path,
        name: weightSpecs[i]?.name ?? '',
        tensor: take(i),
      })),
      recurrent: recurrent.map(({ path, tensors: indices }) => ({
        path,
        tensors: indices?.map(take) ?? null,
      })),
      optimizer: optimizer === null ? null : decodeOptimizer(optimizer, take),
      monitorState: monitorState === null ? null : take(monitorState),
      averaging:
        averaging === null
          ? null
          : {
              ...averaging,
              trained: averaging.trained.map((index) => (index === null ? null : take(index))),
            },
      ...(metadata.progress === undefined ? {} : { progress: decodeProgress(metadata.progress, take) }),
      storedSize: storedSizeOf(stored.manifest.shards),
    },
    readHistory: async () => {
      const { earlier, history, shards } = metadata;
      const { totalBytes, distinctBytes } = storedSizeOf(shards.slice(shards.length - earlier.shards));
      if (totalBytes > maxBytesFrom(distinctBytes)) {
        throw damaged(stored.name, 'its history repeats a shard more often than any training');
      }
      const readLines: ReadBytes = (position, bytes) => read(startOfHistory(metadata) + position, bytes);
      const records = await readRecords(readLines, totalBytes, earlier.epochs);
      if (records === null) throw damaged(stored.name, 'its earlier epochs are not what this package wrote');
      for (const record of history) records.push(decodeRecord(record));
      return records;
    },
  };
}

/** Where the shards of the earlier epochs begin, in bytes. */
function startOfHistory({ shards, earlier }: CheckpointMetadata): number {
  return sizeOfShards(shards.slice(0, shards.length - earlier.shards));
}

/** Whether the last weight is as long as the shards of the earlier epochs, and these can hold so many epochs. */
function hasEarlierEpochs(metadata: CheckpointMetadata, { weightSpecs }: CheckpointManifest): boolean {
  const { earlier, shards } = metadata;
  if (earlier.shards === 0) return earlier.epochs === 0;
  const spec = weightSpecs.at(-1);
  const sizeBytes = sizeOfShards(shards) - startOfHistory(metadata);
  return (
    spec?.name === HISTORY_NAME &&
    earlier.shards <= shards.length &&
    weightSizeBytes(spec) === sizeBytes &&
    earlier.epochs * MIN_RECORD_BYTES <= sizeBytes
  );
}

/** Whether the progress is within its epoch, and its tensors are what this package adds to and divides. */
function hasValidProgress(
  { progress, record }: CheckpointMetadata,
  { weightSpecs }: CheckpointManifest,
): boolean {
  if (progress === undefined) return true;
  const isFloats = (index: number, ...sizes: readonly string[]): boolean => {
    const { dtype, shape } = weightSpecs[index]!;
    return dtype === 'float32' && sizes.includes(shape.join());
  };
  const { entropy, logs, batchesPerEpoch } = progress;
  return (
    (record.batches ?? 0) <= (batchesPerEpoch ?? Infinity) &&
    (entropy === null || isFloats(entropy.parts, '1', '2')) &&
    Object.values(logs.totals).every((index) => isFloats(index, ''))
  );
}

function decodeMetadata(metadata: CheckpointMetadata): DecodedManifest {
  const { training, record, earlier, history, monitor, mode, checksum, shards } = metadata;
  return {
    training,
    record: decodeRecord(record),
    // A handler may keep the object that it returned.
    metadata: toJson({ copy: metadata.metadata ?? null })['copy']!,
    numEpochs: earlier.epochs + history.length,
    monitor,
    mode,
    checksum,
    sizeBytes: storedSizeOf(shards).distinctBytes,
  };
}

async function verifyManifest(manifest: CheckpointManifest, source: string): Promise<CheckpointMetadata> {
  const metadata = manifest.metadata[METADATA_KEY];
  const version = isObject(metadata) ? metadata['formatVersion'] : null;
  if (version !== FORMAT_VERSION) {
    throw new EntropyCheckpointError(
      'ENTROPY_NOT_A_CHECKPOINT',
      `Expected a checkpoint of format ${FORMAT_VERSION} in ${source}, got format ${excerpt(JSON.stringify(version))}.`,
    );
  }
  // Some stores don't check what they read.
  checkManifest(manifest, source);
  try {
    const hasValidForm =
      isCheckpointMetadata(metadata, manifest.weightSpecs.length) &&
      hasEarlierEpochs(metadata, manifest) &&
      hasValidProgress(metadata, manifest) &&
      (metadata.averaging?.trained.length ?? metadata.weights.length) === metadata.weights.length;
    if (hasValidForm && (await matchesChecksum(metadata, manifest))) return metadata;
  } catch (cause) {
    // The metadata is nested deeper than the stack allows.
    throw checksumMismatch(source, cause);
  }
  throw checksumMismatch(source);
}

async function matchesChecksum(metadata: CheckpointMetadata, manifest: CheckpointManifest): Promise<boolean> {
  const { checksum, ...withoutChecksum } = metadata;
  const expected = await checksumOf(manifest.modelTopology, manifest.weightSpecs, {
    ...manifest.metadata,
    [METADATA_KEY]: withoutChecksum,
  });
  return checksum === expected && manifest.generatedBy === metadata.generatedBy;
}

function checksumMismatch(source: string, cause?: unknown): EntropyCheckpointError {
  return damaged(source, 'its manifest does not match its checksum', cause);
}

type Take = (index: number) => StoredTensor;

/** Hands out each tensor once: a tensor named a thousand times would take a thousand times the memory. */
function takeOnce(tensors: readonly StoredTensor[]): Take {
  const remaining = new Map(tensors.entries());
  return (index) => {
    const tensor = remaining.get(index);
    if (remaining.delete(index) && tensor !== undefined) return tensor;
    throw new EntropyCheckpointError(
      'ENTROPY_CORRUPT_CHECKPOINT',
      `Expected the checkpoint to name each of its ${tensors.length} tensors once, got tensor ${index} twice or out of range.`,
    );
  };
}

function decodeProgress({ entropy, logs, ...counts }: EncodedProgress, take: Take): EpochProgress {
  return {
    ...counts,
    entropy: entropy === null ? null : { parts: take(entropy.parts), rows: entropy.rows },
    logs: { rows: logs.rows, totals: mapValues(logs.totals, take) },
  };
}

function decodeOptimizer(
  encoded: NonNullable<CheckpointMetadata['optimizer']>,
  take: Take,
): NonNullable<TrainingState['optimizer']> {
  const fields = Object.entries(encoded.fields).map(([key, field]) => [key, decodeField(field, take)]);
  return { className: encoded.className, fields: Object.fromEntries(fields) as Record<string, FieldState> };
}

function decodeField(field: EncodedField, take: Take): FieldState {
  if ('undefined' in field) return { kind: 'scalar', value: undefined };
  if ('tensor' in field) {
    return { kind: 'tensor', tensor: take(field.tensor), assigned: field.assigned };
  }
  if ('slot' in field) {
    return { kind: 'slot', tensor: take(field.slot), path: field.path, suffix: field.suffix };
  }
  if ('list' in field) {
    const items = field.list.map((item) => (item === null ? undefined : decodeField(item, take)));
    return { kind: 'list', items };
  }
  const { scalar } = field;
  const value = typeof scalar === 'object' && scalar !== null ? decodeNumber(scalar) : scalar;
  return { kind: 'scalar', value };
}
