import * as tf from '@tensorflow/tfjs';
import { platform } from '#platform';
import type { EpochRecord } from '../epoch-record.js';
import { EntropyCheckpointError } from '../errors.js';
import type { Json, StoredCheckpoint } from '../stores/store.js';
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
import type { TrainingState } from './training-state.js';

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

/**
 * Reads a snapshot from the device and makes of it what stores hold.
 *
 * @param state stays the caller's.
 */
export async function encodeCheckpoint(
  state: TrainingState,
  model: tf.LayersModel,
  description: CheckpointDescription,
): Promise<StoredCheckpoint> {
  const tensors = new TensorList();
  for (const { name, tensor } of state.weights) tensors.add(tensor, name);
  const weights = state.weights.map(({ place }) => place);
  const recurrent = state.recurrent.map(({ place, tensors: states }) => ({
    place,
    tensors:
      states?.map((tensor, i) => tensors.add(tensor, `state/${place.join('/')}/${i}`, 'optimizer')) ?? null,
  }));
  const optimizer = state.optimizer === null ? null : encodeOptimizer(state.optimizer, tensors);
  const topology = modelTopology(model);
  const userMetadata = internalsOf(model).userDefinedMetadata ?? {};

  const { weightData, weightChecksum } = await tensors.read();
  const generatedBy = `TensorFlow.js tfjs-layers v${tf.version['tfjs-layers']}`;
  const unsigned: Omit<CheckpointMetadata, 'checksum'> = {
    formatVersion: FORMAT_VERSION,
    generatedBy,
    monitor: description.monitor,
    mode: description.mode,
    record: encodeRecord(description.record),
    history: description.history.map(encodeRecord),
    weights,
    recurrent,
    optimizer,
    weightChecksum,
  };
  const metadata = toJson({ ...userMetadata, [METADATA_KEY]: unsigned });
  const checksum = checksumOf(topology, tensors.specs, metadata);
  return {
    modelTopology: topology,
    weightSpecs: tensors.specs,
    weightData,
    weightChecksum,
    generatedBy,
    metadata: { ...metadata, [METADATA_KEY]: { ...(metadata[METADATA_KEY] as object), checksum } },
  };
}

/** sha256 over all of a checkpoint but the bytes of its weights, which have one of their own in `metadata`. */
export function checksumOf(
  topology: Json,
  weightSpecs: readonly tf.io.WeightsManifestEntry[],
  unsignedMetadata: Readonly<Record<string, unknown>>,
): string {
  const hash = platform.createSha256();
  hash.update(new TextEncoder().encode(canonicalJson([topology, weightSpecs, unsignedMetadata])));
  return hash.hex();
}

/** sha256 over the bytes of all weights, in order. */
export function checksumOfBytes(pieces: readonly Uint8Array[]): string {
  const hash = platform.createSha256();
  for (const piece of pieces) hash.update(piece);
  return hash.hex();
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
  readonly #tensors: tf.Tensor[] = [];

  /**
   * @param group `'optimizer'`: tfjs's own loader passes it by.
   * @returns the index of the tensor.
   */
  add(tensor: tf.Tensor, name: string, group?: 'optimizer'): number {
    const spec = { name, shape: [...tensor.shape], dtype: tensor.dtype as 'float32' };
    this.specs.push(group === undefined ? spec : { ...spec, group });
    return this.#tensors.push(tensor) - 1;
  }

  async read(): Promise<Pick<StoredCheckpoint, 'weightData' | 'weightChecksum'>> {
    const weightData: Uint8Array[] = [];
    for (const tensor of this.#tensors) {
      const values = await tensor.data();
      // A copy: on the cpu backend these are the live values, which training would go on to change.
      weightData.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice());
    }
    return { weightData, weightChecksum: checksumOfBytes(weightData) };
  }
}
