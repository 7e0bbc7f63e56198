import * as tf from '@tensorflow/tfjs';
import type { EpochRecord } from '../epoch-record.js';
import { EntropyCheckpointError } from '../errors.js';
import type { StoredCheckpoint } from '../stores/store.js';
import {
  decodeNumber,
  decodeRecord,
  FORMAT_VERSION,
  METADATA_KEY,
  type CheckpointMetadata,
  type EncodedField,
} from './checkpoint-metadata.js';
import { checksumOf, checksumOfBytes } from './encode-checkpoint.js';
import type { FieldState } from './optimizer-state.js';
import { disposeState, type TrainingState } from './training-state.js';

/** A checkpoint whose checksums have been verified. */
export interface DecodedCheckpoint {
  readonly record: EpochRecord;
  readonly history: readonly EpochRecord[];
  readonly monitor: string;
  readonly mode: 'max' | 'min';
  /** Tells this checkpoint from every other. */
  readonly checksum: string;
  /** Owned by whoever decoded. */
  readonly state: TrainingState;
}

/**
 * Verifies what a store holds and makes tensors of it.
 *
 * @param source name of the store, for messages.
 * @returns the caller disposes its `state`.
 * @throws EntropyCheckpointError `ENTROPY_CORRUPT_CHECKPOINT`, `ENTROPY_NOT_A_CHECKPOINT` for a format of
 *   another version.
 */
export function decodeCheckpoint(stored: StoredCheckpoint, source: string): DecodedCheckpoint {
  const metadata = verify(stored, source);
  const tensors = stored.weightSpecs.map((spec, i) => tensorOf(spec, stored.weightData[i]));
  return {
    record: decodeRecord(metadata.record),
    history: metadata.history.map(decodeRecord),
    monitor: metadata.monitor,
    mode: metadata.mode,
    checksum: metadata.checksum,
    state: {
      weights: metadata.weights.map((place, i) => ({
        place,
        name: stored.weightSpecs[i]?.name ?? '',
        tensor: take(tensors, i),
      })),
      recurrent: metadata.recurrent.map(({ place, tensors: indices }) => ({
        place,
        tensors: indices?.map((i) => take(tensors, i)) ?? null,
      })),
      optimizer: metadata.optimizer === null ? null : decodeOptimizer(metadata.optimizer, tensors),
    },
  };
}

/** Runs `use` on a decoded checkpoint and frees its tensors, whatever comes of it. */
export async function withCheckpoint<T>(
  stored: StoredCheckpoint,
  source: string,
  use: (checkpoint: DecodedCheckpoint) => T | Promise<T>,
): Promise<T> {
  const checkpoint = decodeCheckpoint(stored, source);
  try {
    return await use(checkpoint);
  } finally {
    disposeState(checkpoint.state);
  }
}

function verify(stored: StoredCheckpoint, source: string): CheckpointMetadata {
  const metadata = stored.metadata[METADATA_KEY] as unknown as CheckpointMetadata;
  if (metadata.formatVersion !== FORMAT_VERSION) {
    throw new EntropyCheckpointError(
      'ENTROPY_NOT_A_CHECKPOINT',
      `Expected a checkpoint of format ${FORMAT_VERSION} in ${source}, got format ${String(metadata.formatVersion)}.`,
    );
  }
  const { checksum, ...unsigned } = metadata;
  const expected = checksumOf(stored.modelTopology, stored.weightSpecs, {
    ...stored.metadata,
    [METADATA_KEY]: unsigned,
  });
  const isWhole =
    checksum === expected &&
    stored.generatedBy === metadata.generatedBy &&
    checksumOfBytes(stored.weightData) === metadata.weightChecksum;
  if (!isWhole) {
    throw new EntropyCheckpointError(
      'ENTROPY_CORRUPT_CHECKPOINT',
      `The checkpoint in ${source} is damaged: what it says does not match its checksum. Nothing was changed.`,
    );
  }
  return metadata;
}

function tensorOf(spec: tf.io.WeightsManifestEntry, bytes: Uint8Array = new Uint8Array()): tf.Tensor {
  // A typed array must begin at a multiple of its element's size.
  const { buffer } = bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
  const values =
    spec.dtype === 'bool'
      ? new Uint8Array(buffer)
      : spec.dtype === 'int32'
        ? new Int32Array(buffer)
        : new Float32Array(buffer);
  return tf.tensor(values, spec.shape, spec.dtype);
}

function take(tensors: readonly tf.Tensor[], index: number): tf.Tensor {
  const tensor = tensors[index];
  if (tensor !== undefined) return tensor;
  throw new EntropyCheckpointError('ENTROPY_CORRUPT_CHECKPOINT', `The checkpoint has no tensor ${index}.`);
}

function decodeOptimizer(
  encoded: NonNullable<CheckpointMetadata['optimizer']>,
  tensors: readonly tf.Tensor[],
): NonNullable<TrainingState['optimizer']> {
  const fields = Object.entries(encoded.fields).map(([key, field]) => [key, decodeField(field, tensors)]);
  return { className: encoded.className, fields: Object.fromEntries(fields) as Record<string, FieldState> };
}

function decodeField(field: EncodedField, tensors: readonly tf.Tensor[]): FieldState {
  if ('undefined' in field) return { kind: 'scalar', value: undefined };
  if ('tensor' in field) {
    return { kind: 'tensor', tensor: take(tensors, field.tensor), assigned: field.assigned };
  }
  if ('slot' in field) {
    return { kind: 'slot', tensor: take(tensors, field.slot), place: field.place, suffix: field.suffix };
  }
  if ('list' in field) {
    const items = field.list.map((item) => (item === null ? undefined : decodeField(item, tensors)));
    return { kind: 'list', items };
  }
  const { scalar } = field;
  const value = typeof scalar === 'object' && scalar !== null ? decodeNumber(scalar) : scalar;
  return { kind: 'scalar', value };
}
