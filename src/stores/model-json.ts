import type * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../errors.js';
import { isWeightSpec, weightSizeBytes } from './weight-data.js';
import type { Json, StoredCheckpoint } from './store.js';

/** A checkpoint without its weight data: what `model.json` holds. */
export type ModelJson = Omit<StoredCheckpoint, 'weightData'>;

/** The data file's name tells its content, so that a new one never takes the place of one that is still named. */
export function weightFileName(weightChecksum: string): string {
  return `weights.${weightChecksum.slice(0, 16)}.bin`;
}

/** The text of `model.json`, in the standard tfjs layers-model format. */
export function encodeModelJson(checkpoint: ModelJson): string {
  return JSON.stringify({
    modelTopology: checkpoint.modelTopology,
    format: 'layers-model',
    generatedBy: checkpoint.generatedBy,
    convertedBy: null,
    weightsManifest: [
      { paths: [weightFileName(checkpoint.weightChecksum)], weights: checkpoint.weightSpecs },
    ],
    userDefinedMetadata: checkpoint.metadata,
  });
}

/**
 * The contents of a `model.json` that `encodeModelJson` wrote; every byte is accounted for.
 *
 * @param path for messages.
 * @throws EntropyCheckpointError `ENTROPY_NOT_A_CHECKPOINT` for JSON of another origin;
 *   `ENTROPY_CORRUPT_CHECKPOINT`.
 */
export function decodeModelJson(bytes: Uint8Array, path: string): ModelJson {
  const root = parseObject(bytes);
  if (root === null) throw corrupt(path, 'expected a JSON object');
  const metadata = root['userDefinedMetadata'];
  const record = isObject(metadata) ? metadata['entropyCheckpoint'] : undefined;
  if (!isObject(metadata) || !isObject(record)) {
    throw new EntropyCheckpointError(
      'ENTROPY_NOT_A_CHECKPOINT',
      `Expected "${path}" to be a checkpoint of this package, got a file without \`userDefinedMetadata.entropyCheckpoint\`. To load a model of another origin, use tf.loadLayersModel.`,
    );
  }
  const weightChecksum = record['weightChecksum'];
  if (typeof weightChecksum !== 'string' || !/^[0-9a-f]{64}$/.test(weightChecksum)) {
    throw corrupt(path, 'expected `weightChecksum` to be 64 lower-case hex digits');
  }
  const { modelTopology, generatedBy } = root;
  if (modelTopology === undefined || typeof generatedBy !== 'string') {
    throw corrupt(path, 'expected `modelTopology` and `generatedBy`');
  }
  const weightSpecs = weightSpecsOf(root, path);
  const decoded: ModelJson = { modelTopology, weightSpecs, weightChecksum, generatedBy, metadata };
  // Finds what a JSON parser lets pass: space, a changed key, an escape, a second key of the same name.
  if (!isEncodingOf(decoded, bytes)) throw corrupt(path, 'its text is not what this package wrote');
  return decoded;
}

/** Whether the bytes are JSON of another origin, and no damaged checkpoint either: something of the user's own. */
export function isForeignModelJson(bytes: Uint8Array): boolean {
  const root = parseObject(bytes);
  if (root === null) return false;
  const metadata = root['userDefinedMetadata'];
  return !isObject(metadata) || !isObject(metadata['entropyCheckpoint']);
}

export function corrupt(path: string, reason: string, cause?: unknown): EntropyCheckpointError {
  const message = `"${path}" is damaged: ${reason}. Restore it from a copy, or train again.`;
  return new EntropyCheckpointError('ENTROPY_CORRUPT_CHECKPOINT', message, { cause });
}

function weightSpecsOf(root: Record<string, Json>, path: string): tf.io.WeightsManifestEntry[] {
  const manifest = root['weightsManifest'];
  const group = Array.isArray(manifest) ? manifest[0] : undefined;
  const entries = isObject(group) ? group['weights'] : undefined;
  if (!Array.isArray(entries)) throw corrupt(path, 'expected `weightsManifest` with one group');
  const specs: tf.io.WeightsManifestEntry[] = [];
  for (const entry of entries) {
    if (!isWeightSpec(entry))
      throw corrupt(path, `weight ${specs.length} has no valid name, shape and dtype`);
    specs.push(entry);
  }
  if (!Number.isSafeInteger(specs.reduce((sum, spec) => sum + weightSizeBytes(spec), 0))) {
    throw corrupt(path, 'its weights are larger than any file');
  }
  return specs;
}

function isEncodingOf(decoded: ModelJson, bytes: Uint8Array): boolean {
  try {
    // Bytes, not text: a byte that is not UTF-8 reads as U+FFFD.
    return Buffer.from(encodeModelJson(decoded)).equals(bytes);
  } catch {
    // Nested deeper than the stack allows.
    return false;
  }
}

/** Null when the bytes are not JSON or not an object. */
function parseObject(bytes: Uint8Array): Record<string, Json> | null {
  try {
    const value = JSON.parse(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(),
    ) as Json;
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: Json | undefined): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
