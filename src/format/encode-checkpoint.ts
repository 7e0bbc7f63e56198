import * as tf from '@tensorflow/tfjs';
import type { EpochRecord } from '../epoch-record.js';
import { METADATA_KEY } from '../stores/check-manifest.js';
import { sizeOfShards, specOf, type CheckpointSource, type Json, type SharedShard } from '../stores/store.js';
import { totalSizeBytes } from '../stores/weight-data.js';
import {
  encodeNumber,
  encodeRecord,
  FORMAT_VERSION,
  HISTORY_NAME,
  toJson,
  type CheckpointMetadata,
  type EncodedField,
  type EncodedProgress,
  type TrainingIdentity,
} from './checkpoint-metadata.js';
import { checksumOf } from './checksum.js';
import type { EncodableHistory } from './history-blocks.js';
import type { FieldState, OptimizerState } from './optimizer-state.js';
import { ShardReader } from './shard-reader.js';
import type { EpochProgress, Snapshot } from './snapshot.js';
import { StoredTensor, type TensorSource } from './stored-tensor.js';

/** What a checkpoint holds besides its tensors. */
export interface CheckpointDescription {
  readonly training: TrainingIdentity;
  readonly monitor: string;
  readonly mode: 'max' | 'min';
  readonly record: EpochRecord;
  /** Of the user; null for none. */
  readonly metadata: Json;
  /** The epochs that have ended, up to the record's. */
  readonly history: EncodableHistory;
}

/**
 * Encodes a snapshot for a store. It's read from the device shard by shard, when the store asks for it.
 *
 * @param snapshot the caller keeps it, and must not dispose it before the store has finished.
 * @param onEncoded receives the checksum that identifies the checkpoint, when the store asks for the manifest.
 */
export function encodeCheckpoint(
  { state, topology, userMetadata }: Snapshot,
  description: CheckpointDescription,
  onEncoded: (checksum: string) => void = () => undefined,
): CheckpointSource {
  const tensors = new TensorList();
  for (const { name, tensor } of state.weights) tensors.add(tensor, name);
  const weights = state.weights.map(({ path }) => path);
  const recurrent = state.recurrent.map(({ path, tensors: states }) => ({
    path,
    tensors:
      states?.map((tensor, i) => tensors.add(tensor, `state/${path.join('/')}/${i}`, 'optimizer')) ?? null,
  }));
  const optimizer = state.optimizer === null ? null : encodeOptimizer(state.optimizer, tensors);
  const monitorState =
    state.monitorState === null ? null : tensors.add(state.monitorState, 'monitor/state', 'optimizer');
  const averaging =
    state.averaging === null
      ? null
      : {
          ...state.averaging,
          trained: state.averaging.trained.map((tensor, i) =>
            tensor === null ? null : tensors.add(tensor, `trained/${weights[i]!.join('/')}`, 'optimizer'),
          ),
        };
  const progress = state.progress === undefined ? null : encodeProgress(state.progress, tensors);
  const generatedBy = `TensorFlow.js tfjs-layers v${tf.version['tfjs-layers']}`;
  const { numEarlier, recent } = description.history;
  const baseMetadata: Omit<CheckpointMetadata, 'checksum' | 'shards' | 'earlier'> = {
    formatVersion: FORMAT_VERSION,
    generatedBy,
    training: description.training,
    monitor: description.monitor,
    mode: description.mode,
    record: encodeRecord(description.record),
    history: recent.map(encodeRecord),
    weights,
    recurrent,
    optimizer,
    averaging,
    monitorState,
    ...(progress === null ? {} : { progress }),
    ...(description.metadata === null ? {} : { metadata: description.metadata }),
  };
  const reader = new ShardReader(tensors.tensors);
  return {
    sizeBytes: totalSizeBytes(tensors.specs),
    readShard: (buffer) => reader.read(buffer),
    sharedShards: () => description.history.shards(),
    async manifest() {
      const earlierShards = await description.history.shards();
      const earlier = { epochs: numEarlier, shards: earlierShards.length };
      const shards = [...(await reader.specs()), ...earlierShards.map(specOf)];
      const weightSpecs = [...tensors.specs, ...historySpecs(earlierShards)];
      const withoutChecksum = toJson({
        ...userMetadata,
        [METADATA_KEY]: { ...baseMetadata, earlier, shards },
      });
      const checksum = await checksumOf(topology, weightSpecs, withoutChecksum);
      onEncoded(checksum);
      const metadata = {
        ...withoutChecksum,
        [METADATA_KEY]: { ...(withoutChecksum[METADATA_KEY] as object), checksum },
      };
      return { modelTopology: topology, weightSpecs, generatedBy, metadata, shards };
    },
  };
}

/** The tensor whose bytes are the earlier epochs: other loaders expect that every byte belongs to a tensor. */
function historySpecs(shards: readonly SharedShard[]): tf.io.WeightsManifestEntry[] {
  if (shards.length === 0) return [];
  const shape = [sizeOfShards(shards) / 4];
  return [{ name: HISTORY_NAME, shape, dtype: 'int32', group: 'optimizer' }];
}

function encodeProgress({ entropy, logs, ...counts }: EpochProgress, tensors: TensorList): EncodedProgress {
  const totals = Object.entries(logs.totals).map(([name, total]) => [
    name,
    tensors.add(total, `progress/logs/${name}`, 'optimizer'),
  ]);
  return {
    ...counts,
    entropy:
      entropy === null
        ? null
        : { parts: tensors.add(entropy.parts, 'progress/entropy', 'optimizer'), rows: entropy.rows },
    logs: { rows: logs.rows, totals: Object.fromEntries(totals) as Record<string, number> },
  };
}

function encodeOptimizer(state: OptimizerState, tensors: TensorList): CheckpointMetadata['optimizer'] {
  const fields = Object.entries(state.fields).map(([key, field]) => [
    key,
    encodeField(field, `optimizer/${key}`, tensors),
  ]);
  return { className: state.className, fields: Object.fromEntries(fields) as Record<string, EncodedField> };
}

function encodeField(field: FieldState, name: string, tensors: TensorList): EncodedField {
  switch (field.kind) {
    case 'scalar':
      if (field.value === undefined) return { undefined: true };
      return { scalar: typeof field.value === 'number' ? encodeNumber(field.value) : field.value };
    case 'tensor':
      return { tensor: tensors.add(field.tensor, name, 'optimizer'), assigned: field.assigned };
    case 'slot':
      return { slot: tensors.add(field.tensor, name, 'optimizer'), path: field.path, suffix: field.suffix };
    case 'list':
      return {
        list: field.items.map((item, i) =>
          item === undefined ? null : encodeField(item, `${name}/${i}`, tensors),
        ),
      };
  }
}

/** The tensors of a checkpoint, in stored order. */
class TensorList {
  readonly specs: tf.io.WeightsManifestEntry[] = [];
  readonly tensors: tf.Tensor[] = [];

  /**
   * Adds a tensor.
   *
   * @param group `'optimizer'` makes TensorFlow.js's loader skip the tensor.
   * @returns the index of the tensor.
   */
  add(source: TensorSource, name: string, group?: 'optimizer'): number {
    if (source instanceof StoredTensor) throw new Error('Expected a tensor in memory, got a stored one.');
    const spec = { name, shape: [...source.shape], dtype: source.dtype as 'float32' };
    this.specs.push(group === undefined ? spec : { ...spec, group });
    return this.tensors.push(source) - 1;
  }
}
