import type { EpochRecord } from '../epoch-record.js';
import { EntropyCheckpointError } from '../errors.js';
import type { CheckpointHead, StoredCheckpoint } from '../stores/store.js';
import { isWeightSpec, weightSizeBytes } from '../stores/weight-data.js';
import { isCheckpointMetadata } from './check-metadata.js';
import {
  decodeNumber,
  decodeRecord,
  FORMAT_VERSION,
  METADATA_KEY,
  type CheckpointMetadata,
  type EncodedField,
} from './checkpoint-metadata.js';
import { checksumOf } from './encode-checkpoint.js';
import type { FieldState } from './optimizer-state.js';
import { StoredTensor } from './tensor-source.js';
import type { TrainingState } from './training-state.js';
import { verifyShards } from './verify-shards.js';

/** What a checkpoint says of itself, verified. */
export interface DecodedHead {
  readonly record: EpochRecord;
  readonly history: readonly EpochRecord[];
  readonly monitor: string;
  readonly mode: 'max' | 'min';
  /** Tells this checkpoint from every other. */
  readonly checksum: string;
}

/** A checkpoint of which every byte has been verified. */
export interface DecodedCheckpoint extends DecodedHead {
  /** Its tensors are read when they are needed, so it is of use until the stored checkpoint is closed. */
  readonly state: TrainingState;
}

/**
 * Verifies what a store holds, but for the weights.
 *
 * @param source what has the head, for messages.
 * @throws EntropyCheckpointError `ENTROPY_CORRUPT_CHECKPOINT`, `ENTROPY_NOT_A_CHECKPOINT` for a format of
 *   another version.
 */
export async function decodeHead(head: CheckpointHead, source: string): Promise<DecodedHead> {
  return describe(await verifyHead(head, source));
}

/**
 * Verifies what a store holds: reads all of it once. Of a large one, nothing stays in memory.
 *
 * @param stored to be closed by the caller, when the state has been used.
 * @throws EntropyCheckpointError as `decodeHead`; `ENTROPY_STORE_FAILED`.
 */
export async function decodeCheckpoint(stored: StoredCheckpoint): Promise<DecodedCheckpoint> {
  const metadata = await verifyHead(stored.head, stored.name);
  const { weightSpecs, shards } = stored.head;
  // A store may leave it to us.
  const sizeBytes = weightSpecs.every(isWeightSpec) ? total(weightSpecs.map(weightSizeBytes)) : NaN;
  if (sizeBytes !== total(shards.map((shard) => shard.sizeBytes))) throw damaged(stored.name);
  const read = await verifyShards(stored);
  let end = 0;
  const tensors = weightSpecs.map((spec) => {
    const position = end;
    end += weightSizeBytes(spec);
    return new StoredTensor(spec, (bytes) => read(position, bytes));
  });
  const { weights, recurrent, optimizer, remembered } = metadata;
  const take = takeOnce(tensors);
  return {
    ...describe(metadata),
    state: {
      weights: weights.map((place, i) => ({
        place,
        name: weightSpecs[i]?.name ?? '',
        tensor: take(i),
      })),
      recurrent: recurrent.map(({ place, tensors: indices }) => ({
        place,
        tensors: indices?.map(take) ?? null,
      })),
      optimizer: optimizer === null ? null : decodeOptimizer(optimizer, take),
      remembered: remembered === null ? null : take(remembered),
    },
  };
}

function total(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}

function describe({ record, history, monitor, mode, checksum }: CheckpointMetadata): DecodedHead {
  return { record: decodeRecord(record), history: history.map(decodeRecord), monitor, mode, checksum };
}

async function verifyHead(head: CheckpointHead, source: string): Promise<CheckpointMetadata> {
  const own = head.metadata[METADATA_KEY];
  const version =
    typeof own === 'object' && own !== null && !Array.isArray(own) ? own['formatVersion'] : null;
  if (version !== FORMAT_VERSION) {
    throw new EntropyCheckpointError(
      'ENTROPY_NOT_A_CHECKPOINT',
      `Expected a checkpoint of format ${FORMAT_VERSION} in ${source}, got format ${JSON.stringify(version)}.`,
    );
  }
  try {
    if (isCheckpointMetadata(own, head.weightSpecs.length) && (await isSigned(own, head))) return own;
  } catch (cause) {
    // Nested deeper than the stack allows.
    throw damaged(source, cause);
  }
  throw damaged(source);
}

async function isSigned(own: CheckpointMetadata, head: CheckpointHead): Promise<boolean> {
  const { checksum, ...unsigned } = own;
  const expected = await checksumOf(head.modelTopology, head.weightSpecs, {
    ...head.metadata,
    [METADATA_KEY]: unsigned,
  });
  return checksum === expected && head.generatedBy === own.generatedBy;
}

function damaged(source: string, cause?: unknown): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_CORRUPT_CHECKPOINT',
    `${source} is damaged: what it says does not match its checksum. Nothing was changed. Restore it from a copy, or train again.`,
    { cause },
  );
}

type Take = (index: number) => StoredTensor;

/** Hands out each tensor once: in memory, one that is named a thousand times would be a thousand. */
function takeOnce(tensors: readonly StoredTensor[]): Take {
  const rest = new Map(tensors.entries());
  return (index) => {
    const tensor = rest.get(index);
    if (rest.delete(index) && tensor !== undefined) return tensor;
    throw new EntropyCheckpointError(
      'ENTROPY_CORRUPT_CHECKPOINT',
      `Expected the checkpoint to name each of its ${tensors.length} tensors once, got number ${index} twice or of none.`,
    );
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
    return { kind: 'slot', tensor: take(field.slot), place: field.place, suffix: field.suffix };
  }
  if ('list' in field) {
    const items = field.list.map((item) => (item === null ? undefined : decodeField(item, take)));
    return { kind: 'list', items };
  }
  const { scalar } = field;
  const value = typeof scalar === 'object' && scalar !== null ? decodeNumber(scalar) : scalar;
  return { kind: 'scalar', value };
}
