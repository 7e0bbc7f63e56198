import type * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError, excerpt } from '../errors.js';
import { isObject } from '../check-options.js';
import { hasShape, isCount, isHarmless, isString, listOf } from './outside-data.js';
import { refusalOfJson } from './json-limits.js';
import { SHARD_BYTES, sizeOfShards, type CheckpointManifest, type Json, type ShardSpec } from './store.js';
import { UNCHANGED } from './store-failure.js';
import { totalSizeBytes } from './weight-data.js';

/** The key under which this package stores its data in the artifact's `userDefinedMetadata`. */
export const METADATA_KEY = 'entropyCheckpoint';

/** The unchecked parts of a manifest, as a store read them. The shards are in the metadata. */
export type ManifestParts = Readonly<
  Record<'modelTopology' | 'weightSpecs' | 'generatedBy' | 'metadata', unknown>
>;

const isShardSpec = hasShape({
  sizeBytes: (size) => isCount(size) && (size as number) >= 1 && (size as number) <= SHARD_BYTES,
  sha256: (digest) => isString(digest) && /^[0-9a-f]{64}$/.test(digest as string),
});

/** Accepts only what this package writes: these three dtypes, never quantized. */
const isWeightSpec = (spec: unknown): boolean =>
  hasShape({
    name: isString,
    shape: listOf(isCount),
    dtype: (dtype) => dtype === 'float32' || dtype === 'int32' || dtype === 'bool',
  })(spec) && !('quantization' in (spec as object));

/**
 * Checks that untrusted `parts` have the form of a manifest, and that their sizes agree. Whether they are what was
 * written, checksums say.
 *
 * @param name the store's name, for messages.
 * @throws EntropyCheckpointError `ENTROPY_NOT_A_CHECKPOINT` where there's no record at all;
 *   `ENTROPY_CORRUPT_CHECKPOINT`.
 */
export function checkManifest(parts: ManifestParts, name: string): CheckpointManifest {
  const { modelTopology, weightSpecs, generatedBy, metadata } = parts;
  if (!isObject(metadata) || !Object.hasOwn(metadata, METADATA_KEY)) {
    throw new EntropyCheckpointError(
      'ENTROPY_NOT_A_CHECKPOINT',
      `Use tf.loadLayersModel for a model that this package did not write: expected ${name} to hold a checkpoint, got a ` +
        'model without its record.',
    );
  }
  if (!isHarmless(parts))
    throw damaged(name, 'it has a key `__proto__`, is nested too deep, or has too many parts');
  if (!isObject(modelTopology) || typeof generatedBy !== 'string') {
    throw damaged(name, 'expected `modelTopology` and `generatedBy`');
  }
  if (!listOf(isWeightSpec)(weightSpecs)) {
    throw damaged(name, 'expected each weight to have a name, a shape and a dtype');
  }
  const entry = metadata[METADATA_KEY];
  if (!hasShape({ shards: listOf(isShardSpec) })(entry))
    throw damaged(name, 'expected `entropyCheckpoint.shards`');
  const specs = weightSpecs as tf.io.WeightsManifestEntry[];
  const { shards } = entry as { shards: ShardSpec[] };
  const [weightBytes, shardBytes] = [totalSizeBytes(specs), sizeOfShards(shards)];
  if (weightBytes !== shardBytes || !Number.isSafeInteger(weightBytes)) {
    throw damaged(name, `its ${specs.length} weights have ${weightBytes} bytes, its shards ${shardBytes}`);
  }
  // The checks above make this cast safe.
  return { modelTopology, weightSpecs: specs, generatedBy, metadata, shards } as CheckpointManifest;
}

/**
 * Serialises a manifest as JSON, for `manifestFromText`.
 *
 * @param name the store's name, for messages.
 * @throws EntropyCheckpointError `ENTROPY_STORE_FAILED` for a manifest that couldn't be loaded again. It's better to
 *   fail now, while the previous checkpoint still exists.
 */
export function manifestText(manifest: CheckpointManifest, name: string): string {
  const { modelTopology, weightSpecs, generatedBy, metadata } = manifest;
  try {
    const text = JSON.stringify({ modelTopology, weightSpecs, generatedBy, metadata });
    manifestFromText(text, name);
    return text;
  } catch (cause) {
    throw notLoadable(name, cause);
  }
}

/**
 * Parses and checks a stored manifest.
 *
 * @param text what the store holds, untrusted.
 * @param name the store's name, for messages.
 * @throws EntropyCheckpointError `ENTROPY_NOT_A_CHECKPOINT`, `ENTROPY_CORRUPT_CHECKPOINT`.
 */
export function manifestFromText(text: unknown, name: string): CheckpointManifest {
  if (typeof text !== 'string') throw damaged(name, `expected the text of its manifest, got ${typeof text}`);
  const refusal = refusalOfJson(text);
  if (refusal !== null) throw damaged(name, refusal);
  let parts: unknown;
  try {
    parts = JSON.parse(text);
  } catch (cause) {
    throw damaged(name, 'its manifest is not JSON', cause);
  }
  if (!isObject(parts)) throw damaged(name, 'its manifest is not an object');
  return checkManifest(parts as Record<string, Json> & ManifestParts, name);
}

/** The error for a stored checkpoint that isn't as it was written. */
export function damaged(name: string, reason: string, cause?: unknown): EntropyCheckpointError {
  const message = `The checkpoint in ${name} is damaged: ${reason}. Restore it from a copy, or train again.`;
  return new EntropyCheckpointError('ENTROPY_CORRUPT_CHECKPOINT', message, { cause });
}

/** The error for a checkpoint that isn't saved because it couldn't be loaded again. */
export function notLoadable(name: string, cause: unknown): EntropyCheckpointError {
  const message = `Did not save to ${name}, as the checkpoint could not be loaded again: ${excerpt(cause)} ${UNCHANGED}`;
  return new EntropyCheckpointError('ENTROPY_STORE_FAILED', message, { cause });
}
