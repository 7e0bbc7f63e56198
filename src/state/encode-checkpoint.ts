import * as tf from '@tensorflow/tfjs';
import type { EpochRecord } from '../epoch-record.js';
import { EntropyCheckpointError } from '../errors.js';
import { Pacer } from '../event-loop.js';
import { sha256 } from '../sha256.js';
import type { CheckpointSource, Json } from '../stores/store.js';
import { weightSizeBytes } from '../stores/weight-data.js';
import { internalsOf } from '../tfjs-internals.js';
import {
  canonicalJson,
  encodeNumber,
  encodeRecord,
  FORMAT_VERSION,
  METADATA_KEY,
  toJson,
  type CheckpointMetadata,
  type EncodedField,
} from './checkpoint-metadata.js';
import type { FieldState, OptimizerState } from './optimizer-state.js';
import { ShardReader } from './shard-reader.js';
import { StoredTensor, type TensorSource } from './tensor-source.js';
import { captureState, type TrainingState } from './training-state.js';

/** What a checkpoint says besides its tensors. */
export interface CheckpointDescription {
  readonly monitor: string;
  readonly mode: 'max' | 'min';
  readonly record: EpochRecord;
  /** The epochs up to the record's. */
  readonly history: readonly EpochRecord[];
}

/**
 * The architecture of `model` as tfjs stores it.
 *
 * @throws EntropyCheckpointError `ENTROPY_UNSUPPORTED_MODEL` where a layer cannot describe itself.
 */
export function modelTopology(model: tf.LayersModel): Json {
  try {
    return model.toJSON(null, false);
  } catch (cause) {
    throw new EntropyCheckpointError(
      'ENTROPY_UNSUPPORTED_MODEL',
      `The model cannot be written as JSON: ${String(cause)} Mend its layer, or set \`filepath: null\`.`,
      { cause },
    );
  }
}

/** All that there is to store of an epoch, taken at its end. */
export interface Snapshot {
  readonly state: TrainingState;
  /** As `modelTopology` gives it. */
  readonly topology: Json;
  readonly userMetadata: Readonly<Record<string, Json>>;
}

/**
 * What is to be stored of `model` and `optimizer` as they are now. Shares their buffers.
 *
 * @param optimizer null: without it.
 * @param remembered as `captureState` takes it.
 * @param topology of the model. To be given where it is known: describing a thousand layers takes a while.
 * @returns the caller disposes its `state`.
 * @throws EntropyCheckpointError as `captureState` and `modelTopology`.
 */
export function takeSnapshot(
  model: tf.LayersModel,
  optimizer: tf.Optimizer | null,
  remembered: tf.Tensor | null = null,
  topology = modelTopology(model),
): Snapshot {
  const userMetadata = toJson(internalsOf(model).userDefinedMetadata ?? {});
  return { state: captureState(model, optimizer, remembered), topology, userMetadata };
}

/** A snapshot in the form in which stores take it. */
export interface EncodedCheckpoint extends CheckpointSource {
  /** Tells it from every other checkpoint; null until `head` has been called. */
  readonly checksum: string | null;
}

/**
 * Reads a snapshot from the device, piece by piece as a store asks for it.
 *
 * @param snapshot stays the caller's, who must not dispose it before the store has done.
 */
export function encodeCheckpoint(
  { state, topology, userMetadata }: Snapshot,
  description: CheckpointDescription,
): EncodedCheckpoint {
  const tensors = new TensorList();
  for (const { name, tensor } of state.weights) tensors.add(tensor, name);
  const weights = state.weights.map(({ place }) => place);
  const recurrent = state.recurrent.map(({ place, tensors: states }) => ({
    place,
    tensors:
      states?.map((tensor, i) => tensors.add(tensor, `state/${place.join('/')}/${i}`, 'optimizer')) ?? null,
  }));
  const optimizer = state.optimizer === null ? null : encodeOptimizer(state.optimizer, tensors);
  const remembered =
    state.remembered === null ? null : tensors.add(state.remembered, 'criterion/remembered', 'optimizer');
  const generatedBy = `TensorFlow.js tfjs-layers v${tf.version['tfjs-layers']}`;
  const own: Omit<CheckpointMetadata, 'checksum' | 'shards'> = {
    formatVersion: FORMAT_VERSION,
    generatedBy,
    monitor: description.monitor,
    mode: description.mode,
    record: encodeRecord(description.record),
    history: description.history.map(encodeRecord),
    weights,
    recurrent,
    optimizer,
    remembered,
  };
  const reader = new ShardReader(tensors.tensors);
  let checksum: string | null = null;
  return {
    sizeBytes: tensors.specs.reduce((total, spec) => total + weightSizeBytes(spec), 0),
    get checksum() {
      return checksum;
    },
    readShard: (buffer) => reader.read(buffer),
    async head() {
      const shards = await reader.specs();
      const unsigned = toJson({ ...userMetadata, [METADATA_KEY]: { ...own, shards } });
      checksum = await checksumOf(topology, tensors.specs, unsigned);
      const metadata = { ...unsigned, [METADATA_KEY]: { ...(unsigned[METADATA_KEY] as object), checksum } };
      return { modelTopology: topology, weightSpecs: tensors.specs, generatedBy, metadata, shards };
    },
  };
}

/** sha256 over all of a checkpoint but the bytes of its weights, whose checksums are in `metadata`. */
export async function checksumOf(
  topology: Json,
  weightSpecs: readonly tf.io.WeightsManifestEntry[],
  unsignedMetadata: Readonly<Record<string, unknown>>,
): Promise<string> {
  const pacer = new Pacer();
  let text = '';
  for (const piece of canonicalJson([topology, weightSpecs, unsignedMetadata])) {
    text += piece;
    if (pacer.isDue) await pacer.breathe();
  }
  return sha256(new TextEncoder().encode(text));
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
      return { slot: tensors.add(field.tensor, name, 'optimizer'), place: field.place, suffix: field.suffix };
    case 'list':
      return {
        list: field.items.map((item, i) =>
          item === undefined ? null : encodeField(item, `${name}/${i}`, tensors),
        ),
      };
  }
}

/** The tensors of a checkpoint, in the order in which they are stored. */
class TensorList {
  readonly specs: tf.io.WeightsManifestEntry[] = [];
  readonly tensors: tf.Tensor[] = [];

  /**
   * @param group `'optimizer'`: tfjs's own loader passes it by.
   * @returns the index of the tensor.
   */
  add(source: TensorSource, name: string, group?: 'optimizer'): number {
    if (source instanceof StoredTensor) throw new Error('Expected a tensor of a snapshot, got a stored one.');
    const spec = { name, shape: [...source.shape], dtype: source.dtype as 'float32' };
    this.specs.push(group === undefined ? spec : { ...spec, group });
    return this.tensors.push(source) - 1;
  }
}
